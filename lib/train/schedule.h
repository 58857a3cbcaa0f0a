// The learning rate over a run.
#pragma once

#include <cstdint>
#include <vector>

#include "lib/base/words.h"

namespace resnet::train {

struct Schedule {
  enum class Kind : std::uint8_t { step, cosine, plateau };
  Kind kind = Kind::step;
  double rate = 0.1;
  std::int64_t iterations = 64'000;
  // step: where the rate is divided by ten. The paper's section 4.2: at 32k and 48k of 64k.
  std::vector<std::int64_t> milestones = {32'000, 48'000};
  // Warm-up iterations, at a tenth of the learning rate (section 4.2: 0.01 in place of 0.1, about 400 iterations).
  std::int64_t warmup = 0;
  // In place of their number: until the training error, a share, is under this one (section 4.2: 0.8). 0: by their number.
  double warmup_error = 0;
  // plateau: rows of the log without a lower error, of the test where there is one, after which the rate is divided by ten
  // (section 3.4: 'when the error plateaus').
  std::int64_t patience = 5;

  // What the rate depends on besides the iteration.
  struct State {
    std::int64_t warmed_up = -1;  // by warmup_error: the first iteration after the warm-up; -1: it has not ended yet
    std::int64_t drops = 0;       // plateau: how often the rate was divided
  };
  // Of iteration 0, 1, ... Cosine: from `rate` after the warm-up to 0 at the end ('SGDR', Loshchilov and Hutter 2016).
  double at(std::int64_t iteration, const State& state) const;
  double at(std::int64_t iteration) const { return at(iteration, State()); }
};

constexpr auto words_of(Schedule::Kind) {
  return std::to_array<Word<Schedule::Kind>>(
      {{Schedule::Kind::step, "step"}, {Schedule::Kind::cosine, "cosine"}, {Schedule::Kind::plateau, "plateau"}});
}

}  // namespace resnet::train
