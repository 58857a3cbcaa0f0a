// MaxPool, AveragePool and GlobalAveragePool.
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
    return std::tuple{attribute("auto_pad", &MaxPool::auto_pad),
                      attribute("dilations", &MaxPool::dilations, 10),
                      attribute("kernel_shape", &MaxPool::kernel_shape),
                      attribute("pads", &MaxPool::pads),
                      attribute("strides", &MaxPool::strides),
                      attribute("ceil_mode", &MaxPool::ceil_mode, 10),
                      attribute("storage_order", &MaxPool::storage_order, 8)};
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
    return std::tuple{attribute("auto_pad", &AveragePool::auto_pad),
                      attribute("dilations", &AveragePool::dilations, 19),
                      attribute("kernel_shape", &AveragePool::kernel_shape),
                      attribute("pads", &AveragePool::pads),
                      attribute("strides", &AveragePool::strides),
                      attribute("ceil_mode", &AveragePool::ceil_mode, 10),
                      attribute("count_include_pad", &AveragePool::count_include_pad, 7)};
  }
  friend bool operator==(const AveragePool&, const AveragePool&) = default;
};
// (N, C, spatial...) -> (N, C, 1...).
struct GlobalAveragePool {
  static constexpr OpTraits traits{"GlobalAveragePool", {1, 1}, {1, 1}};
  friend bool operator==(const GlobalAveragePool&, const GlobalAveragePool&) = default;
};
std::vector<Fact> infer(const MaxPool& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const AveragePool& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const GlobalAveragePool& op, const Facts& inputs, std::size_t outputs);

Window window_of(const MaxPool& pool, const Dims& spatial);
Window window_of(const AveragePool& pool, const Dims& spatial);

}  // namespace resnet
