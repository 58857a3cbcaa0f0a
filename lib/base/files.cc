#include "lib/base/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>

#include "lib/base/interrupt.h"

namespace resnet {

namespace fs = std::filesystem;

namespace {

std::string reason(const fs::path& path, const char* what) { return path.string() + ": " + what + ": " + std::strerror(errno); }

}  // namespace

struct AtomicFile::State {
  fs::path target;
  fs::path temporary;  // empty where the target is written directly
  std::optional<RemoveWhenKilled> mark;
  std::ofstream stream;
};

AtomicFile::AtomicFile(const fs::path& path) : state_(std::make_unique<State>()) {
  std::error_code ignored;
  // A link stays a link: the file behind it is replaced.
  state_->target = fs::is_symlink(path, ignored) ? fs::weakly_canonical(path) : path;
  const auto status = fs::status(state_->target, ignored);
  if (fs::is_directory(status)) throw Error(ErrorKind::output, path.string() + ": is a folder, expected a file to write");
  if (fs::exists(status) && !fs::is_regular_file(status)) {
    errno = 0;
    state_->stream.open(state_->target, std::ios::binary);
    if (!state_->stream) throw Error(ErrorKind::output, reason(path, "cannot be written"));
    return;
  }
  std::string name = state_->target.string() + ".XXXXXX";
  const int fd = mkstemp(name.data());
  if (fd < 0) throw Error(ErrorKind::output, reason(path, "cannot be written"));
  // mkstemp makes files that only the owner can read; an output has the permissions that the umask, or the old file, gives.
  struct stat old {};
  const mode_t mask = umask(0);
  umask(mask);
  const mode_t mode = stat(state_->target.c_str(), &old) == 0 ? (old.st_mode & 07777) : (0666 & ~mask);
  static_cast<void>(fchmod(fd, mode));
  close(fd);
  state_->temporary = name;
  state_->mark.emplace(state_->temporary);
  state_->stream.open(state_->temporary, std::ios::binary);
  if (!state_->stream) {
    const Error error(ErrorKind::output, reason(path, "cannot be written"));
    fs::remove(state_->temporary, ignored);
    throw error;
  }
}

AtomicFile::~AtomicFile() {
  if (state_->temporary.empty()) return;
  state_->stream.close();
  std::error_code ignored;
  fs::remove(state_->temporary, ignored);
}

std::ostream& AtomicFile::stream() { return state_->stream; }

void AtomicFile::commit(bool synced) {
  if (state_->stream) errno = 0;  // else it tells of the write that failed
  state_->stream.flush();
  state_->stream.close();
  if (!state_->stream) throw Error(ErrorKind::output, reason(state_->target, "cannot be written"));
  if (state_->temporary.empty()) return;
  const int fd = synced ? open(state_->temporary.c_str(), O_RDONLY | O_CLOEXEC) : -1;
  if (fd >= 0) {
    const bool done = fsync(fd) == 0;
    close(fd);
    if (!done) throw Error(ErrorKind::output, reason(state_->target, "cannot be written"));
  }
  if (rename(state_->temporary.c_str(), state_->target.c_str()) != 0) {
    throw Error(ErrorKind::output, reason(state_->target, "cannot be written"));
  }
  state_->temporary.clear();
}

}  // namespace resnet
