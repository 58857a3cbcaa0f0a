// Loaded before the C library: a file system that shows names as they were OLD_NAMES milliseconds ago, as those of other machines
// do. What stat(2) and access(2) said of a path, and a folder's listing, stay so for that time; open(2) asks the file system
// itself.
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

std::chrono::milliseconds age() {
  const char* text = std::getenv("OLD_NAMES");
  return std::chrono::milliseconds(text == nullptr ? 0 : std::atol(text));
}

struct Seen {
  Clock::time_point at;
  int result = 0, error = 0;
  struct stat status = {};
};
struct Listing {
  Clock::time_point at;
  std::vector<dirent> entries;
};
struct Place {
  std::vector<dirent> entries;
  std::size_t next = 0;
};

// Never destroyed: the program asks for files until its very end.
struct Memory {
  std::mutex mutex;
  std::map<std::string, Seen> seen;
  std::map<std::string, Listing> listings;
  std::map<DIR*, Place> open;
};
Memory& memory() {
  static auto* const all = new Memory;
  return *all;
}

template <typename Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

std::string link_of(int descriptor) {
  std::array<char, 4096> path;
  const ssize_t size = readlink(("/proc/self/fd/" + std::to_string(descriptor)).c_str(), path.data(), path.size());
  return size > 0 ? std::string(path.data(), static_cast<std::size_t>(size)) : "";
}

// A name of what is asked; nothing where it is not about a path.
std::string key_of(char kind, int folder, const char* path) {
  if (path == nullptr || *path == '\0') return "";
  if (*path == '/') return kind + std::string(path);
  std::string base;
  std::array<char, 4096> here;
  if (folder != AT_FDCWD)
    base = link_of(folder);
  else if (getcwd(here.data(), here.size()) != nullptr)
    base = here.data();
  return kind + base + "/" + path;
}

template <typename Ask>
int remember(const std::string& key, struct stat* status, const Ask& ask) {
  if (age().count() == 0 || key.empty()) return ask(status);
  const std::lock_guard lock(memory().mutex);
  const auto [entry, is_new] = memory().seen.try_emplace(key);
  Seen& seen = entry->second;
  if (is_new || Clock::now() - seen.at > age()) {
    seen.at = Clock::now();
    seen.result = ask(&seen.status);
    seen.error = errno;
  }
  if (status != nullptr) *status = seen.status;
  errno = seen.error;
  return seen.result;
}

int stat_at(const char* name, char kind, const char* path, struct stat* status) {
  const auto real = next<int (*)(const char*, struct stat*)>(name);
  return remember(key_of(kind, AT_FDCWD, path), status, [&](struct stat* to) { return real(path, to); });
}

}  // namespace

extern "C" {

int stat(const char* path, struct stat* status) { return stat_at("stat", 's', path, status); }
int lstat(const char* path, struct stat* status) { return stat_at("lstat", 'l', path, status); }
int stat64(const char* path, struct stat64* status) { return stat_at("stat", 's', path, reinterpret_cast<struct stat*>(status)); }

int fstatat(int folder, const char* path, struct stat* status, int flags) {
  const auto real = next<int (*)(int, const char*, struct stat*, int)>("fstatat");
  const char kind = (flags & AT_SYMLINK_NOFOLLOW) != 0 ? 'l' : 's';
  return remember(key_of(kind, folder, path), status, [&](struct stat* to) { return real(folder, path, to, flags); });
}

int access(const char* path, int mode) {
  const auto real = next<int (*)(const char*, int)>("access");
  return remember(key_of(static_cast<char>('0' + mode), AT_FDCWD, path), nullptr, [&](struct stat*) { return real(path, mode); });
}

DIR* fdopendir(int descriptor) {
  const std::string path = link_of(descriptor);
  DIR* folder = next<DIR* (*)(int)>("fdopendir")(descriptor);
  if (folder == nullptr || age().count() == 0) return folder;
  const std::lock_guard lock(memory().mutex);
  Listing& listing = memory().listings[path];
  if (Clock::now() - listing.at > age()) {
    listing = {Clock::now(), {}};
    const auto real = next<dirent* (*)(DIR*)>("readdir");
    while (const dirent* entry = real(folder)) listing.entries.push_back(*entry);
  }
  memory().open[folder] = {listing.entries, 0};
  return folder;
}

dirent* readdir(DIR* folder) {
  {
    const std::lock_guard lock(memory().mutex);
    const auto found = memory().open.find(folder);
    if (found != memory().open.end()) {
      Place& place = found->second;
      return place.next < place.entries.size() ? &place.entries[place.next++] : nullptr;
    }
  }
  return next<dirent* (*)(DIR*)>("readdir")(folder);
}

int closedir(DIR* folder) {
  {
    const std::lock_guard lock(memory().mutex);
    memory().open.erase(folder);
  }
  return next<int (*)(DIR*)>("closedir")(folder);
}

}  // extern "C"
