// How the evaluator's tests make tensors, run one operator and read what comes out.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "lib/base/error.h"
#include "lib/reference/reference.h"

namespace resnet::reference {

inline constexpr double infinity = std::numeric_limits<double>::infinity();
inline constexpr double nan = std::numeric_limits<double>::quiet_NaN();

// Numbers as elements of T.
template <typename T>
Tensor make(Shape shape, const std::vector<double>& numbers) {
  Tensor tensor = Tensor::allocate(dtype_of<T>(), std::move(shape));
  EXPECT_EQ(static_cast<std::size_t>(tensor.elements()), numbers.size());
  auto data = tensor.mutable_data<T>();
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = T(static_cast<decltype(to_number(T{}))>(numbers[i]));
  return tensor;
}
inline Tensor floats(Shape shape, const std::vector<double>& numbers) { return make<float>(std::move(shape), numbers); }
inline Tensor int64s(const std::vector<double>& numbers) {
  return make<std::int64_t>(Shape{static_cast<std::int64_t>(numbers.size())}, numbers);
}

inline std::vector<double> numbers_of(const Tensor& tensor) { return tensor.values_as<double>(); }

// An input that is left out is null.
inline std::vector<Tensor> run_all(const Op& op, std::initializer_list<const Tensor*> inputs, std::size_t outputs) {
  return evaluate(op, Inputs(inputs.begin(), inputs.size()), outputs);
}

template <typename... Tensors>
Tensor run(const Op& op, const Tensors&... inputs) {
  return run_all(op, {&inputs...}, 1).front();
}

// The message of the Error that `action` throws, the kind first: "unsupported: ...".
template <typename Action>
std::string error_of(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    switch (error.fault()) {
      case Fault::malformed: return std::string("malformed: ") + error.what();
      case Fault::unsupported: return std::string("unsupported: ") + error.what();
      case Fault::mismatch: return std::string("mismatch: ") + error.what();
      case Fault::failed:
      case Fault::unreadable:
      case Fault::exhausted:
      case Fault::invalid:
      case Fault::unwritable:
      case Fault::interrupted:
      case Fault::internal: return std::string("another kind: ") + error.what();
    }
  }
  return "no error";
}

// Small whole numbers: sums of their products are exact, so that results can be compared for equality.
class SmallNumbers {
 public:
  explicit SmallNumbers(unsigned seed) : engine_(seed) {}
  std::int64_t between(std::int64_t least, std::int64_t most) {
    return least + static_cast<std::int64_t>(engine_() % static_cast<std::uint64_t>(most - least + 1));
  }
  std::vector<double> several(std::int64_t count) {
    std::vector<double> numbers;
    for (std::int64_t i = 0; i < count; ++i) numbers.push_back(static_cast<double>(between(-3, 3)));
    return numbers;
  }

 private:
  std::mt19937_64 engine_;
};

using Floats = ::testing::Types<float, double, Float16, BFloat16>;
using Integers = ::testing::Types<std::int8_t, std::int16_t, std::int32_t, std::int64_t, std::uint8_t, std::uint16_t,
                                  std::uint32_t, std::uint64_t>;
using Numbers = ::testing::Types<float, double, Float16, BFloat16, std::int8_t, std::int16_t, std::int32_t, std::int64_t,
                                 std::uint8_t, std::uint16_t, std::uint32_t, std::uint64_t>;

}  // namespace resnet::reference
