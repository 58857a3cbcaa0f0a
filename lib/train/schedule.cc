#include "lib/train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace resnet::train {

double Schedule::at(std::int64_t iteration, const State& state) const {
  const bool by_error = warmup_error > 0;
  if (by_error && state.warmed_up < 0) return rate / 10;
  const std::int64_t begin = by_error ? state.warmed_up : warmup;
  if (iteration < begin) return rate / 10;
  switch (kind) {
    case Kind::step: {
      const auto passed = std::count_if(milestones.begin(), milestones.end(), [&](std::int64_t m) { return iteration >= m; });
      return rate * std::pow(0.1, static_cast<double>(passed));
    }
    case Kind::cosine: {
      const auto whole = static_cast<double>(std::max<std::int64_t>(1, iterations - begin));
      return rate * (1 + std::cos(std::numbers::pi * std::min(1.0, static_cast<double>(iteration - begin) / whole))) / 2;
    }
    case Kind::plateau: return rate * std::pow(0.1, static_cast<double>(state.drops));
  }
  __builtin_unreachable();
}

}  // namespace resnet::train
