#include "lib/graph/byte_operands.h"

namespace resnet {

ByteOperands byte_operands(const Op& op) {
  if (holds_alternative<QLinearConv>(op) || holds_alternative<QLinearMatMul>(op) || holds_alternative<QLinearAdd>(op))
    return {.x = 0, .weight = 3, .y_scale = 6};
  if (holds_alternative<QGemm>(op)) return {.x = 0, .weight = 3, .y_scale = 7};
  if (holds_alternative<QLinearAveragePool>(op) || holds_alternative<QLinearGlobalAveragePool>(op)) return {.x = 0, .y_scale = 3};
  return {};
}

}  // namespace resnet
