#include "tests/random/judge.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "lib/reference/reference.h"
#include "tests/random/discrete.h"
#include "tests/random/draw.h"

namespace resnet::random {

namespace {

using Values = std::vector<std::vector<Tensor>>;

Tensor converted(const Tensor& tensor, DType to) {
  if (tensor.dtype() == to) return tensor;
  const Tensor* input = &tensor;
  return reference::evaluate(Cast{to}, std::span(&input, 1), 1)[0];
}

// Operators that take float32 alone: their own arithmetic is in double, or exact.
bool wants_float32(const Op& op) {
  return holds_alternative<DynamicQuantizeLinear>(op) || holds_alternative<QLinearConv>(op) ||
         holds_alternative<QLinearMatMul>(op) || holds_alternative<QLinearAdd>(op) ||
         holds_alternative<QLinearGlobalAveragePool>(op) || holds_alternative<QLinearAveragePool>(op) ||
         holds_alternative<QGemm>(op);
}

// The graph in double: every float32 value is kept as float64; with `noisy`, each is changed by about a last bit of a float, to
// see how much of that the graph lets through.
class Walk {
 public:
  Walk(const Graph& graph, std::map<ValueId, Tensor> given, bool noisy, std::int64_t steps)
      : graph_(graph), given_(std::move(given)), noisy_(noisy), steps_(steps), values_(graph.nodes().size()) {
    for (const Node& node : graph.nodes()) {
      if (holds_alternative<Resize>(node.op)) sizes_.insert(node.inputs.begin() + 1, node.inputs.end());
    }
  }

  // Nothing, or what is wrong with a value that was given.
  std::optional<std::string> run(std::span<const Tensor> inputs) {
    std::size_t next_input = 0;
    for (std::size_t id = 0; id < graph_.nodes().size(); ++id) {
      const Node& node = graph_.nodes()[id];
      if (holds_alternative<Input>(node.op)) {
        values_[id] = {kept(inputs[next_input++])};
        continue;
      }
      if (const auto* constant = get_if<Constant>(&node.op)) {
        values_[id] = {kept(constant->value, sizes_.contains({static_cast<NodeId>(id), 0}))};
        continue;
      }
      const DType floats = wants_float32(node.op) ? DType::float32 : DType::float64;
      std::vector<Tensor> held;
      std::vector<const Tensor*> arguments = arguments_of(node, floats, held);
      const Op op = adapted(node.op);
      values_[id] = reference::evaluate(op, arguments, node.outputs.size());
      for (Tensor& value : values_[id]) value = kept(value);
      if (auto wrong = go_on_from_given(static_cast<NodeId>(id), op, arguments)) return wrong;
    }
    return std::nullopt;
  }

  const Tensor& value(ValueId id) const { return values_[static_cast<std::size_t>(id.node)][static_cast<std::size_t>(id.slot)]; }

 private:
  Tensor kept(const Tensor& tensor, bool exactly = false) {
    Tensor result = tensor.dtype() == DType::float32 ? converted(tensor, DType::float64) : tensor;
    if (!noisy_ || exactly || result.dtype() != DType::float64) return result;
    Tensor changed = Tensor::allocate(DType::float64, result.shape());
    const auto from = result.data<double>();
    const auto to = changed.mutable_data<double>();
    for (std::size_t i = 0; i < from.size(); ++i) to[i] = from[i] * (1 + noise_.uniform(-0x1p-22, 0x1p-22));
    return changed;
  }

  std::vector<const Tensor*> arguments_of(const Node& node, DType floats, std::vector<Tensor>& held) const {
    held.reserve(node.inputs.size());
    std::vector<const Tensor*> arguments;
    for (ValueId input : node.inputs) {
      if (input.is_none()) {
        arguments.push_back(nullptr);
        continue;
      }
      const bool was_float32 = graph_.fact(input).dtype == DType::float32;
      held.push_back(was_float32 ? converted(value(input), floats) : value(input));
      arguments.push_back(&held.back());
    }
    return arguments;
  }

  Op adapted(const Op& op) const {
    if (const auto* cast = get_if<Cast>(&op); cast != nullptr && cast->to == DType::float32) return Cast{DType::float64};
    if (const auto* fill = get_if<ConstantOfShape>(&op)) {
      return ConstantOfShape{fill->value.dtype() == DType::float32 ? converted(fill->value, DType::float64) : fill->value};
    }
    return op;
  }

  std::optional<std::string> go_on_from_given(NodeId id, const Op& op, std::span<const Tensor* const> arguments) {
    auto& values = values_[static_cast<std::size_t>(id)];
    std::vector<const Tensor*> actual(values.size(), nullptr);
    bool any = false;
    for (std::size_t slot = 0; slot < values.size(); ++slot) {
      const auto found = given_.find({id, static_cast<std::int32_t>(slot)});
      if (found == given_.end()) continue;
      actual[slot] = &found->second;
      any = true;
    }
    if (!any) return std::nullopt;
    if (!noisy_) {
      if (auto wrong = discrete_problem(op, arguments, values, actual, steps_)) {
        return fmt::format("{}: {}", describe(graph_.node(id)), *wrong);
      }
    }
    for (std::size_t slot = 0; slot < values.size(); ++slot) {
      if (actual[slot] == nullptr) continue;
      values[slot] = actual[slot]->dtype() == DType::float32 ? converted(*actual[slot], DType::float64) : *actual[slot];
    }
    return std::nullopt;
  }

  const Graph& graph_;
  std::map<ValueId, Tensor> given_;
  bool noisy_;
  std::int64_t steps_;
  Draw noise_{0, "noise"};
  Values values_;
  std::set<ValueId> sizes_;  // what decides the size of a result: a bit less would be another one
};

// How far two tensors are from each other, and the largest value of the second; what is not finite there is left out.
struct Distance {
  double most = 0, largest = 0;
  std::size_t at = 0;
};
Distance distance(const Tensor& actual, const Tensor& expected) {
  Distance result;
  const auto a = actual.values_as<double>(), e = expected.values_as<double>();
  for (std::size_t i = 0; i < e.size(); ++i) {
    if (!std::isfinite(e[i])) continue;
    result.largest = std::max(result.largest, std::abs(e[i]));
    const double off = std::isfinite(a[i]) ? std::abs(a[i] - e[i]) : HUGE_VAL;
    if (off > result.most) result = {off, result.largest, i};
  }
  return result;
}

}  // namespace

std::vector<ValueId> anchors(const Graph& graph) {
  std::vector<ValueId> found;
  for (std::size_t id = 0; id < graph.nodes().size(); ++id) {
    const Node& node = graph.nodes()[id];
    const bool reads_floats = std::any_of(node.inputs.begin(), node.inputs.end(), [&](ValueId input) {
      return !input.is_none() && !graph.fact(input).value && is_floating_point(graph.fact(input).dtype.value_or(DType::int64));
    });
    if (!reads_floats || holds_alternative<ShapeOf>(node.op)) continue;
    for (std::size_t slot = 0; slot < node.outputs.size(); ++slot) {
      const DType dtype = node.outputs[slot].fact.dtype.value_or(DType::float32);
      const bool rounded = dtype != DType::float32 && dtype != DType::float64;
      if (rounded || holds_alternative<DynamicQuantizeLinear>(node.op))
        found.push_back({static_cast<NodeId>(id), static_cast<std::int32_t>(slot)});
    }
  }
  return found;
}

std::vector<ValueId> requantized(const Graph& graph) {
  std::vector<ValueId> found;
  for (std::size_t id = 0; id < graph.nodes().size(); ++id) {
    const Node& node = graph.nodes()[id];
    if (wants_float32(node.op) && !holds_alternative<DynamicQuantizeLinear>(node.op) &&
        node.outputs[0].fact.dtype != DType::float32)
      found.push_back({static_cast<NodeId>(id), 0});
  }
  return found;
}

std::optional<std::string> judge(const Graph& graph, std::span<const Tensor> inputs, std::span<const Tensor> outputs,
                                 const JudgeOptions& options) {
  if (outputs.size() != graph.outputs().size())
    return fmt::format("{} outputs, expected {}", outputs.size(), graph.outputs().size());
  std::map<ValueId, Tensor> given;
  std::vector<ValueId> rounded = anchors(graph);
  if (options.steps > 0) {
    for (ValueId id : requantized(graph)) rounded.push_back(id);
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const ValueId id = graph.outputs()[i];
    if (std::find(rounded.begin(), rounded.end(), id) != rounded.end()) given.emplace(id, outputs[i]);
  }
  Walk walk(graph, given, false, options.steps);
  if (auto wrong = walk.run(inputs)) return wrong;
  std::optional<Walk> noisy;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const ValueId id = graph.outputs()[i];
    const Value& value = graph.value(id);
    const Tensor& expected = walk.value(id);
    if (given.contains(id)) continue;
    if (outputs[i].dtype() != value.fact.dtype || outputs[i].shape() != expected.shape()) {
      return fmt::format("output '{}' is {} {}, expected {} {}", value.name, name_of(outputs[i].dtype()),
                         outputs[i].shape().to_string(), name_of(*value.fact.dtype), expected.shape().to_string());
    }
    if (!is_floating_point(outputs[i].dtype())) {
      if (outputs[i] != expected) return fmt::format("output '{}': integers differ", value.name);
      continue;
    }
    const Distance off = distance(outputs[i], expected);
    // What is smaller than a float's least normal number may be flushed to zero: a sigmoid's far tail.
    if (off.most <= std::max<double>(1e-4 * off.largest, std::numeric_limits<float>::min())) continue;
    if (!noisy) {
      noisy.emplace(graph, given, true, options.steps);
      noisy->run(inputs);
    }
    // Where much cancels, noise is large beside what is left.
    if (off.most <= 100 * distance(noisy->value(id), expected).most) continue;
    return fmt::format("output '{}': element {} is {:.9g}, expected {:.9g}, off by {:.3g} of the largest value", value.name,
                       off.at, outputs[i].values_as<double>()[off.at], expected.values_as<double>()[off.at],
                       off.most / off.largest);
  }
  return std::nullopt;
}

}  // namespace resnet::random
