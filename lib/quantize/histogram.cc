#include "lib/quantize/histogram.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace resnet::quantize {

namespace {

struct Extremes {
  float least = std::numeric_limits<float>::infinity(), most = -std::numeric_limits<float>::infinity();
  std::uint64_t not_finite = 0;
};

Extremes extremes_of(std::span<const float> values) {
  Extremes found;
  for (const float value : values) {
    const bool finite = std::abs(value) <= std::numeric_limits<float>::max();
    found.not_finite += finite ? 0 : 1;
    found.least = finite && value < found.least ? value : found.least;
    found.most = finite && value > found.most ? value : found.most;
  }
  return found;
}

void merge_neighbours(std::vector<std::uint64_t>& counts) {
  if (counts.empty()) return;
  for (std::size_t i = 0; i < counts.size() / 2; ++i) counts[i] = counts[2 * i] + counts[2 * i + 1];
  std::fill(counts.begin() + static_cast<std::ptrdiff_t>(counts.size() / 2), counts.end(), 0);
}

}  // namespace

void Histogram::grow(float largest) {
  int exponent = 0;
  std::frexp(largest, &exponent);  // largest < 2^exponent
  constexpr int smallest = -100;   // what is smaller shares the first bin
  const double wanted = std::ldexp(1.0, std::max(exponent, smallest));
  if (limit_ == 0) limit_ = wanted;
  for (; limit_ < wanted; limit_ *= 2) {
    merge_neighbours(above_);
    merge_neighbours(below_);
  }
}

void Histogram::add(std::span<const float> values) {
  const Extremes found = extremes_of(values);
  not_finite_ += found.not_finite;
  if (found.not_finite == values.size()) return;
  least_ = count_ == 0 ? found.least : std::min(least_, found.least);
  most_ = count_ == 0 ? found.most : std::max(most_, found.most);
  count_ += values.size() - found.not_finite;
  const float largest = std::max(std::abs(found.least), std::abs(found.most));
  if (largest > 0) grow(largest);
  if (found.most > 0) above_.resize(bins);
  if (found.least < 0) below_.resize(bins);
  const double per_unit = limit_ > 0 ? static_cast<double>(bins) / limit_ : 0;
  const auto factor = static_cast<float>(per_unit);  // a power of two: products are exact
  std::uint64_t zeros = 0;
  for (const float value : values) {
    const float size = std::abs(value);
    if (!(size <= largest)) continue;  // not finite
    if (size == 0) {
      ++zeros;
      continue;
    }
    const auto bin = static_cast<std::size_t>(size * factor);
    ++(value > 0 ? above_ : below_)[bin];
  }
  zeros_ += zeros;
}

std::vector<Histogram::Bin> Histogram::filled() const {
  std::vector<Bin> result;
  const double width = bin_width();
  for (std::size_t i = below_.size(); i-- > 0;) {
    if (below_[i] > 0) result.push_back({-(static_cast<double>(i) + 0.5) * width, below_[i]});
  }
  for (std::size_t i = 0; i < above_.size(); ++i) {
    if (above_[i] > 0) result.push_back({(static_cast<double>(i) + 0.5) * width, above_[i]});
  }
  return result;
}

}  // namespace resnet::quantize
