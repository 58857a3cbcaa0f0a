#include "tests/formats/onnx/surround.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "lib/reference/reference.h"

namespace resnet::test {

namespace {

Tensor run(const Op& op, std::vector<const Tensor*> inputs) { return reference::evaluate(op, inputs, 1)[0]; }

Transpose reversal(std::size_t rank) {
  Transpose op;
  for (std::size_t i = rank; i-- > 0;) op.perm.push_back(static_cast<std::int64_t>(i));
  return op;
}

Tensor integers(const std::vector<std::int64_t>& list) {
  return Tensor::from(Shape{static_cast<std::int64_t>(list.size())}, std::span<const std::int64_t>(list));
}

// Of rank 4, as many elements.
std::vector<std::int64_t> as_map(const Shape& shape) {
  if (shape.rank() == 4) return {shape.dims().begin(), shape.dims().end()};
  std::vector<std::int64_t> dims(shape.dims().begin(), shape.dims().end());
  if (dims.empty()) return {1, 1, 1, 1};
  if (dims.size() == 1) return {1, dims[0], 1, 1};
  const std::int64_t middle = shape.elements() / dims.front() / dims.back();
  return {1, dims.front(), middle, dims.back()};
}

bool can_be_convolved(const Tensor& tensor) {
  if (tensor.dtype() != DType::float32 || tensor.elements() == 0) return false;
  const auto values = tensor.data<float>();
  return std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value) && std::abs(value) < 1e6f; });
}

Tensor filter(std::int64_t outputs, std::int64_t channels) {
  Tensor weight = Tensor::allocate(DType::float32, Shape{outputs, channels, 3, 3});
  const auto data = weight.mutable_data<float>();
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<float>(static_cast<int>(i * 37 % 19) - 9) / 16;
  return weight;
}

}  // namespace

Surrounded surround(const Graph& graph, const std::vector<Tensor>& inputs, const std::vector<Tensor>& expected) {
  Surrounded result;
  Graph& to = result.graph;
  std::vector<NodeId> moved(graph.nodes().size(), -1);
  const auto map = [&](ValueId id) { return id.is_none() ? id : ValueId{moved[static_cast<std::size_t>(id.node)], id.slot}; };
  for (std::size_t id = 0, next = 0; id < graph.nodes().size(); ++id) {
    const Node& node = graph.nodes()[id];
    std::vector<std::string> names;
    for (const Value& value : node.outputs) names.push_back(value.name);
    if (holds_alternative<Input>(node.op)) {
      const Tensor& given = inputs[next++];
      const std::size_t rank = given.shape().rank();
      Fact fact = node.outputs[0].fact;
      result.inputs.push_back(given);
      if (rank >= 2 && fact.dims && given.elements() > 0) {
        result.inputs.back() = run(reversal(rank), {&given});
        std::reverse(fact.dims->begin(), fact.dims->end());
        const ValueId turned = to.add_input(names[0] + "_turned", fact);
        moved[id] = to.append(reversal(rank), {turned}, names[0] + "_turn", {names[0]}).node;
      } else {
        moved[id] = to.add_input(names[0], fact).node;
      }
    } else if (const auto* constant = get_if<Constant>(&node.op)) {
      moved[id] = to.add_constant(names[0], constant->value).node;
    } else {
      std::vector<ValueId> arguments;
      for (ValueId input : node.inputs) arguments.push_back(map(input));
      moved[id] = to.append(node.op, std::move(arguments), node.name, std::move(names)).node;
    }
  }
  std::vector<ValueId> outputs;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    outputs.push_back(map(graph.outputs()[i]));
    result.expected.push_back(expected[i]);
    result.is_convolved.push_back(can_be_convolved(expected[i]));
    if (!result.is_convolved[i]) continue;
    const std::string name = fmt::format("surround_{}", i);
    const std::vector<std::int64_t> dims = as_map(expected[i].shape());
    if (expected[i].shape().rank() != 4)
      outputs[i] =
          to.append(Reshape{}, {outputs[i], to.add_constant(name + "_shape", integers(dims))}, name + "_map", {name + "_map"});
    const Conv conv{.pads = {1, 1, 1, 1}};
    const Tensor weight = filter(16, dims[1]), convolved = expected[i].reshaped(Shape(dims));
    outputs[i] = to.append(conv, {outputs[i], to.add_constant(name + "_w", weight)}, name, {name});
    result.expected[i] = run(conv, {&convolved, &weight});
  }
  to.set_outputs(std::move(outputs));
  return result;
}

std::string distance_problem(const Tensor& actual, const Tensor& expected) {
  if (actual.shape() != expected.shape())
    return fmt::format("is {}, expected {}", actual.shape().to_string(), expected.shape().to_string());
  const auto a = actual.values_as<double>(), e = expected.values_as<double>();
  double largest = 0;
  for (const double value : e) largest = std::max(largest, std::abs(value));
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!(std::abs(a[i] - e[i]) <= 1e-3 * largest + 1e-6)) return fmt::format("element {} is {}, expected {}", i, a[i], e[i]);
  }
  return "";
}

}  // namespace resnet::test
