// Ctrl-C: asked for politely by long loops, enforced within a second where nobody asks.
#pragma once

#include <atomic>
#include <cstddef>
#include <filesystem>

#include "lib/base/stop.h"

namespace resnet {

// From now on SIGINT, SIGTERM and SIGHUP set `flag`, which lives as long as the process. A process that has not ended 0.8 seconds
// after it, or that is signalled a second time, removes the files that RemoveWhenKilled names and exits 130. A signal that was
// ignored when the program started (nohup) stays ignored.
void handle_interrupts(std::atomic<bool>& flag);

// That flag, for who is not handed a Stop: those who are use theirs.
Stop stop_of_process() noexcept;

// Whether the user asked to stop. Cheap, and safe in any thread.
bool interrupted() noexcept;

// Throws Error(interrupted) where the user asked to stop.
void throw_if_interrupted();

// While one exists a process that is signalled has all the time it needs: for work that asks interrupted() and then writes down
// what it has done. A second signal still ends it at once.
class TakeTimeWhenInterrupted {
 public:
  TakeTimeWhenInterrupted() noexcept;
  ~TakeTimeWhenInterrupted();
  TakeTimeWhenInterrupted(const TakeTimeWhenInterrupted&) = delete;
  TakeTimeWhenInterrupted& operator=(const TakeTimeWhenInterrupted&) = delete;
};

// A temporary file that is also removed where the process ends at once and no destructor runs. Has no effect for paths that are
// too long or too many at a time (16); those stay in that case.
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

}  // namespace resnet
