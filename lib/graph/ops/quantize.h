// QuantizeLinear, DequantizeLinear and DynamicQuantizeLinear.
#pragma once

#include "lib/graph/op_traits.h"

namespace resnet {

// x, y_scale, optional y_zero_point: saturate(round half to even(x / y_scale) + y_zero_point), per tensor, per axis (version 13)
// or in blocks along the axis (version 21). Without a zero point the type is output_dtype, else uint8.
struct QuantizeLinear {
  static constexpr OpTraits traits{"QuantizeLinear", {2, 3}, {1, 1}, Effect::keeps_values, 10};
  std::int64_t axis = 1;
  std::int64_t block_size = 0;
  std::optional<DType> output_dtype;
  static constexpr auto attributes() {
    return attributes_are(attribute("axis", &QuantizeLinear::axis, 13), attribute("block_size", &QuantizeLinear::block_size, 21),
                          attribute("output_dtype", &QuantizeLinear::output_dtype, 21));
  }
  friend bool operator==(const QuantizeLinear&, const QuantizeLinear&) = default;
};
// x, x_scale, optional x_zero_point: (x - x_zero_point) * x_scale, in the scale's type.
struct DequantizeLinear {
  static constexpr OpTraits traits{"DequantizeLinear", {2, 3}, {1, 1}, Effect::keeps_values, 10};
  std::int64_t axis = 1;
  std::int64_t block_size = 0;
  static constexpr auto attributes() {
    return attributes_are(attribute("axis", &DequantizeLinear::axis, 13),
                          attribute("block_size", &DequantizeLinear::block_size, 21));
  }
  friend bool operator==(const DequantizeLinear&, const DequantizeLinear&) = default;
};
// x -> y (uint8), y_scale, y_zero_point: the range of x and 0 spread over 0 to 255, both found as it runs.
struct DynamicQuantizeLinear {
  static constexpr OpTraits traits{"DynamicQuantizeLinear", {1, 1}, {3, 3}, Effect::keeps_values, 11};
  friend bool operator==(const DynamicQuantizeLinear&, const DynamicQuantizeLinear&) = default;
};
std::vector<Fact> infer(const QuantizeLinear& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const DequantizeLinear& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const DynamicQuantizeLinear& op, const Facts& inputs, std::size_t outputs);

}  // namespace resnet
