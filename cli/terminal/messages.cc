#include "cli/terminal/messages.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <set>

#include "formats/table/text.h"

namespace resnet::cli {

namespace {

// Bytes of a message: names and lists of a file may be of any length.
constexpr std::size_t longest_message = 2000;

bool on_terminal() {
  static const bool result = isatty(STDERR_FILENO) == 1;
  return result;
}

bool colored() {
  static const bool result = [] {
    const char* no_color = std::getenv("NO_COLOR");
    const char* terminal = std::getenv("TERM");
    return on_terminal() && (no_color == nullptr || *no_color == '\0') && terminal != nullptr &&
           std::string_view(terminal) != "dumb";
  }();
  return result;
}

// A warning is said once, however often it is found: a model may be read for several things.
bool is_new(std::string_view warning) {
  constexpr std::size_t most = 10'000;
  static std::mutex mutex;
  static std::set<std::string, std::less<>> said;
  const std::lock_guard lock(mutex);
  return said.size() >= most || said.emplace(warning).second;
}

// Of the one terminal, whoever writes to it.
std::mutex terminal_mutex;
std::string shown;  // the progress line that is on it

// Whether stdout and stderr are one terminal.
bool is_shared() {
  static const bool result = [] {
    struct stat out = {}, err = {};
    return isatty(STDOUT_FILENO) == 1 && on_terminal() && fstat(STDOUT_FILENO, &out) == 0 && fstat(STDERR_FILENO, &err) == 0 &&
           out.st_rdev == err.st_rdev;
  }();
  return result;
}

void write_to_stderr(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(STDERR_FILENO, bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) return;
    if (written > 0) bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace

void write_beside_progress(const std::function<void()>& write) {
  const std::unique_lock lock(terminal_mutex);
  const bool restore = !shown.empty() && is_shared();
  if (restore) write_to_stderr("\r\x1b[K");
  write();
  if (restore) write_to_stderr(shown);
}

void Messages::configure(bool quiet, int verbosity, ProgressMode progress) {
  const std::lock_guard lock(terminal_mutex);
  quiet_ = quiet;
  verbosity_ = verbosity;
  progress_ = progress;
}

void Messages::error(std::string_view text) { say("", "\x1b[1;31m", text); }

void Messages::warning(std::string_view text) {
  if (!quiet_ && is_new(text)) say("warning: ", "\x1b[33m", text);
}

void Messages::note(std::string_view text) {
  if (!quiet_) say("", "", text);
}

void Messages::detail(std::string_view text) {
  if (!quiet_ && verbosity_ > 0) say("", "", text);
}

bool Messages::shows_progress() const {
  if (progress_ == ProgressMode::automatic) return on_terminal() && !quiet_;
  return progress_ == ProgressMode::on;
}

void Messages::progress(std::string_view line) {
  if (!shows_progress()) return;
  const std::lock_guard lock(terminal_mutex);
  if (shown == line) return;
  if (on_terminal()) {
    write_to_stderr("\r" + std::string(line) + "\x1b[K");
  } else if (!line.empty()) {
    write_to_stderr(std::string(line) + "\n");
  }
  shown = line;
}

void Messages::say(std::string_view tag, std::string_view color, std::string_view text) {
  const std::lock_guard lock(terminal_mutex);
  std::string bytes;
  const bool restore = !shown.empty() && on_terminal();
  if (restore) bytes += "\r\x1b[K";
  const bool in_color = !color.empty() && colored();
  bytes += (in_color ? std::string(color) : std::string()) + "resnet-cli:" + (in_color ? "\x1b[0m " : " ");
  bytes += std::string(tag) + table::shortened(table::printable(text), longest_message) + "\n";
  if (restore) bytes += shown;
  write_to_stderr(bytes);  // one write, so that lines of several processes do not mix
}

}  // namespace resnet::cli
