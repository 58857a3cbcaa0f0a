// Which files of a folder are photos, and which of its folders are classes: one rule for predict, evaluate, train, responses and
// bench.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "cli/tasks/task.h"
#include "lib/base/stop.h"

namespace resnet::cli {

// Whether a file or folder of this name belongs to a tool and not to the user: hidden ones (.git, ._1.jpg, .ipynb_checkpoints),
// and what file servers, archives and desktops leave (@eaDir, __MACOSX, $RECYCLE.BIN, lost+found, Thumbs.db). In any case.
bool is_tool_name(std::string_view name);

// Whether a folder's file is taken for a photo (or a .npy tensor), by its ending; a file that is named itself may have any name.
bool has_photo_ending(const std::filesystem::path& file);

// Files of folders that are not photos, by their endings.
class OtherFiles {
 public:
  void add(const std::filesystem::path& file);
  void add(const OtherFiles& others);
  bool empty() const { return count_ == 0; }
  // "12 files are not pictures (.txt 10, .xml 2) and were left out"
  std::string to_string() const;

 private:
  std::size_t count_ = 0;
  std::map<std::string, std::size_t> by_ending_;
};

struct FolderProblem {
  std::filesystem::path folder;
  std::string reason;  // "cannot be read: Permission denied"
};

struct FolderPhotos {
  std::vector<std::filesystem::path> photos;  // in natural order
  std::vector<FolderProblem> problems;
  std::size_t folders_within = 0;
  OtherFiles others;
};
// Each folder once, however links lead to it. Throws Error(interrupted).
FolderPhotos find_photos(const std::filesystem::path& folder, bool recursive, Stop stop);

// The folders within that may be classes, sorted by name; `stray` counts the photos beside them. `error` says why `folder` cannot
// be read.
struct ClassFolders {
  std::vector<std::filesystem::path> folders;
  std::size_t stray = 0;
  std::error_code error;
};
ClassFolders find_class_folders(const std::filesystem::path& folder);

// "cat, dog and 12 more": at most ten of them.
std::string list_of(const std::vector<std::string>& names);

// a2 before a10; '/' before everything else, so that a folder's files stay together; letters in any case; different names are
// never equal.
bool naturally_before(std::string_view a, std::string_view b);

// Says once of a run that photos carry an orientation that was not heeded.
void tell_orientations(std::size_t photos, Observer& observer);

}  // namespace resnet::cli
