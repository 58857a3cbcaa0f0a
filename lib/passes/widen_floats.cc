// before: inputs, constants and Casts of float16 or bfloat16, and all that is computed from them
// after:  the same in float32, inputs and outputs too
// Conditions: no operator that is not known here takes or gives such a value.

#include <fmt/format.h>

#include <algorithm>

#include "lib/base/error.h"
#include "lib/graph/stated.h"
#include "lib/passes/passes.h"

namespace resnet {

namespace {

bool is_narrow(const std::optional<DType>& dtype) { return dtype == DType::float16 || dtype == DType::bfloat16; }

Tensor widened(const Tensor& tensor) {
  const std::vector<float> values = tensor.values_as<float>();
  return Tensor::from(tensor.shape(), std::span<const float>(values));
}

// What keeps an element type in its attributes.
Op widened(const Op& op) {
  if (const auto* cast = std::get_if<Cast>(&op); cast != nullptr && is_narrow(cast->to)) {
    Cast wide = *cast;
    wide.to = DType::float32;
    return wide;
  }
  if (const auto* fill = std::get_if<ConstantOfShape>(&op); fill != nullptr && is_narrow(fill->value.dtype())) {
    ConstantOfShape wide = *fill;
    wide.value = widened(fill->value);
    return wide;
  }
  return op;
}

}  // namespace

Graph widen_floats(const Graph& graph, PassLog& log) {
  Graph result;
  result.name = graph.name;
  result.doc_string = graph.doc_string;
  for (const Node& node : graph.nodes()) {
    const bool narrow =
        std::any_of(node.outputs.begin(), node.outputs.end(), [](const Value& value) { return is_narrow(value.fact.dtype); });
    ValueId id;
    if (std::holds_alternative<Input>(node.op)) {
      Fact fact = node.outputs[0].fact;
      if (narrow) fact.dtype = DType::float32;
      if (narrow) log.done.push_back(fmt::format("widen_floats: input '{}' as float32", node.name));
      id = result.add_input(node.name, std::move(fact));
    } else if (const auto* constant = std::get_if<Constant>(&node.op)) {
      id = result.add_constant(node.outputs[0].name, narrow ? widened(constant->value) : constant->value);
      result.node(id.node).name = node.name;
    } else {
      const bool reads = std::any_of(node.inputs.begin(), node.inputs.end(),
                                     [&](ValueId input) { return !input.is_none() && is_narrow(graph.fact(input).dtype); });
      if (std::holds_alternative<Opaque>(node.op) && (narrow || reads)) {
        throw Error(Fault::unsupported, Frame::node(describe(node)),
                    "takes or gives 16-bit floats, and is not known here: whether it could have float32 is not, either");
      }
      std::vector<std::string> names;
      for (const Value& value : node.outputs) names.push_back(value.name);
      id = result.append(widened(node.op), node.inputs, node.name, std::move(names));
      copy_stated(node, result.node(id.node));
    }
    result.node(id.node).doc_string = node.doc_string;
    result.node(id.node).metadata = node.metadata;
  }
  result.set_outputs({graph.outputs().begin(), graph.outputs().end()});
  return result;
}

}  // namespace resnet
