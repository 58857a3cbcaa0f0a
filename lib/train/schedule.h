// The learning rate over a run.
#pragma once

#include <cstdint>
#include <vector>

#include "lib/base/words.h"

namespace resnet::train {

struct Schedule {
  enum class Kind : std::uint8_t { step, cosine };
  Kind kind = Kind::step;
  double rate = 0.1;
  std::int64_t iterations = 64'000;
  // step: where the rate is divided by ten. The paper's section 4.2: at 32k and 48k of 64k.
  std::vector<std::int64_t> milestones = {32'000, 48'000};
  // Warm-up iterations, at a tenth of the learning rate (section 4.2: 0.01 in place of 0.1, about 400 iterations).
  std::int64_t warmup = 0;

  // Of iteration 0, 1, ... Cosine: from `rate` after the warm-up to 0 at the end ('SGDR', Loshchilov and Hutter 2016).
  double at(std::int64_t iteration) const;
};

constexpr auto words_of(Schedule::Kind) {
  return std::to_array<Word<Schedule::Kind>>({{Schedule::Kind::step, "step"}, {Schedule::Kind::cosine, "cosine"}});
}

}  // namespace resnet::train
