// Files of a job's folder: each appears whole, and the first process that gives one its name wins.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace resnet::cli {

// A file that has no name yet. Named by link(2), which only one process can; where a file system has no links, by a
// rename that replaces nothing. Neither locks, clocks nor what stat(2) says is looked at.
class NewFile {
 public:
  // Throws Error(unwritable) "FILE: cannot be written: No space left on device", as everything here does.
  explicit NewFile(const std::filesystem::path& as);
  ~NewFile();
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  void write(std::string_view bytes);
  // False where another process was first. `synced`: it is whole also where the machine stops.
  bool publish(bool synced = true);

 private:
  [[noreturn]] void fail(int error) const;
  bool publish_copy();
  bool take_name(const std::filesystem::path& from) const;

  std::filesystem::path as_;
  std::filesystem::path temporary_;  // its name until then; empty where it has none
  std::string pending_;
  int descriptor_ = -1;
};

// As NewFile. Folders above it are made, but for the one of the job.
bool publish(const std::filesystem::path& as, std::string_view bytes, bool synced = true);

// The whole file, asked of the server itself; nothing where it is not there. Throws Error(unreadable).
std::optional<std::string> read_published(const std::filesystem::path& file);
// Whether it can be opened: what stat(2) says may be old.
bool is_published(const std::filesystem::path& file);

// Makes a folder that may be there. Throws Error(unwritable).
void make_folder(const std::filesystem::path& folder);

}  // namespace resnet::cli
