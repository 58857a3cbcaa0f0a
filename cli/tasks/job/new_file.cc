#include "cli/tasks/job/new_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "lib/base/error.h"
#include "lib/base/temporaries.h"

namespace resnet::cli {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t block = 1 << 20;
// Of a file that is read whole: the places of 100 million chunks.
constexpr std::size_t most_published = std::size_t{1} << 30;
constexpr mode_t mode = 0666;

// Why not all of it is written; 0 where it is.
int write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return written < 0 ? errno : EIO;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

bool has_no_links(int error) { return error == EPERM || error == ENOTSUP || error == ENOSYS || error == EMLINK; }

[[noreturn]] void refuse(const fs::path& file, int error) {
  throw Error(Fault::unwritable, Frame::file(Role::output, file.string()),
              std::string("cannot be written: ") + std::strerror(error));
}

}  // namespace

NewFile::NewFile(const fs::path& as) : as_(as) {
  const fs::path folder = as.parent_path();
  const bool has_proc = access("/proc/self/fd", X_OK) == 0;
  descriptor_ = has_proc ? open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, mode) : -1;
  if (descriptor_ >= 0) return;
  const fs::path name = folder / temporary_name();
  descriptor_ = open(name.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, mode);
  if (descriptor_ < 0) fail(errno);
  temporary_ = name;
}

NewFile::~NewFile() {
  if (!temporary_.empty()) unlink(temporary_.c_str());
  if (descriptor_ >= 0) close(descriptor_);
}

void NewFile::fail(int error) const { refuse(as_, error); }

void NewFile::write(std::string_view bytes) {
  pending_ += bytes;
  if (pending_.size() < block) return;
  if (const int error = write_all(descriptor_, pending_)) fail(error);
  pending_.clear();
}

bool NewFile::publish(bool synced) {
  if (const int error = write_all(descriptor_, pending_)) fail(error);
  pending_.clear();
  if (synced && fsync(descriptor_) != 0 && errno != EINVAL) fail(errno);
  const std::string from = temporary_.empty() ? "/proc/self/fd/" + std::to_string(descriptor_) : temporary_.string();
  if (linkat(AT_FDCWD, from.c_str(), AT_FDCWD, as_.c_str(), AT_SYMLINK_FOLLOW) == 0) return true;
  if (errno == EEXIST) return false;
  if (has_no_links(errno) || (temporary_.empty() && errno == ENOENT)) return publish_copy();
  fail(errno);
}

// Without links: a copy by another name, which is then given the name where nobody has it.
bool NewFile::publish_copy() {
  const fs::path name = as_.parent_path() / temporary_name();
  const int copy = open(name.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, mode);
  if (copy < 0) fail(errno);
  int error = 0;
  std::string bytes(block, '\0');
  for (off_t at = 0; error == 0;) {
    const ssize_t count = pread(descriptor_, bytes.data(), bytes.size(), at);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) error = errno;
    if (count <= 0) break;
    error = write_all(copy, std::string_view(bytes.data(), static_cast<std::size_t>(count)));
    at += count;
  }
  if (error == 0 && fsync(copy) != 0 && errno != EINVAL) error = errno;
  close(copy);
  if (error == 0 && take_name(name)) return true;
  if (error == 0 && errno != EEXIST) error = errno;
  unlink(name.c_str());
  if (error != 0) fail(error);
  return false;
}

// False with errno, EEXIST where another file has the name. Where a file system cannot rename to a new name only, one that
// appears in between is replaced: by one that says the same, for all that publish under one name have computed the same.
bool NewFile::take_name(const fs::path& from) const {
  if (renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, as_.c_str(), RENAME_NOREPLACE) == 0) return true;
  if (errno != EINVAL && errno != ENOSYS && errno != ENOTSUP) return false;
  if (is_published(as_)) {
    errno = EEXIST;
    return false;
  }
  return std::rename(from.c_str(), as_.c_str()) == 0;
}

bool publish(const fs::path& as, std::string_view bytes, bool synced) {
  make_folder(as.parent_path().parent_path());
  make_folder(as.parent_path());
  NewFile file(as);
  file.write(bytes);
  return file.publish(synced);
}

std::optional<std::string> read_published(const fs::path& file) {
  const int descriptor = open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0 && errno == ENOENT) return std::nullopt;
  const auto refuse = [&](const std::string& what) {
    if (descriptor >= 0) close(descriptor);
    throw Error(Fault::unreadable, Frame::file(Role::argument, file.string()), what);
  };
  const auto refuse_by_errno = [&] { refuse(std::string("cannot be read: ") + std::strerror(errno)); };
  if (descriptor < 0) refuse_by_errno();
  struct stat status {};
  if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) refuse("is not a file");
  std::string text;
  std::array<char, 65536> bytes;
  while (true) {
    const ssize_t count = read(descriptor, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) refuse_by_errno();
    if (count == 0) break;
    if (text.size() > most_published) refuse("is too large: it is damaged, or of something else");
    text.append(bytes.data(), static_cast<std::size_t>(count));
  }
  close(descriptor);
  return text;
}

bool is_published(const fs::path& file) {
  const int descriptor = open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor >= 0) close(descriptor);
  return descriptor >= 0;
}

void make_folder(const fs::path& folder) {
  if (mkdir(folder.c_str(), 0777) == 0 || errno == EEXIST) return;
  refuse(folder, errno);
}

}  // namespace resnet::cli
