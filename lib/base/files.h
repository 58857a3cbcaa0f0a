// Files: read, and written whole or not at all.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <memory>
#include <string>

#include "lib/base/error.h"

namespace resnet {

// The whole file. Throws Error(`kind`) "FILE: cannot be opened: No such file or directory".
std::string read_file(const std::filesystem::path& path, ErrorKind kind);

// A file that appears under its name only when commit() is called: written to a temporary name in the same folder, synced,
// renamed. Destroyed without commit (an error, Ctrl-C) it leaves nothing. What is no regular file (/dev/stdout, a pipe) is
// written directly. Throws Error(output).
class AtomicFile {
 public:
  explicit AtomicFile(const std::filesystem::path& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  std::ostream& stream();
  // Not synced: after a crash of the machine it may be there and hold anything, for files that are checked when they are read.
  void commit(bool synced = true);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace resnet
