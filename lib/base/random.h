// Random numbers that are the same on every machine: of a key and a counter, by integer arithmetic and IEEE 754's exactly rounded
// operations alone.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace resnet {

// The stream that belongs to one name: a parameter, or what is drawn for a purpose.
std::uint64_t stream_key(std::uint64_t seed, std::string_view name);

// Element i depends on (key, i) alone. Standard normal numbers times `deviation`.
void fill_normal(std::span<float> target, std::uint64_t key, double deviation);
// Uniform in (-bound, bound).
void fill_uniform(std::span<float> target, std::uint64_t key, double bound);

// Numbers drawn one after the other from a stream, by a counter of its own.
class Draws {
 public:
  explicit Draws(std::uint64_t key) : key_(key) {}
  // Uniform over 0 ... count - 1; count is at least 1.
  std::uint64_t below(std::uint64_t count);
  // Standard normal.
  double normal();

 private:
  std::uint64_t next();
  std::uint64_t key_, counter_ = 0;
};

}  // namespace resnet
