// Which file a name stands for, and whether it is still the same: names, links to them and times alone do not show it.
#pragma once

#include <cstdint>
#include <string>

namespace resnet {

// Of the file itself where the name is a link; all zero where there is none.
struct FileStamp {
  std::uint64_t device = 0, inode = 0, bytes = 0;
  std::uint64_t written = 0, changed = 0;  // in nanoseconds
  bool is_there() const { return inode != 0; }
  bool is_same_file(const FileStamp& other) const { return is_there() && device == other.device && inode == other.inode; }
  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};
FileStamp stamp_of(const std::string& file);
FileStamp stamp_of(int descriptor);

}  // namespace resnet
