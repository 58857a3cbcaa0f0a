// Numbers that a seed decides, the same on every machine.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "lib/base/random.h"

namespace resnet::random {

class Draw {
 public:
  // Each purpose has a stream of its own: drawing more for one changes nothing for another.
  Draw(std::uint64_t seed, std::string_view purpose) : draws_(stream_key(seed, purpose)) {}

  // Uniform over least ... most.
  std::int64_t between(std::int64_t least, std::int64_t most) {
    return least + static_cast<std::int64_t>(draws_.below(static_cast<std::uint64_t>(most - least + 1)));
  }
  // Uniform in [least, most).
  double uniform(double least, double most) {
    return least + (most - least) * static_cast<double>(draws_.below(std::uint64_t{1} << 24)) * 0x1p-24;
  }
  bool chance(std::int64_t percent) { return between(0, 99) < percent; }
  template <typename T>
  T one_of(std::initializer_list<T> choices) {
    return choices.begin()[draws_.below(choices.size())];
  }
  template <typename T>
  const T& one_of(const std::vector<T>& choices) {
    return choices[draws_.below(choices.size())];
  }

 private:
  Draws draws_;
};

}  // namespace resnet::random
