// Convolutions of random shapes, and what they give in double precision.
#pragma once

#include <algorithm>
#include <random>
#include <vector>

#include "lib/kernels/convolution.h"

namespace resnet::kernels {

struct Problem {
  Convolution convolution;
  std::vector<float> x, weights, bias, addend;
};

inline std::vector<float> random_floats(std::size_t count, std::mt19937& generator) {
  std::uniform_real_distribution<float> uniform(-1, 1);
  std::vector<float> values(count);
  for (float& value : values) value = uniform(generator);
  return values;
}

// A filter, stored as outputs x taps x channels, and the image that it meets.
inline void fill_problem(Problem& p, std::mt19937& generator) {
  const Convolution& c = p.convolution;
  p.x = random_floats(static_cast<std::size_t>(c.batch * c.height * c.width * c.pixel_stride), generator);
  p.weights = random_floats(static_cast<std::size_t>(c.filter.outputs * c.filter.taps() * c.filter.channels), generator);
  p.bias = random_floats(static_cast<std::size_t>(c.filter.outputs), generator);
  p.addend = random_floats(static_cast<std::size_t>(c.batch * c.out_height * c.out_width * c.filter.outputs), generator);
}

inline Problem random_problem(std::mt19937& generator) {
  const auto pick = [&](std::int64_t least, std::int64_t most) {
    return std::uniform_int_distribution<std::int64_t>(least, most)(generator);
  };
  Problem p;
  Convolution& c = p.convolution;
  c.filter = {pick(1, 4), pick(1, 4), pick(1, 90), pick(1, 70)};
  c.batch = pick(1, 3);
  c.height = pick(1, 12);
  c.width = pick(1, 12);
  c.pixel_stride = c.filter.channels;
  c.stride_high = pick(1, 2);
  c.stride_wide = pick(1, 3);
  c.dilation_high = pick(1, 2);
  c.dilation_wide = pick(1, 2);
  c.pad_top = pick(0, 3);
  c.pad_left = pick(0, 3);
  c.out_height = pick(1, 12);
  c.out_width = pick(1, 12);
  c.least = pick(0, 1) == 0 ? 0.0f : c.least;
  c.most = pick(0, 3) == 0 ? 1.5f : c.most;
  fill_problem(p, generator);
  return p;
}

inline std::vector<float> in_double(const Problem& p, bool with_addend) {
  const Convolution& c = p.convolution;
  std::vector<float> y;
  for (std::int64_t n = 0; n < c.batch; ++n) {
    for (std::int64_t i = 0; i < c.out_height; ++i) {
      for (std::int64_t k = 0; k < c.out_width; ++k) {
        for (std::int64_t o = 0; o < c.filter.outputs; ++o) {
          double sum = static_cast<double>(p.bias[static_cast<std::size_t>(o)]);
          for (std::int64_t a = 0; a < c.filter.taps_high; ++a) {
            for (std::int64_t b = 0; b < c.filter.taps_wide; ++b) {
              const std::int64_t row = i * c.stride_high - c.pad_top + a * c.dilation_high,
                                 column = k * c.stride_wide - c.pad_left + b * c.dilation_wide;
              if (row < 0 || row >= c.height || column < 0 || column >= c.width) continue;
              for (std::int64_t ch = 0; ch < c.filter.channels; ++ch) {
                const std::int64_t group = o / (c.filter.outputs / c.filter.groups);
                const std::int64_t at =
                    ((n * c.height + row) * c.width + column) * c.pixel_stride + group * c.filter.channels + ch;
                const std::int64_t weight = ((o * c.filter.taps_high + a) * c.filter.taps_wide + b) * c.filter.channels + ch;
                sum += static_cast<double>(p.x[static_cast<std::size_t>(at)]) *
                       static_cast<double>(p.weights[static_cast<std::size_t>(weight)]);
              }
            }
          }
          if (with_addend) sum += static_cast<double>(p.addend[y.size()]);
          y.push_back(static_cast<float>(std::clamp(sum, static_cast<double>(c.least), static_cast<double>(c.most))));
        }
      }
    }
  }
  return y;
}

}  // namespace resnet::kernels
