// Arithmetic on quantized tensors: ConvInteger, MatMulInteger, the QLinear operators and tables of bytes. A quantized x stands
// for (x - x_zero_point) * x_scale; sums are of integers and exact, and what they stand for is rounded half to even, once.
#pragma once

#include "lib/graph/op_traits.h"
#include "lib/graph/ops/conv.h"
#include "lib/graph/ops/pool.h"

namespace resnet {

// x, w, optional x_zero_point, optional w_zero_point (one, or one per output channel): an int32 sum. Padding stands for 0.
struct ConvInteger {
  static constexpr OpTraits traits{"ConvInteger", {2, 4}, {1, 1}, Effect::computes, 10};
  Conv conv{};  // its attributes
  static constexpr auto attributes() { return attributes_are(attribute("conv", &ConvInteger::conv)); }
  friend bool operator==(const ConvInteger&, const ConvInteger&) = default;
};
// A, B, optional a_zero_point (one, or one per row), optional b_zero_point (one, or one per column): an int32 sum.
struct MatMulInteger {
  static constexpr OpTraits traits{"MatMulInteger", {2, 4}, {1, 1}, Effect::computes, 10};
  friend bool operator==(const MatMulInteger&, const MatMulInteger&) = default;
};
// x, x_scale, x_zero_point, w, w_scale, w_zero_point, y_scale, y_zero_point, optional B (int32, in units of x_scale * w_scale).
// w_scale and w_zero_point: one, or one per output channel.
struct QLinearConv {
  static constexpr OpTraits traits{"QLinearConv", {8, 9}, {1, 1}, Effect::computes, 10};
  Conv conv{};  // its attributes
  static constexpr auto attributes() { return attributes_are(attribute("conv", &QLinearConv::conv)); }
  friend bool operator==(const QLinearConv&, const QLinearConv&) = default;
};
// a, a_scale, a_zero_point, b, b_scale, b_zero_point, y_scale, y_zero_point. a's may be one per row, b's one per column.
struct QLinearMatMul {
  static constexpr OpTraits traits{"QLinearMatMul", {8, 8}, {1, 1}, Effect::computes, 10};
  friend bool operator==(const QLinearMatMul&, const QLinearMatMul&) = default;
};
// ONNX Runtime's own, version 1: A, A_scale, A_zero_point, B, B_scale, B_zero_point, C_scale, C_zero_point; A and B broadcast, a
// zero point that is left out is 0.
struct QLinearAdd {
  static constexpr OpTraits traits{"QLinearAdd", {7, 8}, {1, 1}, Effect::elementwise, 1, "com.microsoft", 1u << 2 | 1u << 5};
  friend bool operator==(const QLinearAdd&, const QLinearAdd&) = default;
};
// ONNX Runtime's own, version 1: X, x_scale, x_zero_point, y_scale, y_zero_point; the channels are axis 1, or the last.
struct QLinearGlobalAveragePool {
  static constexpr OpTraits traits{"QLinearGlobalAveragePool", {4, 5}, {1, 1}, Effect::computes, 1, "com.microsoft", 1u << 2};
  bool channels_last = false;
  static constexpr auto attributes() {
    return attributes_are(attribute("channels_last", &QLinearGlobalAveragePool::channels_last));
  }
  friend bool operator==(const QLinearGlobalAveragePool&, const QLinearGlobalAveragePool&) = default;
};
// ONNX Runtime's own, version 1: X, x_scale, x_zero_point, y_scale, y_zero_point; the channels are axis 1, or the last. Padding
// that counts stands for 0.
struct QLinearAveragePool {
  static constexpr OpTraits traits{"QLinearAveragePool", {4, 5}, {1, 1}, Effect::computes, 1, "com.microsoft", 1u << 2};
  AveragePool pool{};  // its attributes
  bool channels_last = false;
  static constexpr auto attributes() {
    return attributes_are(attribute("pool", &QLinearAveragePool::pool),
                          attribute("channels_last", &QLinearAveragePool::channels_last));
  }
  friend bool operator==(const QLinearAveragePool&, const QLinearAveragePool&) = default;
};
// Our own: x (uint8 or int8), table (uint8 or int8; 256, or C x 256 where x is (N, C, ...)). Each byte of x, taken as unsigned,
// is the place in the table, or in its channel's row, where the byte of the output is. Made for running: whatever is computed
// element by element between DequantizeLinear and QuantizeLinear.
struct LookupTable {
  static constexpr OpTraits traits{"LookupTable", {2, 2}, {1, 1}, Effect::computes, 1, "resnet_cli"};
  friend bool operator==(const LookupTable&, const LookupTable&) = default;
};
// ONNX Runtime's own, version 1: A, a_scale, a_zero_point, B, b_scale, b_zero_point, optional C (int32, in units of
// alpha * a_scale * b_scale), optional y_scale, optional y_zero_point. Without y_scale the output is float.
struct QGemm {
  static constexpr OpTraits traits{"QGemm", {6, 9}, {1, 1}, Effect::computes, 1, "com.microsoft"};
  float alpha = 1.0f;
  bool transA = false;
  bool transB = false;
  static constexpr auto attributes() {
    return attributes_are(attribute("alpha", &QGemm::alpha), attribute("transA", &QGemm::transA),
                          attribute("transB", &QGemm::transB));
  }
  friend bool operator==(const QGemm&, const QGemm&) = default;
};
std::vector<Fact> infer(const ConvInteger& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const MatMulInteger& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const QLinearConv& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const QLinearMatMul& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const QLinearAdd& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const QLinearGlobalAveragePool& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const QLinearAveragePool& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const LookupTable& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const QGemm& op, const Facts& inputs, std::size_t outputs);

}  // namespace resnet
