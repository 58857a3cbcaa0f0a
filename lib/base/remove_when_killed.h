// Temporary files that go even where the process ends at once and no destructor runs: whoever ends it calls
// remove_files_of_killed().
#pragma once

#include <cstddef>
#include <filesystem>

namespace resnet {

// Marks a file as long as it exists. Has no effect for paths that are too long or too many at a time (16); those are only left
// where they are in that case.
class RemoveWhenKilled {
 public:
  explicit RemoveWhenKilled(const std::filesystem::path& path) noexcept;
  ~RemoveWhenKilled();
  RemoveWhenKilled(const RemoveWhenKilled&) = delete;
  RemoveWhenKilled& operator=(const RemoveWhenKilled&) = delete;

 private:
  static constexpr std::size_t none = static_cast<std::size_t>(-1);
  std::size_t slot_ = none;
};

// Removes those that are marked. May be called where a signal is handled: the process ends after it.
void remove_files_of_killed() noexcept;

}  // namespace resnet
