#include "lib/arch/parameters.h"

#include <fmt/format.h>

#include <cmath>
#include <functional>
#include <map>
#include <set>

#include "lib/base/error.h"
#include "lib/base/random.h"
#include "lib/graph/stated.h"

namespace resnet::arch {

namespace {

// Which input of which node reads a value first; through an Identity or a Cast.
struct Use {
  const Node* node = nullptr;
  std::size_t input = 0;
  std::vector<std::int64_t> fan_in = {};  // the dims of the weight beside it, where the node has one
};

std::vector<std::int64_t> weight_dims(const Graph& graph, const Node& node) {
  const bool product = holds_alternative<Gemm>(node.op) || holds_alternative<MatMul>(node.op);
  const auto shape = product ? graph.fact(node.inputs[1]).shape() : std::nullopt;
  if (!shape || shape->rank() != 2) return {};
  return {(*shape)[0], (*shape)[1]};
}

std::vector<Use> first_uses(const Graph& graph) {
  std::vector<Use> uses(graph.nodes().size());
  // From the end, so that the first use stays; a Cast before a layer hands on its reader.
  for (std::size_t id = graph.nodes().size(); id-- > 0;) {
    const Node& node = graph.nodes()[id];
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      if (node.inputs[i].is_none()) continue;
      const bool hands_on = i == 0 && effect_of(node.op) == Effect::keeps_values;
      uses[static_cast<std::size_t>(node.inputs[i].node)] = hands_on ? uses[id] : Use{&node, i, weight_dims(graph, node)};
    }
  }
  return uses;
}

void fill(Tensor& tensor, const std::string& name, const Use& use, std::uint64_t seed) {
  const auto values = tensor.mutable_data<float>();
  const Shape& shape = tensor.shape();
  const std::uint64_t key = stream_key(seed, name);
  if (use.node != nullptr && holds_alternative<Conv>(use.node->op)) {
    if (use.input == 2) return;
    if (use.input == 1 && shape.rank() == 4) {
      return fill_normal(values, key, std::sqrt(2.0 / static_cast<double>(shape[0] * shape[2] * shape[3])));
    }
  }
  if (use.node != nullptr && holds_alternative<BatchNormalization>(use.node->op) && use.input > 0) {
    const float value = use.input == 1 || use.input == 4 ? 1.0f : 0.0f;
    std::fill(values.begin(), values.end(), value);
    return;
  }
  const auto* gemm = use.node != nullptr ? get_if<Gemm>(&use.node->op) : nullptr;
  const bool product = gemm != nullptr || (use.node != nullptr && holds_alternative<MatMul>(use.node->op));
  if (product && shape.rank() == 2 && use.input == 1) {
    const std::int64_t fan_in = gemm != nullptr && gemm->transB ? shape[1] : shape[0];
    return fill_uniform(values, key, 1.0 / std::sqrt(static_cast<double>(fan_in)));
  }
  if (gemm != nullptr && use.input == 2 && !use.fan_in.empty()) {
    return fill_uniform(values, key, 1.0 / std::sqrt(static_cast<double>(use.fan_in[gemm->transB ? 1 : 0])));
  }
  if (use.node != nullptr && holds_alternative<Add>(use.node->op)) return;  // a bias
  throw Error(Fault::unsupported, fmt::format("input '{}' is not a parameter that can be initialised: {}", name,
                                              use.node == nullptr ? "nothing reads it" : "it is read by " + describe(*use.node)));
}

// The graph again, with `make` in place of some nodes.
Graph copied(const Graph& graph, const std::function<std::optional<ValueId>(Graph&, NodeId)>& make,
             const std::function<std::string(NodeId)>& node_name, const std::function<std::string(ValueId)>& value_name) {
  Graph result;
  result.name = graph.name;
  result.doc_string = graph.doc_string;
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    const auto id = static_cast<NodeId>(i);
    const Node& node = graph.node(id);
    if (make(result, id)) continue;
    if (holds_alternative<Input>(node.op)) {
      result.add_input(value_name({id, 0}), node.outputs[0].fact);
    } else if (const auto* constant = get_if<Constant>(&node.op)) {
      result.add_constant(value_name({id, 0}), constant->value);
    } else {
      std::vector<std::string> names;
      for (std::size_t slot = 0; slot < node.outputs.size(); ++slot)
        names.push_back(value_name({id, static_cast<std::int32_t>(slot)}));
      result.append(node.op, node.inputs, node_name(id), std::move(names));
      copy_stated(node, result.node(id));
    }
    result.node(id).doc_string = node.doc_string;
    result.node(id).metadata = node.metadata;
  }
  result.set_outputs({graph.outputs().begin(), graph.outputs().end()});
  return result;
}

// The batch norm after the convolution of that name, as build() names it: in a pre-activation net it is the next convolution's.
std::string norm_behind(const std::string& convolution, bool pre_activation) {
  const std::size_t dot = convolution.rfind('.');
  const std::string front = dot == std::string::npos ? "" : convolution.substr(0, dot + 1);
  const std::string last = dot == std::string::npos ? convolution : convolution.substr(dot + 1);
  if (convolution == "conv1.6") return "bn1";  // the end of a deep stem
  if (last.starts_with("conv")) {
    const int number = std::atoi(last.c_str() + 4);
    return fmt::format("{}bn{}", front, pre_activation && !front.empty() ? number + 1 : number);
  }
  return front + std::to_string(std::atoi(last.c_str()) + 1);
}

std::string parameter_name(const Op& op, std::size_t input) {
  if (holds_alternative<BatchNormalization>(op)) {
    constexpr const char* names[] = {"", "weight", "bias", "running_mean", "running_var"};
    return input < 5 ? names[input] : "";
  }
  return input == 1 ? "weight" : input == 2 ? "bias" : "";
}

}  // namespace

Graph with_parameters(const Graph& graph, const std::function<Tensor(const std::string&, const Shape&)>& value) {
  return copied(
      graph,
      [&](Graph& result, NodeId id) -> std::optional<ValueId> {
        const Node& node = graph.node(id);
        if (!holds_alternative<Input>(node.op) || graph.inputs()[0].node == id) return std::nullopt;
        const auto shape = node.outputs[0].fact.shape();
        if (!shape || node.outputs[0].fact.dtype != DType::float32) {
          throw Error(Fault::unsupported, fmt::format("input '{}' is {}, expected floats of a known shape", node.name,
                                                      node.outputs[0].fact.to_string()));
        }
        return result.add_constant(node.outputs[0].name, value(node.outputs[0].name, *shape));
      },
      [&](NodeId id) { return graph.node(id).name; }, [&](ValueId id) { return graph.value(id).name; });
}

Graph make_weights(const Graph& graph, std::uint64_t seed) {
  const std::vector<Use> uses = first_uses(graph);
  std::map<std::string, const Use*> by_name;
  for (const ValueId input : graph.inputs())
    by_name.emplace(graph.value(input).name, &uses[static_cast<std::size_t>(input.node)]);
  return with_parameters(graph, [&](const std::string& name, const Shape& shape) {
    Tensor tensor = Tensor::allocate(DType::float32, shape);
    fill(tensor, name, *by_name.at(name), seed);
    return tensor;
  });
}

Graph rename_as_built(const Graph& graph, const Recognition& recognition) {
  if (!recognition.is_exact()) {
    throw Error(Fault::unsupported, fmt::format("the network is {}; only a network without differences can be renamed: {}",
                                                recognition.to_string(), recognition.differences.front().to_string()));
  }
  const std::size_t count = graph.nodes().size();
  std::vector<std::string> names(count);
  std::vector<std::vector<NodeId>> consumers = graph.consumers();
  for (std::size_t id = 0; id < count; ++id) {
    const std::string& counterpart = recognition.places[id].counterpart;
    if (counterpart.empty() || counterpart == "input") continue;
    names[id] = counterpart;
    // Its own batch norm has no counterpart of its own in the comparison.
    if (!holds_alternative<Conv>(graph.nodes()[id].op) || consumers[id].size() != 1) continue;
    const auto reader = static_cast<std::size_t>(consumers[id][0]);
    if (holds_alternative<BatchNormalization>(graph.nodes()[reader].op) && recognition.places[reader].counterpart.empty()) {
      names[reader] = norm_behind(counterpart, recognition.spec.pre_activation);
    }
  }
  std::set<std::string> taken;
  std::vector<std::string> values(count);
  for (std::size_t id = 0; id < count; ++id) {
    if (names[id].empty()) continue;
    const Node& node = graph.nodes()[id];
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      if (node.inputs[i].is_none()) continue;
      const auto source = static_cast<std::size_t>(node.inputs[i].node);
      const Op& op = graph.nodes()[source].op;
      const bool parameter = holds_alternative<Constant>(op) ||
                             (holds_alternative<Input>(op) && static_cast<NodeId>(source) != graph.inputs()[0].node);
      const std::string suffix = parameter_name(node.op, i);
      if (!parameter || suffix.empty() || !values[source].empty()) continue;
      values[source] = names[id] + "." + suffix;
      taken.insert(values[source]);
    }
  }
  // The others keep theirs, or get a number after it.
  for (std::size_t id = 0; id < count; ++id) {
    const Node& node = graph.nodes()[id];
    if (!values[id].empty()) continue;
    std::string wanted = node.outputs[0].name;
    for (int i = 1; !wanted.empty() && !taken.insert(wanted).second; ++i) wanted = fmt::format("{}_{}", node.outputs[0].name, i);
    values[id] = wanted;
  }
  return copied(
      graph, [](Graph&, NodeId) { return std::optional<ValueId>(); },
      [&](NodeId id) {
        const std::string& name = names[static_cast<std::size_t>(id)];
        return name.empty() ? graph.node(id).name : name;
      },
      [&](ValueId id) { return id.slot == 0 ? values[static_cast<std::size_t>(id.node)] : graph.value(id).name; });
}

}  // namespace resnet::arch
