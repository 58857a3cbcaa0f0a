// From what values a tensor has to the parameters that stand for them in 8 bits.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "lib/base/words.h"
#include "lib/quantize/histogram.h"

namespace resnet::quantize {

// How the range of an activation is chosen; what lies outside it becomes the nearest end.
enum class Method : std::uint8_t {
  minmax,      // from the least to the most
  percentile,  // so that a given share of the values lies in it
  entropy,     // so that the distribution of values loses the least information (Kullback and Leibler)
  mse,         // so that the mean squared error is the least
};
constexpr auto words_of(Method) {
  return std::to_array<Word<Method>>(
      {{Method::minmax, "minmax"}, {Method::percentile, "percentile"}, {Method::entropy, "entropy"}, {Method::mse, "mse"}});
}

enum class Activations : std::uint8_t {
  u8,  // 0 to 255, with a zero point
  s8,  // -127 to 127, symmetric about 0
};
constexpr auto words_of(Activations) {
  return std::to_array<Word<Activations>>({{Activations::u8, "u8"}, {Activations::s8, "s8"}});
}

// value = (quantized - zero_point) * scale.
struct Parameters {
  float scale = 1;
  std::int32_t zero_point = 0;
  friend bool operator==(const Parameters&, const Parameters&) = default;
};

// Both ends are made to include 0, which padding and ReLU need exactly.
struct Range {
  double low = 0, high = 0;
};

// `percentile`: the share in percent that lies in the range, half of the rest beyond each end; for that method alone. A histogram
// without values gives 0 to 0.
Range choose_range(const Histogram& histogram, Method method, Activations activations, double percentile);

// scale = (high - low) / 255, zero point = round(-low / scale); symmetric: the larger size / 127 and 0. A range too small for a
// scale that is a normal number gives a scale of 1.
Parameters parameters_of(const Range& range, Activations activations);
bool is_too_small(const Range& range, Activations activations);

}  // namespace resnet::quantize
