#include <fmt/format.h>

#include "formats/onnx/ops/ops.h"
#include "lib/base/error.h"

namespace resnet::onnx {

// Versions below 7 broadcast only with broadcast=1, the second input's dims standing at `axis` of the first's: made explicit by a
// Unsqueeze of the second input to a rank at which today's rule does the same.
void import_broadcast(NodeImport& node) {
  node.attributes.ignore("consumed_inputs");
  if (node.opset() >= 7) return;
  const bool broadcasts = node.attributes.flag("broadcast", false);
  const auto axis = node.attributes.optional_integer("axis");
  if (!broadcasts || !axis) return;
  const auto& left = node.fact(0).dims;
  const auto& right = node.fact(1).dims;
  if (!left || !right) throw Error(Fault::unsupported, "broadcast at an axis of a value whose rank is not known");
  const auto at = static_cast<std::int64_t>(normalize_axis(*axis, left->size()));
  const std::int64_t trailing = static_cast<std::int64_t>(left->size()) - at - static_cast<std::int64_t>(right->size());
  if (trailing < 0) {
    throw Error(Fault::malformed,
                fmt::format("cannot broadcast {} to {} at axis {}", to_string(*right), to_string(*left), *axis));
  }
  if (trailing == 0) return;
  std::vector<std::int64_t> axes;
  for (std::int64_t i = 0; i < trailing; ++i) axes.push_back(static_cast<std::int64_t>(right->size()) + i);
  node.wrap_input(1, "broadcast", Unsqueeze{}, axes);
}

namespace {

// These broadcast since version 8.
template <typename T>
void export_sum_like(const T&, NodeExport& node) {
  if (node.opset() >= 8) return;
  for (std::size_t i = 1; i < node.node().inputs.size(); ++i) {
    if (node.fact(i).dims != node.fact(0).dims) node.needs_opset(8, fmt::format("a {} that broadcasts", T::traits.type));
  }
}

}  // namespace

void export_op(const Sum& op, NodeExport& node) { export_sum_like(op, node); }
void export_op(const Mean& op, NodeExport& node) { export_sum_like(op, node); }
void export_op(const Max& op, NodeExport& node) { export_sum_like(op, node); }
void export_op(const Min& op, NodeExport& node) { export_sum_like(op, node); }

}  // namespace resnet::onnx
