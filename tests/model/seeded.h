// Weights from names alone, as the assets' seeded.py makes them: NumPy's legacy generator, seeded by the name's CRC-32.
#pragma once

#include <filesystem>
#include <string>

#include "lib/base/threads.h"
#include "lib/model/weights.h"

namespace resnet::test {

std::uint32_t crc32(const std::string& text);

// NumPy's RandomState(seed): uniform doubles of 53 bits, and normal numbers in pairs by Marsaglia's polar method.
class LegacyRandom {
 public:
  explicit LegacyRandom(std::uint32_t seed);
  double uniform();  // in [0, 1)
  double normal();

 private:
  std::uint32_t next();
  std::uint32_t state_[624];
  std::size_t at_ = 624;
  double second_ = 0;
  bool has_second_ = false;
};

// Every tensor of a names/ARCH.tsv ("NAME\tTYPE\tSHAPE" a line, shapes as 64x3x7x7), of zeros.
Weights named_weights(const std::filesystem::path& names);
// The same, filled.
Weights seeded_weights(const std::filesystem::path& names, ThreadPool& pool);

}  // namespace resnet::test
