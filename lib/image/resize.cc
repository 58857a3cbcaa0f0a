// The resampler: separable, antialiased, in the fixed-point arithmetic of PIL's resize, so that the bits are the same.

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>
#include <numbers>

#include "lib/base/error.h"
#include "lib/image/crop.h"
#include "lib/image/image.h"

namespace resnet::image {

namespace {

// Coefficients are integers of this many fractional bits: 8 bits of a level, 2 to spare for filters with negative lobes, 32 in
// all.
constexpr int fraction_bits = 32 - 8 - 2;
constexpr std::int32_t half = std::int32_t{1} << (fraction_bits - 1);
// More than a photo can sensibly become; the product of an extreme side ratio.
constexpr std::int64_t max_resized_pixels = 300'000'000;

struct Filter {
  double (*weight)(double);
  double support;  // where the weight has become 0
};

double bilinear(double x) {
  x = std::abs(x);
  return x < 1 ? 1 - x : 0;
}

// Keys' cubic with a = -1/2.
double bicubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

double sinc(double x) {
  if (x == 0) return 1;
  x *= std::numbers::pi;
  return std::sin(x) / x;
}

double lanczos(double x) { return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0; }

Filter filter_of(Interpolation interpolation) {
  switch (interpolation) {
    case Interpolation::bilinear: return {bilinear, 1};
    case Interpolation::bicubic: return {bicubic, 2};
    case Interpolation::lanczos: return {lanczos, 3};
  }
  return {bilinear, 1};
}

// For each output position in a range: the source positions [first, first + count) and their coefficients.
struct Coefficients {
  struct Range {
    int first, count;
    std::size_t offset;  // into values
  };
  std::vector<Range> ranges;
  std::vector<std::int32_t> values;
};

// The positions [begin, end) of `in` samples resized to `out`.
Coefficients coefficients_of(int in, int out, int begin, int end, const Filter& filter) {
  const double scale = static_cast<double>(in) / out;
  const double filter_scale = std::max(scale, 1.0);  // widened when shrinking: that is the antialiasing
  const double support = filter.support * filter_scale;
  const double step = 1.0 / filter_scale;
  Coefficients result;
  result.ranges.reserve(static_cast<std::size_t>(end - begin));
  std::vector<double> weights;
  for (int position = begin; position < end; ++position) {
    const double center = (position + 0.5) * scale;
    const int first = std::max(0, static_cast<int>(center - support + 0.5));
    const int last = std::min(in, static_cast<int>(center + support + 0.5));
    weights.clear();
    double sum = 0;
    for (int i = 0; i < last - first; ++i) {
      weights.push_back(filter.weight((i + first - center + 0.5) * step));
      sum += weights.back();
    }
    result.ranges.push_back({first, last - first, result.values.size()});
    for (double weight : weights) {
      if (sum != 0) weight /= sum;
      const double scaled = weight * (1 << fraction_bits);
      result.values.push_back(static_cast<std::int32_t>(scaled < 0 ? scaled - 0.5 : scaled + 0.5));
    }
  }
  return result;
}

std::uint8_t to_level(std::int32_t sum) {
  const std::int32_t level = sum >> fraction_bits;
  return static_cast<std::uint8_t>(level < 0 ? 0 : (level > 255 ? 255 : level));
}

// The inner loops are compiled twice on x86-64, where the baseline has no multiplication of four 32-bit integers.
#if defined(__x86_64__)
#define RESNET_INLINE inline __attribute__((always_inline))
#define RESNET_AVX2 __attribute__((target("avx2")))
#else
#define RESNET_INLINE inline
#endif

// Four channels at once: R, G, B and one that is not used.
using Lanes = std::int32_t __attribute__((vector_size(16)));

RESNET_INLINE void shrink_row(const Lanes* in, const Coefficients& coefficients, std::uint8_t* out) {
  for (const Coefficients::Range& range : coefficients.ranges) {
    const std::int32_t* values = coefficients.values.data() + range.offset;
    const Lanes* pixel = in + range.first;
    Lanes sum = {half, half, half, half};
    for (int i = 0; i < range.count; ++i) {
      const std::int32_t value = values[i];
      sum += pixel[i] * Lanes{value, value, value, value};
    }
    out[0] = to_level(sum[0]);
    out[1] = to_level(sum[1]);
    out[2] = to_level(sum[2]);
    out += 3;
  }
}

// Adds `count` samples times `value` to `sums`.
RESNET_INLINE void accumulate(const std::uint8_t* in, std::int32_t value, std::size_t count, std::int32_t* sums) {
  for (std::size_t i = 0; i < count; ++i) sums[i] += in[i] * value;
}

RESNET_INLINE void store_levels(const std::int32_t* sums, std::size_t count, std::uint8_t* out) {
  for (std::size_t i = 0; i < count; ++i) out[i] = to_level(sums[i]);
}

RESNET_INLINE void widen_row(const std::uint8_t* row, std::size_t width, Lanes* out) {
  for (std::size_t x = 0; x < width; ++x, row += 3) out[x] = Lanes{row[0], row[1], row[2], 0};
}

// `rows` rows of `in`, each `in_width` pixels; the result has as many pixels per row as there are ranges.
RESNET_INLINE void horizontal_pass(const std::uint8_t* in, std::size_t in_width, std::size_t rows,
                                   const Coefficients& coefficients, std::uint8_t* out) {
  std::vector<Lanes> lanes(in_width);
  for (std::size_t y = 0; y < rows; ++y) {
    widen_row(in + y * in_width * 3, in_width, lanes.data());
    shrink_row(lanes.data(), coefficients, out + y * coefficients.ranges.size() * 3);
  }
}

// Rows of `samples` samples; row 0 of `in` is the source's row `first_row`.
RESNET_INLINE void vertical_pass(const std::uint8_t* in, int first_row, std::size_t samples, const Coefficients& coefficients,
                                 std::uint8_t* out) {
  std::vector<std::int32_t> sums(samples);
  for (const Coefficients::Range& range : coefficients.ranges) {
    std::fill(sums.begin(), sums.end(), half);
    for (int i = 0; i < range.count; ++i) {
      const std::uint8_t* row = in + static_cast<std::size_t>(range.first - first_row + i) * samples;
      accumulate(row, coefficients.values[range.offset + static_cast<std::size_t>(i)], samples, sums.data());
    }
    store_levels(sums.data(), samples, out);
    out += samples;
  }
}

#if defined(__x86_64__)
RESNET_AVX2 void horizontal_avx2(const std::uint8_t* in, std::size_t in_width, std::size_t rows, const Coefficients& coefficients,
                                 std::uint8_t* out) {
  horizontal_pass(in, in_width, rows, coefficients, out);
}
RESNET_AVX2 void vertical_avx2(const std::uint8_t* in, int first_row, std::size_t samples, const Coefficients& coefficients,
                               std::uint8_t* out) {
  vertical_pass(in, first_row, samples, coefficients, out);
}
bool has_avx2() {
  static const bool has = __builtin_cpu_supports("avx2") != 0;
  return has;
}
#endif

void run_horizontal(const std::uint8_t* in, std::size_t in_width, std::size_t rows, const Coefficients& coefficients,
                    std::uint8_t* out) {
#if defined(__x86_64__)
  if (has_avx2()) return horizontal_avx2(in, in_width, rows, coefficients, out);
#endif
  horizontal_pass(in, in_width, rows, coefficients, out);
}

void run_vertical(const std::uint8_t* in, int first_row, std::size_t samples, const Coefficients& coefficients,
                  std::uint8_t* out) {
#if defined(__x86_64__)
  if (has_avx2()) return vertical_avx2(in, first_row, samples, coefficients, out);
#endif
  vertical_pass(in, first_row, samples, coefficients, out);
}

struct Part {
  int left, top, width, height;
};

void check_size(Size photo, std::int64_t width, std::int64_t height) {
  if (width * height > max_resized_pixels || std::max(width, height) > max_resized_pixels) {
    throw Error(Fault::mismatch, Frame::file(Role::input),
                fmt::format("has {}x{} pixels, which cannot be resized to {}x{}", photo.width, photo.height, width, height));
  }
}

// The part of what `pixels` resized to `size` would be.
Pixels resize_part(const Pixels& pixels, Size size, const Part& part, Interpolation interpolation) {
  assert(pixels.width > 0 && pixels.height > 0 && size.width > 0 && size.height > 0);
  assert(part.left >= 0 && part.left + part.width <= size.width && part.top >= 0 && part.top + part.height <= size.height);
  const Size photo{pixels.width, pixels.height};
  check_size(photo, part.width, part.height);
  const Filter filter = filter_of(interpolation);
  const bool horizontal = size.width != pixels.width || part.width != pixels.width;
  const bool vertical = size.height != pixels.height || part.height != pixels.height;
  if (!horizontal && !vertical) return pixels;

  const auto in_width = static_cast<std::size_t>(pixels.width);
  const auto out_width = static_cast<std::size_t>(part.width);
  Coefficients rows;
  // The source's rows that the vertical pass will want.
  int first_row = 0, last_row = pixels.height;
  if (vertical) {
    rows = coefficients_of(pixels.height, size.height, part.top, part.top + part.height, filter);
    first_row = rows.ranges.front().first;
    last_row = rows.ranges.back().first + rows.ranges.back().count;
    for (const Coefficients::Range& range : rows.ranges) {
      first_row = std::min(first_row, range.first);
      last_row = std::max(last_row, range.first + range.count);
    }
  }
  const std::uint8_t* source = pixels.rgb.data() + static_cast<std::size_t>(first_row) * in_width * 3;
  std::vector<std::uint8_t> narrow;
  if (horizontal) {
    const Coefficients columns = coefficients_of(pixels.width, size.width, part.left, part.left + part.width, filter);
    const auto count = static_cast<std::size_t>(last_row - first_row);
    check_size(photo, part.width, last_row - first_row);
    narrow.resize(count * out_width * 3);
    run_horizontal(source, in_width, count, columns, narrow.data());
    source = narrow.data();
    if (!vertical) return {part.width, part.height, std::move(narrow)};
  }
  Pixels result{part.width, part.height, std::vector<std::uint8_t>(out_width * static_cast<std::size_t>(part.height) * 3)};
  run_vertical(source, first_row, out_width * 3, rows, result.rgb.data());
  return result;
}

}  // namespace

Pixels resize(const Pixels& pixels, int width, int height, Interpolation interpolation) {
  if (width < 1 || height < 1) {
    throw Error(Fault::invalid, fmt::format("a photo cannot be resized to {}x{} pixels, expected at least 1x1", width, height));
  }
  return resize_part(pixels, {width, height}, {0, 0, width, height}, interpolation);
}

Size covering_size(Size photo, Size covered) {
  if (const int least = std::min(covered.width, covered.height); least < 1)
    throw Error(Fault::invalid, fmt::format("a photo cannot be resized to {} pixels, expected at least 1", least));
  std::int64_t width = covered.width, height = covered.height;
  if (photo.width * height < photo.height * width) {
    height = width * photo.height / photo.width;
  } else {
    width = height * photo.width / photo.height;
  }
  if (std::max(width, height) > std::int64_t{1} << 30) check_size(photo, width, height);
  return {static_cast<int>(width), static_cast<int>(height)};
}

Size shorter_side_size(Size photo, int size) { return covering_size(photo, {size, size}); }

Size shorter_side_size(const Pixels& pixels, int size) { return shorter_side_size(Size{pixels.width, pixels.height}, size); }

Pixels resize_shorter_side(const Pixels& pixels, int size, Interpolation interpolation) {
  const Size resized = shorter_side_size(pixels, size);
  return resize(pixels, resized.width, resized.height, interpolation);
}

Pixels resize_and_crop(const Pixels& pixels, Size whole, int left, int top, int width, int height, Interpolation interpolation) {
  check_crop(whole, left, top, width, height);
  return resize_part(pixels, whole, {left, top, width, height}, interpolation);
}

Pixels resize_shorter_side_and_crop(const Pixels& pixels, int size, int left, int top, int width, int height,
                                    Interpolation interpolation) {
  return resize_and_crop(pixels, shorter_side_size(pixels, size), left, top, width, height, interpolation);
}

}  // namespace resnet::image
