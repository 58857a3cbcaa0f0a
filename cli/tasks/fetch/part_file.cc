#include "cli/tasks/fetch/part_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>
#include <utility>

#include "lib/base/error.h"
#include "lib/base/sha256.h"

namespace resnet::cli {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void fail(const fs::path& path, const std::string& problem) {
  throw Error(Fault::unwritable, Frame::file(Role::output, path.string()), problem);
}
[[noreturn]] void fail_by_system(const fs::path& path, int error) {
  fail(path, std::string("cannot be written: ") + std::strerror(error));
}

int open_for_writing(const fs::path& path) {
  const int descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
  if (descriptor < 0) fail_by_system(path, errno);
  struct stat status {};
  if (fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode)) return descriptor;
  close(descriptor);
  fail(path, "is not a regular file, expected one in a cache");
}

}  // namespace

bool FileLock::try_lock(const fs::path& path) {
  descriptor_ = open_for_writing(path);
  if (flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return true;  // a file system without locks
    close(std::exchange(descriptor_, -1));
    return false;
  }
  // Who had it may have removed the file.
  struct stat mine {
  }, there{};
  if (fstat(descriptor_, &mine) == 0 && lstat(path.c_str(), &there) == 0 && mine.st_ino == there.st_ino) return true;
  close(std::exchange(descriptor_, -1));
  return false;
}

FileLock::FileLock(const fs::path& path, const std::string& what, Observer& observer, const Stop& stop) {
  bool told = false;
  while (!try_lock(path)) {
    stop.check();
    if (!told) observer.note(what + ": another process fetches it; waiting for it");
    told = true;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

FileLock::~FileLock() {
  if (descriptor_ >= 0) close(descriptor_);
}

PartFile::PartFile(fs::path path) : path_(std::move(path)), descriptor_(open_for_writing(path_)) {
  struct stat status {};
  if (fstat(descriptor_, &status) == 0) size_ = static_cast<std::uint64_t>(status.st_size);
}

PartFile::~PartFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

void PartFile::check_space(std::uint64_t bytes) const {
  struct statvfs space {};
  if (fstatvfs(descriptor_, &space) != 0 || space.f_blocks == 0) return;
  const double available = static_cast<double>(space.f_bavail) * static_cast<double>(space.f_frsize);
  if (static_cast<double>(bytes) <= available) return;
  constexpr double mebibyte = 1 << 20;
  fail(path_, fmt::format("needs {:.1f} MiB, but its disk has only {:.1f} MiB left", static_cast<double>(bytes) / mebibyte,
                          available / mebibyte));
}

void PartFile::append(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(size_));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail_by_system(path_, errno);
    size_ += static_cast<std::uint64_t>(written);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

void PartFile::clear() {
  if (ftruncate(descriptor_, 0) != 0) fail_by_system(path_, errno);
  size_ = 0;
}

std::string PartFile::sha256(const Stop& stop) const {
  try {
    return sha256_of_file(descriptor_, stop);
  } catch (Error& error) {
    error.in(Frame::file(Role::output, path_.string()));
    throw;
  }
}

void PartFile::become(const fs::path& target) {
  const mode_t mask = umask(0);
  umask(mask);
  static_cast<void>(fchmod(descriptor_, 0666 & ~mask));
  if (fsync(descriptor_) != 0) fail_by_system(path_, errno);
  if (rename(path_.c_str(), target.c_str()) != 0) fail_by_system(target, errno);
}

void PartFile::remove() { unlink(path_.c_str()); }

}  // namespace resnet::cli
