#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "lib/base/files.h"

namespace resnet {

namespace fs = std::filesystem;

namespace {

// What <linux/magic.h> calls PIPEFS_MAGIC: where the pipes of a shell live.
constexpr long pipe_file_system = 0x50495045;

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() {
    if (value_ >= 0) close(value_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int value() const { return value_; }

 private:
  int value_;
};

// A pipe that a shell made for us (<(...), /dev/stdin), not a FIFO with a name of its own, whose writer may never come.
bool is_shells_pipe(int descriptor, const fs::path& path) {
  const std::string_view name = path.native();
  if (name.starts_with("/dev/") || name.starts_with("/proc/")) return true;
  struct statfs system = {};
  return fstatfs(descriptor, &system) == 0 && static_cast<long>(system.f_type) == pipe_file_system;
}

// Why what was opened is not read; empty where it is.
std::string objection(int descriptor, const struct stat& status, const fs::path& path, const ReadOptions& options) {
  const auto is = [&](const char* what) { return std::string("is a ") + what + ", expected " + options.expected; };
  if (S_ISDIR(status.st_mode)) return is("folder");
  if (S_ISSOCK(status.st_mode)) return is("socket");
  if (S_ISFIFO(status.st_mode) && !is_shells_pipe(descriptor, path)) return is("FIFO");
  if (S_ISBLK(status.st_mode) || (S_ISCHR(status.st_mode) && isatty(descriptor) == 0)) return is("device");
  if (S_ISREG(status.st_mode) && static_cast<std::uintmax_t>(status.st_size) > options.most_bytes) {
    return "has " + std::to_string(status.st_size) + " bytes, more than the " + std::to_string(options.most_bytes >> 20) +
           " MiB that " + options.expected + " may have";
  }
  return "";
}

}  // namespace

std::string read_file(const fs::path& path, Role role, const ReadOptions& options) {
  const auto refuse = [&](const std::string& what) { throw Error(Fault::unreadable, Frame::file(role, path.string()), what); };
  const auto refuse_to = [&](const char* verb) { refuse(std::string("cannot be ") + verb + ": " + std::strerror(errno)); };
  if (path.native().find('\0') != std::string::npos) refuse("no file has a NUL in its name");
  // Not blocking: a FIFO that nobody writes to is opened at once, and refused.
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat status = {};
  if (file.value() < 0 || fstat(file.value(), &status) != 0) refuse_to("opened");
  if (const std::string why = objection(file.value(), status, path, options); !why.empty()) refuse(why);
  if (fcntl(file.value(), F_SETFL, 0) != 0) refuse_to("opened");

  const std::uintmax_t most = S_ISREG(status.st_mode) ? options.most_bytes : std::min(options.most_bytes, most_piped_bytes);
  // A byte more than the file has, so that its end is seen without growing.
  std::string bytes(S_ISREG(status.st_mode) ? static_cast<std::size_t>(status.st_size) + 1 : std::size_t{1} << 16, '\0');
  std::size_t filled = 0;
  for (;;) {
    const ssize_t count = read(file.value(), bytes.data() + filled, bytes.size() - filled);
    if (count < 0 && errno == EINTR && !options.stop.requested()) continue;
    if (count < 0) refuse_to("read");
    if (count == 0) break;
    filled += static_cast<std::size_t>(count);
    if (filled > most)
      refuse("gives more than the " + std::to_string(most >> 20) + " MiB that " + options.expected + " may have");
    if (filled == bytes.size()) bytes.resize(bytes.size() * 2);
  }
  bytes.resize(filled);
  return bytes;
}

}  // namespace resnet
