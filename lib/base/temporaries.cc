#include "lib/base/temporaries.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string_view>

namespace resnet {

namespace {

constexpr std::string_view prefix = ".resnet-cli-tmp.";
constexpr std::size_t name_digits = 16;
constexpr std::time_t old_enough = 24 * 60 * 60;  // seconds: whoever wrote it has ended
constexpr std::size_t most_names = 20'000, most_folders = 16;

bool is_hexadecimal(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

int class_of(char c) { return c >= 'a' && c <= 'z' ? 1 : c >= 'A' && c <= 'Z' ? 2 : c >= '0' && c <= '9' ? 3 : 0; }

// "TARGET.XXXXXX" as mkstemp draws it. A word that people write (backup, MyCopy, 202611) has the same form: only what changes
// between small, capital and digit nearly everywhere is taken for drawn.
bool is_of_first_version(std::string_view name, std::string_view target) {
  constexpr std::size_t drawn = 6, least_changes = 4;
  if (name.size() != target.size() + 1 + drawn || !name.starts_with(target) || name[target.size()] != '.') return false;
  const std::string_view letters = name.substr(target.size() + 1);
  std::size_t changes = 0;
  bool small = false, capital = false;
  for (std::size_t i = 0; i < letters.size(); ++i) {
    const int c = class_of(letters[i]);
    if (c == 0) return false;
    small = small || c == 1;
    capital = capital || c == 2;
    if (i > 0 && c != class_of(letters[i - 1])) ++changes;
  }
  return small && capital && changes >= least_changes;
}

void remove_if_old(int folder, const char* name) {
  struct stat status {};
  if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) != 0) return;
  if (!S_ISREG(status.st_mode) || status.st_uid != geteuid() || std::time(nullptr) - status.st_mtime <= old_enough) return;
  unlinkat(folder, name, 0);
}

// A run that writes thousands of files into one folder looks a few times only.
bool is_first_look(const std::filesystem::path& file) {
  static std::mutex mutex;
  static std::set<std::filesystem::path> seen;
  const std::lock_guard lock(mutex);
  return seen.size() < most_folders && seen.insert(file).second;
}

}  // namespace

std::string random_digits(std::size_t digits) {
  std::string bytes(digits, '\0'), text;
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    std::random_device device;
    for (char& byte : bytes) byte = static_cast<char>(device());
  }
  for (const char byte : bytes) text += "0123456789abcdef"[static_cast<unsigned char>(byte) % 16];
  return text;
}

std::string temporary_name() { return std::string(prefix) + random_digits(name_digits); }

bool is_temporary_name(const std::string& name) {
  return name.starts_with(prefix) && name.size() == prefix.size() + name_digits && is_hexadecimal(name.substr(prefix.size()));
}

void remove_old_temporaries(const std::filesystem::path& folder, const std::string& target) {
  if (!is_first_look(folder / target)) return;
  const int opened = open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (opened < 0) return;
  const std::unique_ptr<DIR, int (*)(DIR*)> names(fdopendir(opened), closedir);
  if (!names) {
    close(opened);
    return;
  }
  for (std::size_t i = 0; i < most_names; ++i) {
    const dirent* entry = readdir(names.get());
    if (entry == nullptr) break;
    if (is_temporary_name(entry->d_name) || is_of_first_version(entry->d_name, target)) remove_if_old(opened, entry->d_name);
  }
}

}  // namespace resnet
