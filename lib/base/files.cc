#include "lib/base/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <iterator>
#include <ostream>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "lib/base/descriptor_buffer.h"
#include "lib/base/remove_when_killed.h"
#include "lib/base/temporaries.h"

namespace resnet {

namespace fs = std::filesystem;

struct AtomicFile::State {
  fs::path shown;      // as the user has named it
  fs::path target;     // the file itself
  fs::path temporary;  // its name until then; empty: it has none, or the target is written directly
  bool direct = false;
  int descriptor = -1;
  std::optional<RemoveWhenKilled> mark;
  DescriptorBuffer buffer;
  std::ostream stream{&buffer};

  [[noreturn]] void fail(int error) const {
    throw Error(Fault::unwritable, Frame::file(Role::output, shown.string()),
                std::string("cannot be written: ") + std::strerror(error));
  }
  fs::path folder() const { return target.has_parent_path() ? target.parent_path() : fs::path("."); }
  void open_target();
  void open_unnamed();
  void open_temporary();
  void copy_to_temporary();
  void name_it();
  void discard() noexcept;
};

void AtomicFile::State::open_target() {
  direct = true;
  // A FIFO is not waited for; who reads it may begin at the same time.
  constexpr int tries = 50;
  for (int i = 0; i < tries && descriptor < 0; ++i) {
    if (i > 0) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    descriptor = open(target.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (descriptor < 0 && errno != ENXIO) fail(errno);
  }
  if (descriptor < 0) {
    throw Error(Fault::unwritable, Frame::file(Role::output, shown.string()),
                "is a FIFO or a device that nobody reads, expected a file, or a reader of it");
  }
  if (fcntl(descriptor, F_SETFL, 0) != 0) fail(errno);
}

// A file without a name vanishes with its process, however that ends.
void AtomicFile::State::open_unnamed() {
  const fs::path proc = "/proc/self/fd";
  if (access(proc.c_str(), X_OK) == 0) descriptor = open(folder().c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

void AtomicFile::State::open_temporary() {
  const fs::path name = folder() / temporary_name();
  mark.emplace(name);
  descriptor = open(name.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
  if (descriptor < 0) {
    const int error = errno;
    mark.reset();
    fail(error);
  }
  temporary = name;
}

// For a file that cannot be named: its name was taken away, or the file system gives no names to files without one.
void AtomicFile::State::copy_to_temporary() {
  const int from = descriptor;
  struct stat status {};
  static_cast<void>(fstat(from, &status));
  discard();  // what has the old name is not ours, or is not needed
  descriptor = -1;
  try {
    open_temporary();
    static_cast<void>(fchmod(descriptor, status.st_mode & 07777));
    std::vector<char> block(1 << 20);
    off_t at = 0;
    for (ssize_t got = 0; (got = pread(from, block.data(), block.size(), at)) != 0; at += got) {
      for (ssize_t done = 0; got > 0 && done < got;) {
        const ssize_t n = write(descriptor, block.data() + done, static_cast<std::size_t>(got - done));
        if (n <= 0) fail(n < 0 ? errno : EIO);
        done += n;
      }
      if (got < 0) fail(errno);
    }
    if (fsync(descriptor) != 0) fail(errno);
  } catch (...) {
    close(from);
    throw;
  }
  close(from);
}

void AtomicFile::State::name_it() {
  if (temporary.empty()) {
    const std::string self = "/proc/self/fd/" + std::to_string(descriptor);
    if (linkat(AT_FDCWD, self.c_str(), AT_FDCWD, target.c_str(), AT_SYMLINK_FOLLOW) == 0) return;
    const bool is_there = errno == EEXIST;
    const fs::path name = folder() / temporary_name();
    mark.emplace(name);
    if (is_there && linkat(AT_FDCWD, self.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0) {
      temporary = name;
    } else {
      copy_to_temporary();
    }
  }
  if (rename(temporary.c_str(), target.c_str()) != 0) {
    if (errno != ENOENT) fail(errno);
    copy_to_temporary();  // somebody has removed it
    if (rename(temporary.c_str(), target.c_str()) != 0) fail(errno);
  }
  temporary.clear();
  mark.reset();
}

void AtomicFile::State::discard() noexcept {
  if (!temporary.empty()) unlink(temporary.c_str());
  temporary.clear();
  mark.reset();
}

AtomicFile::AtomicFile(const fs::path& path) : AtomicFile(path, Options{}) {}

AtomicFile::AtomicFile(const fs::path& path, const Options& options) : state_(std::make_unique<State>()) {
  State& state = *state_;
  state.shown = path;
  state.target = options.follow_link ? file_behind_links(path) : path;
  struct stat old {};
  const bool there = lstat(state.target.c_str(), &old) == 0;
  if (!there && errno != ENOENT) state.fail(errno);
  if (there && S_ISDIR(old.st_mode))
    throw Error(Fault::unwritable, Frame::file(Role::output, path.string()), "is a folder, expected a file to write");
  if (there && !S_ISREG(old.st_mode) && options.follow_link) {
    state.open_target();
  } else {
    if (options.unnamed) state.open_unnamed();
    if (state.descriptor < 0) state.open_temporary();
    const mode_t mask = umask(0);
    umask(mask);
    const mode_t mode = options.mode ? *options.mode : there ? old.st_mode & 07777 : 0666 & ~mask;
    static_cast<void>(fchmod(state.descriptor, mode));
    remove_old_temporaries(state.folder(), state.target.filename().string());
  }
  state.buffer.set_descriptor(state.descriptor);
}

AtomicFile::~AtomicFile() {
  if (state_->direct) state_->stream.flush();
  state_->discard();
  if (state_->descriptor >= 0) close(state_->descriptor);
}

std::ostream& AtomicFile::stream() { return state_->stream; }

int AtomicFile::descriptor() {
  State& state = *state_;
  state.stream.flush();
  if (!state.stream) state.fail(state.buffer.error() != 0 ? state.buffer.error() : EIO);
  return state.descriptor;
}

void AtomicFile::commit(bool synced) {
  State& state = *state_;
  descriptor();
  if (state.direct) return;
  if (synced && fsync(state.descriptor) != 0) state.fail(errno);
  state.name_it();
  const int written = std::exchange(state.descriptor, -1);
  state.buffer.set_descriptor(-1);
  static_cast<void>(close(written));  // it has its name; what a network's file system says now, fsync has said
}

fs::path file_behind_links(const fs::path& path) {
  constexpr int most_links = 40;  // as the kernel has it
  fs::path at = path;
  std::error_code failed;
  for (int i = 0; i <= most_links; ++i) {
    const fs::file_status status = fs::symlink_status(at, failed);
    if (status.type() == fs::file_type::not_found) return at;
    const fs::path next = !failed && fs::is_symlink(status) ? fs::read_symlink(at, failed) : fs::path();
    if (failed) break;
    if (next.empty()) return at;
    at = at.parent_path() / next;
  }
  if (!failed) failed = std::make_error_code(std::errc::too_many_symbolic_link_levels);
  throw Error(Fault::unwritable, Frame::file(Role::output, path.string()), "cannot be written: " + failed.message());
}

}  // namespace resnet
