// Where the operators of bytes have their tensors among their operands.
#pragma once

#include <cstddef>

#include "lib/graph/op.h"

namespace resnet {

// A tensor is followed by its scale and its zero point; of y these two alone are operands. `none` where there is no such tensor.
struct ByteOperands {
  static constexpr std::size_t none = static_cast<std::size_t>(-1);
  std::size_t x = none;
  std::size_t weight = none;  // or a second tensor
  std::size_t y_scale = none;
};
// Of QLinearConv, QLinearMatMul, QGemm, QLinearAdd, QLinearAveragePool and QLinearGlobalAveragePool; of others all are `none`.
ByteOperands byte_operands(const Op& op);

}  // namespace resnet
