// How often a tensor has which values, in bounded memory, whatever comes and in whatever order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace resnet::quantize {

// Bins of equal width on both sides of 0, up to a power of two that grows with the largest value: where it doubles, neighbouring
// bins become one. So the counts do not depend on the order of what is added.
class Histogram {
 public:
  static constexpr std::size_t bins = 4096;  // on each side

  void add(std::span<const float> values);

  // Of everything that was added; 0 before. What is not finite is only counted.
  float least() const { return least_; }
  float most() const { return most_; }
  std::uint64_t count() const { return count_; }
  std::uint64_t not_finite() const { return not_finite_; }

  // A bin that holds something; values of exactly 0 are in none, for every quantization has them.
  struct Bin {
    double centre;
    std::uint64_t count;
  };
  std::vector<Bin> filled() const;  // in the order of their values
  std::uint64_t zeros() const { return zeros_; }
  double bin_width() const { return limit_ / static_cast<double>(bins); }

 private:
  void grow(float largest);

  double limit_ = 0;                          // bins reach up to this, which no value has
  std::vector<std::uint64_t> above_, below_;  // by distance from 0; empty where there is nothing
  float least_ = 0, most_ = 0;
  std::uint64_t count_ = 0, zeros_ = 0, not_finite_ = 0;
};

}  // namespace resnet::quantize
