#include "lib/quantize/scheme.h"

#include <fnmatch.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <variant>

#include "lib/base/error.h"
#include "lib/base/overloaded.h"
#include "lib/passes/rewrite.h"

namespace resnet::quantize {

namespace {

template <typename... Ops>
bool is_any(const Op& op) {
  return (holds_alternative<Ops>(op) || ...);
}

bool is_quantized(const Op& op) {
  return is_any<QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear, ConvInteger, MatMulInteger, QLinearConv, QLinearMatMul,
                QLinearAdd, QLinearAveragePool, QLinearGlobalAveragePool, QGemm>(op);
}

// What a node's kind is decided by.
class Look {
 public:
  Look(const Graph& graph, const Node& node) : graph_(graph), node_(node) {}

  Kind kind() const {
    if (node_.inputs.empty() || node_.outputs.size() != 1 || !is_computed(0)) return Kind::none;
    if (is_any<Conv, Gemm, MatMul>(node_.op)) return is_weighted() ? Kind::weighted : Kind::none;
    if (holds_alternative<Add>(node_.op)) return is_computed(1) ? Kind::addition : Kind::none;
    if (is_any<AveragePool, GlobalAveragePool>(node_.op)) return Kind::average;
    if (holds_alternative<Relu>(node_.op) || clips_at_0()) return Kind::rectifier;
    if (is_passing()) return Kind::passing;
    return is_elementwise() ? Kind::elementwise : Kind::none;
  }

 private:
  const Fact* fact(std::size_t input) const {
    if (input >= node_.inputs.size() || node_.inputs[input].is_none()) return nullptr;
    return &graph_.fact(node_.inputs[input]);
  }
  bool is_computed(std::size_t input) const {
    const Fact* found = fact(input);
    return found != nullptr && !found->value && found->dtype == DType::float32;
  }
  // Finite numbers.
  const Tensor* constant(std::size_t input) const {
    const Fact* found = fact(input);
    if (found == nullptr || !found->value || found->dtype != DType::float32) return nullptr;
    const auto values = found->value->data<float>();
    const bool finite = std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); });
    return finite ? &*found->value : nullptr;
  }

  bool is_weighted() const {
    const Tensor* weight = constant(1);
    if (weight == nullptr || weight->elements() == 0) return false;
    const bool has_bias = fact(2) != nullptr;
    const Tensor* bias = constant(2);
    if (has_bias && bias == nullptr) return false;
    const std::size_t rank = weight->shape().rank();
    if (holds_alternative<Conv>(node_.op)) return rank >= 3;
    if (rank != 2) return false;
    const auto* gemm = get_if<Gemm>(&node_.op);
    if (gemm == nullptr) return fact(0)->has_rank() && fact(0)->rank() >= 2;
    if (gemm->alpha != 1 || gemm->beta != 1 || gemm->transA) return false;
    return !has_bias || bias->elements() == weight->shape()[gemm->transB ? 0 : 1];
  }

  bool clips_at_0() const {
    if (!holds_alternative<Clip>(node_.op)) return false;
    const Tensor* least = constant(1);
    const bool most_is_known = fact(2) == nullptr || constant(2) != nullptr;
    return least != nullptr && least->elements() == 1 && least->data<float>()[0] == 0 && most_is_known;
  }

  bool pads_with_0() const {
    const auto* pad = get_if<Pad>(&node_.op);
    if (pad == nullptr) return false;
    if (pad->mode != Pad::Mode::constant) return true;
    if (fact(2) == nullptr) return true;
    const Tensor* value = constant(2);
    return value != nullptr && value->elements() == 1 && value->data<float>()[0] == 0;
  }

  bool is_passing() const {
    const Effect effect = effect_of(node_.op);
    return effect == Effect::reshapes || effect == Effect::permutes || is_any<MaxPool, Slice>(node_.op) || pads_with_0();
  }

  bool is_elementwise() const {
    return is_any<LeakyRelu, Sigmoid, HardSigmoid, HardSwish, Clip, ReduceMean>(node_.op) ||
           (is_any<Mul, Concat>(node_.op) && all_are_computed());
  }
  bool all_are_computed() const {
    for (std::size_t i = 0; i < node_.inputs.size(); ++i) {
      if (!is_computed(i)) return false;
    }
    return true;
  }

  const Graph& graph_;
  const Node& node_;
};

// Of what fnmatch has, * and ? alone mean something: names have brackets of their own.
bool matches(const std::string& pattern, const std::string& text) {
  std::string escaped;
  for (const char c : pattern) {
    if (c == '[' || c == '\\') escaped += '\\';
    escaped += c;
  }
  return fnmatch(escaped.c_str(), text.c_str(), 0) == 0;
}

void name_values(Graph& graph) {
  std::set<std::string> taken;
  for (const Node& node : graph.nodes()) {
    for (const Value& value : node.outputs) taken.insert(value.name);
  }
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    Node& node = graph.node(static_cast<NodeId>(i));
    if (node.outputs.empty() || !node.outputs[0].name.empty()) continue;
    std::string name = node.name.empty() ? fmt::format("value{}", i) : node.name + "_output";
    while (!taken.insert(name).second) name += "_";
    node.outputs[0].name = name;
  }
}

}  // namespace

std::vector<NodeId> find_nodes(const Graph& graph, const std::string& pattern) {
  std::vector<NodeId> found;
  for (std::size_t id = 0; id < graph.nodes().size(); ++id) {
    const Node& node = graph.nodes()[id];
    if (is_any<Constant, Input>(node.op) || node.outputs.empty()) continue;
    if (matches(pattern, node.name) || matches(pattern, node.outputs.front().name)) found.push_back(static_cast<NodeId>(id));
  }
  return found;
}

Graph prepare(const Graph& graph, PassLog& log) {
  for (const Node& node : graph.nodes()) {
    if (is_quantized(node.op)) {
      throw Error(Fault::invalid,
                  fmt::format("is quantized already: {}; expected the network in floats that it was made of", describe(node)));
    }
  }
  Graph ready = optimize(graph, log);
  const bool narrow = std::any_of(ready.nodes().begin(), ready.nodes().end(), [](const Node& node) {
    return std::any_of(node.outputs.begin(), node.outputs.end(), [](const Value& value) {
      return value.fact.dtype == DType::float16 || value.fact.dtype == DType::bfloat16;
    });
  });
  if (narrow) ready = optimize(widen_floats(ready, log), log);
  name_values(ready);
  return ready;
}

Scheme::Scheme(const Graph& graph, Activations activations, const std::set<NodeId>& kept)
    : graph_(graph), activations_(activations), kinds_(graph.nodes().size(), Kind::none), rectifiers_(graph.nodes().size()) {
  const Readers readers(graph);
  for (std::size_t i = 0; i < kinds_.size(); ++i) {
    const auto id = static_cast<NodeId>(i);
    if (!kept.contains(id)) kinds_[i] = Look(graph, graph.nodes()[i]).kind();
    if (kinds_[i] != Kind::rectifier) continue;
    const ValueId before = graph.nodes()[i].inputs[0];
    const Kind made_by = kind(before.node);
    const bool has_own_range = made_by != Kind::none && made_by != Kind::passing && made_by != Kind::rectifier;
    if (has_own_range && readers.only(before) == id) rectifiers_[static_cast<std::size_t>(before.node)] = id;
  }
  std::set<ValueId> found;
  const auto add = [&](ValueId value) {
    const ValueId range = range_of(value);
    if (found.insert(range).second) ranged_.push_back(range);
  };
  for (std::size_t i = 0; i < kinds_.size(); ++i) {
    if (kinds_[i] == Kind::none) continue;
    const Node& node = graph.nodes()[i];
    for (const ValueId input : node.inputs) {
      const bool is_activation = !input.is_none() && !graph.fact(input).value && graph.fact(input).dtype == DType::float32;
      if (is_activation) add(input);
    }
    add({static_cast<NodeId>(i), 0});
  }
}

ValueId Scheme::range_of(ValueId value) const {
  for (;;) {
    if (kind(value.node) == Kind::passing) {
      value = graph_.node(value.node).inputs[0];
    } else if (const auto rectifier = rectifier_after(value.node)) {
      return {*rectifier, 0};
    } else {
      return value;
    }
  }
}

ValueId Scheme::result_of(NodeId id) const { return {rectifier_after(id).value_or(id), 0}; }

std::vector<NodeId> Scheme::layers() const {
  std::vector<NodeId> found;
  for (std::size_t i = 0; i < kinds_.size(); ++i) {
    if (kinds_[i] == Kind::weighted || kinds_[i] == Kind::addition) found.push_back(static_cast<NodeId>(i));
  }
  return found;
}

}  // namespace resnet::quantize
