// A file that is being fetched: its beginning stays where the fetching is interrupted, and the next one continues from it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "cli/tasks/task.h"

namespace resnet::cli {

// Held by one process at a time, as Python's filelock holds it; free again where its process ends, however it ends. Waits as long
// as another has it, and says so once.
class FileLock {
 public:
  // `what` is fetched by whoever has it. Throws Error(unwritable), or Error(interrupted).
  FileLock(const std::filesystem::path& path, const std::string& what, Observer& observer, const Stop& stop);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  bool try_lock(const std::filesystem::path& path);

  int descriptor_ = -1;
};

// To be opened only by who has the lock. Every call may throw Error(unwritable) that names the file.
class PartFile {
 public:
  // What is there is kept. A link or a pipe of that name is refused.
  explicit PartFile(std::filesystem::path path);
  ~PartFile();
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;

  std::uint64_t size() const { return size_; }
  // Throws where so many bytes more have no place on the disk.
  void check_space(std::uint64_t bytes) const;
  void append(std::string_view bytes);
  void clear();
  // Throws Error(interrupted), too.
  std::string sha256(const Stop& stop) const;
  // Synced, with the permissions that the umask gives, and under its name from now on.
  void become(const std::filesystem::path& target);
  void remove();

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

}  // namespace resnet::cli
