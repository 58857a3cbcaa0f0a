#include "tests/model/seeded.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>

namespace resnet::test {

std::uint32_t crc32(const std::string& text) {
  std::uint32_t sum = 0xffffffffu;
  for (const char c : text) {
    sum ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) sum = (sum >> 1) ^ ((sum & 1) != 0 ? 0xedb88320u : 0u);
  }
  return ~sum;
}

LegacyRandom::LegacyRandom(std::uint32_t seed) {
  for (std::uint32_t i = 0; i < 624; ++i) {
    state_[i] = seed;
    seed = 1812433253u * (seed ^ (seed >> 30)) + i + 1;
  }
}

std::uint32_t LegacyRandom::next() {
  if (at_ == 624) {
    const auto twist = [&](std::size_t i, std::size_t following, std::size_t other) {
      const std::uint32_t y = (state_[i] & 0x80000000u) | (state_[following] & 0x7fffffffu);
      state_[i] = state_[other] ^ (y >> 1) ^ ((y & 1) != 0 ? 0x9908b0dfu : 0u);
    };
    for (std::size_t i = 0; i < 227; ++i) twist(i, i + 1, i + 397);
    for (std::size_t i = 227; i < 623; ++i) twist(i, i + 1, i - 227);
    twist(623, 0, 396);
    at_ = 0;
  }
  std::uint32_t y = state_[at_++];
  y ^= y >> 11;
  y ^= (y << 7) & 0x9d2c5680u;
  y ^= (y << 15) & 0xefc60000u;
  return y ^ (y >> 18);
}

double LegacyRandom::uniform() {
  const std::uint32_t high = next() >> 5, low = next() >> 6;
  return (high * 67108864.0 + low) / 9007199254740992.0;
}

double LegacyRandom::normal() {
  if (has_second_) {
    has_second_ = false;
    return second_;
  }
  double x = 0, y = 0, square = 0;
  do {
    x = 2 * uniform() - 1;
    y = 2 * uniform() - 1;
    square = x * x + y * y;
  } while (square >= 1 || square == 0);
  const double factor = std::sqrt(-2 * std::log(square) / square);
  second_ = factor * x;
  has_second_ = true;
  return factor * y;
}

namespace {

Tensor filled(const NamedTensor& weight) {
  LegacyRandom random(crc32(weight.name));
  const Shape& shape = weight.tensor.shape();
  Tensor tensor = Tensor::allocate(DType::float32, shape);
  const std::string last = weight.name.substr(weight.name.rfind('.') + 1);
  double low = 0.5, high = 1;
  if (last == "running_mean" || (shape.rank() == 1 && last == "bias")) {
    low = -0.1, high = 0.1;
  } else if (last == "running_var") {
    high = 1.5;
  } else if (shape.rank() == 3) {
    low = -1;
  } else if (shape.rank() != 1) {
    const double deviation = std::sqrt(2.0 / static_cast<double>(shape.elements() / shape[0]));
    for (float& value : tensor.mutable_data<float>()) value = static_cast<float>(random.normal() * deviation);
    return tensor;
  }
  for (float& value : tensor.mutable_data<float>()) value = static_cast<float>(low + (high - low) * random.uniform());
  return tensor;
}

}  // namespace

Weights named_weights(const std::filesystem::path& names) {
  Weights weights;
  weights.format = "seeded";
  std::ifstream file(names);
  EXPECT_TRUE(file) << names;
  for (std::string line; std::getline(file, line);) {
    std::istringstream columns(line);
    std::string name, type, text;
    std::getline(columns, name, '\t');
    std::getline(columns, type, '\t');
    std::getline(columns, text, '\t');
    std::vector<std::int64_t> dims;
    std::istringstream sizes(text);
    for (std::string size; std::getline(sizes, size, 'x');) dims.push_back(std::stoll(size));
    weights.tensors.push_back({name, Tensor::allocate(type == "I64" ? DType::int64 : DType::float32, Shape(dims))});
  }
  return weights;
}

Weights seeded_weights(const std::filesystem::path& names, ThreadPool& pool) {
  Weights weights = named_weights(names);
  pool.parallel_for(weights.tensors.size(), 1, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      NamedTensor& weight = weights.tensors[i];
      if (weight.tensor.dtype() == DType::float32) weight.tensor = filled(weight);
    }
  });
  return weights;
}

}  // namespace resnet::test
