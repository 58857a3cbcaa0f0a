// Files: read, and written whole or not at all.
#pragma once

#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <limits>
#include <memory>
#include <string>

#include "lib/base/error.h"

namespace resnet {

struct ReadOptions {
  std::uintmax_t most_bytes = std::numeric_limits<std::uintmax_t>::max();  // a larger file is refused before it is read
  const char* expected = "a file";                                         // what messages call it
};
// What a pipe may give at most, whatever ReadOptions allow: it does not tell its size beforehand.
constexpr std::uintmax_t most_piped_bytes = std::uintmax_t{256} << 20;

// The whole file: a regular one, or a pipe of a shell such as /dev/stdin. Folders, sockets, devices and FIFOs with a name of
// their own are refused at once, and never waited for. Throws Error(`kind`) "FILE: cannot be opened: No such file or directory".
std::string read_file(const std::filesystem::path& path, ErrorKind kind, const ReadOptions& options = {});

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
