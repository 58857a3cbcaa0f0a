// Pools over windows and over whole maps, and MaxUnpool.
#pragma once

#include "lib/graph/op_traits.h"
#include "lib/graph/ops/window.h"

namespace resnet {

// ONNX MaxPool (versions 1 to 22): X (N, C, spatial...) -> Y, optional Indices (int64, into the flattened X).
struct MaxPool {
  static constexpr OpTraits traits{"MaxPool", {1, 1}, {1, 2}};
  AutoPad auto_pad = AutoPad::notset;
  bool ceil_mode = false;
  std::vector<std::int64_t> dilations{}, kernel_shape{}, pads{}, strides{};
  std::int64_t storage_order = 0;
  static constexpr auto attributes() {
    return attributes_are(attribute("auto_pad", &MaxPool::auto_pad), attribute("dilations", &MaxPool::dilations, 10),
                          attribute("kernel_shape", &MaxPool::kernel_shape), attribute("pads", &MaxPool::pads),
                          attribute("strides", &MaxPool::strides), attribute("ceil_mode", &MaxPool::ceil_mode, 10),
                          attribute("storage_order", &MaxPool::storage_order, 8));
  }
  friend bool operator==(const MaxPool&, const MaxPool&) = default;
};
// ONNX AveragePool (versions 1 to 22). With count_include_pad the whole window counts, ceil_mode's extra end included (as the
// official node case test_averagepool_3d_dilations_large_count_include_pad_is_1_ceil_mode_is_True has it); without, what lies in
// the input.
struct AveragePool {
  static constexpr OpTraits traits{"AveragePool", {1, 1}, {1, 1}};
  AutoPad auto_pad = AutoPad::notset;
  bool ceil_mode = false;
  bool count_include_pad = false;
  std::vector<std::int64_t> dilations{}, kernel_shape{}, pads{}, strides{};
  static constexpr auto attributes() {
    return attributes_are(attribute("auto_pad", &AveragePool::auto_pad), attribute("dilations", &AveragePool::dilations, 19),
                          attribute("kernel_shape", &AveragePool::kernel_shape), attribute("pads", &AveragePool::pads),
                          attribute("strides", &AveragePool::strides), attribute("ceil_mode", &AveragePool::ceil_mode, 10),
                          attribute("count_include_pad", &AveragePool::count_include_pad, 7));
  }
  friend bool operator==(const AveragePool&, const AveragePool&) = default;
};
// (N, C, spatial...) -> (N, C, 1...).
struct GlobalAveragePool {
  static constexpr OpTraits traits{"GlobalAveragePool", {1, 1}, {1, 1}};
  friend bool operator==(const GlobalAveragePool&, const GlobalAveragePool&) = default;
};
struct GlobalMaxPool {
  static constexpr OpTraits traits{"GlobalMaxPool", {1, 1}, {1, 1}};
  friend bool operator==(const GlobalMaxPool&, const GlobalMaxPool&) = default;
};
// (sum of |x|^p)^(1/p) over a window; padding counts as 0.
struct LpPool {
  static constexpr OpTraits traits{"LpPool", {1, 1}, {1, 1}};
  AutoPad auto_pad = AutoPad::notset;
  bool ceil_mode = false;
  std::vector<std::int64_t> dilations{}, kernel_shape{};
  std::int64_t p = 2;
  std::vector<std::int64_t> pads{}, strides{};
  static constexpr auto attributes() {
    return attributes_are(attribute("auto_pad", &LpPool::auto_pad), attribute("ceil_mode", &LpPool::ceil_mode, 18),
                          attribute("dilations", &LpPool::dilations, 18), attribute("kernel_shape", &LpPool::kernel_shape),
                          attribute("p", &LpPool::p), attribute("pads", &LpPool::pads), attribute("strides", &LpPool::strides));
  }
  friend bool operator==(const LpPool&, const LpPool&) = default;
};
struct GlobalLpPool {
  static constexpr OpTraits traits{"GlobalLpPool", {1, 1}, {1, 1}};
  std::int64_t p = 2;
  static constexpr auto attributes() { return attributes_are(attribute("p", &GlobalLpPool::p)); }
  friend bool operator==(const GlobalLpPool&, const GlobalLpPool&) = default;
};
// X, I (MaxPool's Indices), optional output_shape: X's elements at the places that I says, 0 elsewhere.
struct MaxUnpool {
  static constexpr OpTraits traits{"MaxUnpool", {2, 3}, {1, 1}, Effect::computes, 9};
  std::vector<std::int64_t> kernel_shape{}, pads{}, strides{};
  static constexpr auto attributes() {
    return attributes_are(required_attribute("kernel_shape", &MaxUnpool::kernel_shape), attribute("pads", &MaxUnpool::pads),
                          attribute("strides", &MaxUnpool::strides));
  }
  friend bool operator==(const MaxUnpool&, const MaxUnpool&) = default;
};
std::vector<Fact> infer(const GlobalMaxPool& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const LpPool& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const GlobalLpPool& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const MaxUnpool& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const MaxPool& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const AveragePool& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const GlobalAveragePool& op, const Facts& inputs, std::size_t outputs);

Window window_of(const MaxPool& pool, const Dims& spatial);
Window window_of(const AveragePool& pool, const Dims& spatial);
Window window_of(const LpPool& pool, const Dims& spatial);

// The dims that MaxUnpool's indices count in: what the pool was made of, as its window has it. Throws Error(malformed) where
// attributes do not fit, or a size comes out below 0.
Dims unpooled_dims(const MaxUnpool& op, const Dims& dims);

}  // namespace resnet
