#include "lib/arch/saturation.h"

#include "lib/graph/byte_operands.h"

namespace resnet::arch {

bool clips_at_zero(const Graph& graph, const Node& node) {
  const bool computes = holds_alternative<QLinearConv>(node.op) || holds_alternative<QLinearAdd>(node.op);
  if (!computes && !holds_alternative<QuantizeLinear>(node.op)) return false;
  const std::size_t zero_point = computes ? byte_operands(node.op).y_scale + 1 : 2;
  std::int64_t zero = 0;
  if (zero_point < node.inputs.size() && !node.inputs[zero_point].is_none()) {
    const auto& value = graph.fact(node.inputs[zero_point]).value;
    if (!value || value->elements() != 1) return false;
    zero = value->values_as<std::int64_t>()[0];
  }
  return zero == (node.outputs[0].fact.dtype == DType::int8 ? -128 : 0);
}

}  // namespace resnet::arch
