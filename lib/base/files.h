// Files: read, and written whole or not at all.
#pragma once

#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <limits>
#include <memory>
#include <optional>
#include <string>

#include "lib/base/error.h"
#include "lib/base/stop.h"

namespace resnet {

struct ReadOptions {
  std::uintmax_t most_bytes = std::numeric_limits<std::uintmax_t>::max();  // a larger file is refused before it is read
  const char* expected = "a file";                                         // what messages call it
  Stop stop = {};                                                          // a pipe may give nothing for long
};
// What a pipe may give at most, whatever ReadOptions allow: its size is not known beforehand.
constexpr std::uintmax_t most_piped_bytes = std::uintmax_t{256} << 20;

// The whole file: a regular one, or a pipe of a shell such as /dev/stdin. Folders, sockets, devices and FIFOs with a name of
// their own are refused at once, and never waited for. Throws Error(unreadable), of a file with this `role`: "FILE: cannot be
// opened: No such file or directory".
std::string read_file(const std::filesystem::path& path, Role role, const ReadOptions& options = {});

// A file that appears under its name only when commit() is called: written without a name where the file system can do that, else
// under a temporary one (lib/base/temporaries.h) in the same folder; synced, then named. Destroyed without commit (an error,
// Ctrl-C) it leaves nothing. What is not a regular file (/dev/stdout, a pipe) is written directly. What killed processes left in
// the folder more than a day ago is removed. Throws Error(unwritable), in the constructor already where the folder cannot be
// written.
class AtomicFile {
 public:
  struct Options {
    // The permissions of the new file; none: those of the file that is replaced, or what the umask gives.
    std::optional<unsigned> mode = std::nullopt;
    // A link stays, and the file that it names is replaced. Else whatever has the name is replaced itself (not a folder).
    bool follow_link = true;
    // False: under a temporary name from the beginning, as on file systems that have no files without one.
    bool unnamed = true;
  };

  explicit AtomicFile(const std::filesystem::path& path);
  AtomicFile(const std::filesystem::path& path, const Options& options);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  std::ostream& stream();
  // Flushes. Of what is written so far, to be read before it has its name; not where it is written directly.
  int descriptor();
  // Not synced: after a crash of the machine it may be there and hold anything, for files that are checked when they are read.
  void commit(bool synced = true);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The file that `path` names, through links. Throws Error(unwritable) where links lead round in a circle, or a name is too long.
std::filesystem::path file_behind_links(const std::filesystem::path& path);

}  // namespace resnet
