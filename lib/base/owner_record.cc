#include "lib/base/owner_record.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <sstream>
#include <system_error>
#include <vector>

#include "lib/base/error.h"
#include "lib/base/temporaries.h"

namespace resnet {

namespace fs = std::filesystem;

namespace {

constexpr const char* first_line = "resnet-cli owner 1";
constexpr std::size_t token_digits = 32, beat_digits = 20, most_bytes = 4096;

std::string first_word_of(const char* file) {
  std::ifstream stream(file);
  std::string word;
  stream >> word;
  return word;
}

template <typename Integer>
std::optional<Integer> parse_number(const std::string& text) {
  Integer value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

// The state (R, S, Z ...) and the start time of a process; nothing where it is not there or may not be seen.
struct ProcessStat {
  char state = 0;
  std::uint64_t start = 0;
};
std::optional<ProcessStat> read_process_stat(const std::string& pid) {
  std::ifstream file("/proc/" + pid + "/stat");
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const std::size_t name_end = text.rfind(')');  // the name may hold anything, brackets too
  if (name_end == text.npos) return std::nullopt;
  std::istringstream fields(text.substr(name_end + 1));
  ProcessStat result;
  fields >> result.state;  // field 3
  std::string word;
  for (int field = 4; field < 22 && fields >> word; ++field) {
  }
  fields >> result.start;
  return fields ? std::optional(result) : std::nullopt;
}

// Shown on terminals: what a file says is not trusted.
std::string plain(std::string text) {
  constexpr std::size_t most = 255;
  if (text.size() > most) text.resize(most);
  for (char& c : text) {
    if (c <= ' ' || c > '~') c = '?';
  }
  return text.empty() ? "?" : text;
}

}  // namespace

OwnerRecord OwnerRecord::of_this_process() {
  OwnerRecord record;
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) == 0) record.host = name.data();
  record.host = plain(record.host);
  record.boot = first_word_of("/proc/sys/kernel/random/boot_id");
  std::error_code failed;
  record.pid_namespace = fs::read_symlink("/proc/self/ns/pid", failed).string();
  record.pid = getpid();
  if (const auto stat = read_process_stat("self")) record.start = stat->start;
  record.token = random_digits(token_digits);
  return record;
}

std::string OwnerRecord::beat_text() const {
  const std::string digits = std::to_string(beat);
  return std::string(beat_digits - digits.size(), '0') + digits;
}

std::string OwnerRecord::to_text() const {
  return std::string(first_line) + "\nhost " + host + "\nboot " + boot + "\npid-namespace " + pid_namespace + "\npid " +
         std::to_string(pid) + "\nstart " + std::to_string(start) + "\ntoken " + token + "\nbeat " + beat_text() + "\n";
}

std::size_t OwnerRecord::beat_offset() const { return to_text().size() - 1 - beat_digits; }

std::optional<OwnerRecord> OwnerRecord::parse(const std::string& text) {
  std::istringstream stream(text);
  std::string line;
  if (!std::getline(stream, line) || line != first_line) return std::nullopt;
  bool whole = true;
  const auto next = [&](const std::string& key) {
    whole = whole && std::getline(stream, line) && !stream.eof() && line.starts_with(key + " ");
    return whole ? line.substr(key.size() + 1) : std::string();
  };
  OwnerRecord record;
  record.host = next("host");
  record.boot = next("boot");
  record.pid_namespace = next("pid-namespace");
  const auto pid = parse_number<pid_t>(next("pid"));
  const auto start = parse_number<std::uint64_t>(next("start"));
  record.token = next("token");
  const auto beat = parse_number<std::uint64_t>(next("beat"));
  const bool is_token = record.token.size() == token_digits && std::all_of(record.token.begin(), record.token.end(), [](char c) {
                          return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
                        });
  if (!whole || !pid || *pid <= 0 || !start || !beat || !is_token) return std::nullopt;
  record.pid = *pid;
  record.start = *start;
  record.beat = *beat;
  return record;
}

std::string OwnerRecord::describe() const { return "process " + std::to_string(pid) + " on host " + plain(host); }

Life life_of(const OwnerRecord& owner) {
  static const OwnerRecord here = OwnerRecord::of_this_process();
  if (owner.boot.empty() || owner.pid_namespace.empty()) return Life::unknown;
  if (owner.boot != here.boot || owner.pid_namespace != here.pid_namespace) return Life::unknown;
  if (kill(owner.pid, 0) != 0 && errno == ESRCH) return Life::is_gone;
  const auto stat = read_process_stat(std::to_string(owner.pid));
  if (!stat) return kill(owner.pid, 0) != 0 && errno == ESRCH ? Life::is_gone : Life::unknown;  // hidden, or gone since
  if (owner.start != 0 && stat->start != owner.start) return Life::is_gone;  // another process has the number now
  return stat->state == 'Z' || stat->state == 'X' ? Life::is_gone : Life::runs;
}

OwnerFile read_owner_file(const fs::path& file) {
  const int descriptor = open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
  if (descriptor < 0) {
    if (errno == ENOENT) return {};
    if (errno == ELOOP) return {"a link", std::nullopt};
    throw Error(Fault::unwritable, Frame::file(Role::output, file.string()),
                std::string("cannot be read: ") + std::strerror(errno));
  }
  OwnerFile result;
  struct stat status {};
  if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
    close(descriptor);
    return {"no regular file", std::nullopt};
  }
  std::string text(most_bytes, '\0');
  ssize_t got = 0;
  do {
    got = pread(descriptor, text.data(), text.size(), 0);
  } while (got < 0 && errno == EINTR);
  const int error = errno;
  close(descriptor);
  if (got < 0 && error == ESTALE) return {};  // removed on its server since
  if (got < 0)
    throw Error(Fault::unwritable, Frame::file(Role::output, file.string()),
                std::string("cannot be read: ") + std::strerror(error));
  text.resize(static_cast<std::size_t>(got));
  result.record = OwnerRecord::parse(text);
  result.text = text.empty() ? "empty" : std::move(text);
  return result;
}

}  // namespace resnet
