// How far a command is, as a line on the terminal.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include "cli/tasks/task.h"

namespace resnet::cli {

// "37/100 photos  37%  12.3/s  5 s left", redrawn ten times a second at most and gone when it is destroyed.
class Progress {
 public:
  Progress(Observer& observer, std::string things);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `total` where it is known by now.
  void update(std::size_t done, std::optional<std::size_t> total);

 private:
  using Clock = std::chrono::steady_clock;
  Observer& observer_;
  std::string things_;
  Clock::time_point start_ = Clock::now(), next_ = start_;
};

}  // namespace resnet::cli
