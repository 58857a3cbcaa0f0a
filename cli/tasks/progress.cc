#include "cli/tasks/progress.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

namespace resnet::cli {

Progress::Progress(Observer& observer, std::string things) : observer_(observer), things_(std::move(things)) {}

Progress::~Progress() { observer_.progress(""); }

void Progress::update(std::size_t done, std::optional<std::size_t> total) {
  if (!observer_.shows_progress()) return;
  const auto now = Clock::now();
  if (now < next_ && done != total) return;
  next_ = now + std::chrono::milliseconds(100);
  const double seconds = std::chrono::duration<double>(now - start_).count();
  const double rate = seconds > 0 ? static_cast<double>(done) / seconds : 0;
  std::string line = total ? fmt::format("{}/{} {}", done, *total, things_) : fmt::format("{} {}", done, things_);
  if (total && *total > 0) line += fmt::format("  {:3d}%", 100 * done / *total);
  if (rate > 0) line += fmt::format("  {:.1f}/s", rate);
  if (total && rate > 0 && *total > done)
    line += fmt::format("  {:.0f} s left", std::ceil(static_cast<double>(*total - done) / rate));
  observer_.progress(line);
}

}  // namespace resnet::cli
