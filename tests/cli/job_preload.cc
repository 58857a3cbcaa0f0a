// Loaded before the C library: what file systems, photos and machines do to the program. The environment says which:
// NO_LINKS, NO_TMPFILE and NO_EXCLUSIVE_RENAME (file systems that cannot do this); DEADLY (part of a path); SLOW (milliseconds
// for a .png) and SLOW_WHILE (a file: only while it is there); STALL (how a path ends: whoever is about to give a file this name
// writes the file STALLED and does nothing more); MACHINE (its name: whether a process of another machine runs is
// not known).
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <cstring>

namespace {

void look_at(const char* path) {
  if (path == nullptr) return;
  const char* deadly = std::getenv("DEADLY");
  if (deadly != nullptr && std::strstr(path, deadly) != nullptr) kill(getpid(), SIGKILL);
  const char* slow = std::getenv("SLOW");
  if (slow == nullptr || std::strstr(path, ".png") == nullptr) return;
  const char* slow_while = std::getenv("SLOW_WHILE");
  if (slow_while == nullptr || access(slow_while, F_OK) == 0) usleep(static_cast<useconds_t>(std::atoi(slow)) * 1000);
}

void stall_before(const char* path) {
  const char* ending = std::getenv("STALL");
  const char* mark = std::getenv("STALLED");
  if (ending == nullptr || mark == nullptr || std::strlen(path) < std::strlen(ending)) return;
  if (std::strcmp(path + std::strlen(path) - std::strlen(ending), ending) != 0) return;
  close(creat(mark, 0666));
  while (true) pause();
}

// What the C library itself opens by this name.
int open_next(const char* name, const char* path, int flags, va_list rest) {
  using Open = int (*)(const char*, int, ...);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0;
  look_at(path);
  if ((flags & O_TMPFILE) == O_TMPFILE && std::getenv("NO_TMPFILE") != nullptr) {
    errno = EOPNOTSUPP;
    return -1;
  }
  return reinterpret_cast<Open>(dlsym(RTLD_NEXT, name))(path, flags, mode);
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const int opened = open_next("open", path, flags, rest);
  va_end(rest);
  return opened;
}

int open64(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const int opened = open_next("open64", path, flags, rest);
  va_end(rest);
  return opened;
}

int linkat(int from_folder, const char* from, int to_folder, const char* to, int flags) {
  using Link = int (*)(int, const char*, int, const char*, int);
  static const auto next = reinterpret_cast<Link>(dlsym(RTLD_NEXT, "linkat"));
  stall_before(to);
  if (std::getenv("NO_LINKS") == nullptr) return next(from_folder, from, to_folder, to, flags);
  errno = EPERM;
  return -1;
}

int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) {
  using Rename = int (*)(int, const char*, int, const char*, unsigned);
  static const auto next = reinterpret_cast<Rename>(dlsym(RTLD_NEXT, "renameat2"));
  if (flags == 0 || std::getenv("NO_EXCLUSIVE_RENAME") == nullptr) return next(from_folder, from, to_folder, to, flags);
  errno = EINVAL;
  return -1;
}

int gethostname(char* name, std::size_t size) {
  using GetHostname = int (*)(char*, std::size_t);
  static const auto next = reinterpret_cast<GetHostname>(dlsym(RTLD_NEXT, "gethostname"));
  const char* machine = std::getenv("MACHINE");
  if (machine == nullptr) return next(name, size);
  std::strncpy(name, machine, size);
  return 0;
}

// Of which machine a process is, is told by its namespace of numbers of processes.
ssize_t readlink(const char* path, char* buffer, std::size_t size) {
  using Readlink = ssize_t (*)(const char*, char*, std::size_t);
  static const auto next = reinterpret_cast<Readlink>(dlsym(RTLD_NEXT, "readlink"));
  const char* machine = std::getenv("MACHINE");
  if (machine == nullptr || std::strcmp(path, "/proc/self/ns/pid") != 0) return next(path, buffer, size);
  std::strncpy(buffer, machine, size);
  return static_cast<ssize_t>(std::min(size, std::strlen(machine)));
}

}  // extern "C"
