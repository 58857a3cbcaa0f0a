#include "tests/formats/onnx/same_graph.h"

#include <fmt/format.h>

#include <map>
#include <vector>

namespace resnet::test {

namespace {

struct Parts {
  std::vector<const Node*> nodes;           // all but constants
  std::map<std::string, Tensor> constants;  // but for lists of integers: see same_inputs()
};

Parts parts_of(const Graph& graph) {
  Parts parts;
  for (const Node& node : graph.nodes()) {
    if (const auto* constant = get_if<Constant>(&node.op)) {
      if (constant->value.dtype() == DType::int64 && constant->value.shape().rank() <= 1) continue;
      parts.constants.emplace(node.outputs[0].name, constant->value);
    } else {
      parts.nodes.push_back(&node);
    }
  }
  return parts;
}

// Lists of integers are attributes in old opsets, where they have no names and are not shared.
bool is_list(const Graph& graph, ValueId value) {
  if (value.is_none()) return false;
  const auto* constant = get_if<Constant>(&graph.node(value.node).op);
  return constant != nullptr && constant->value.dtype() == DType::int64 && constant->value.shape().rank() <= 1;
}

bool same_inputs(const Graph& a, const Node& x, const Graph& b, const Node& y) {
  if (x.inputs.size() != y.inputs.size()) return false;
  for (std::size_t i = 0; i < x.inputs.size(); ++i) {
    const ValueId p = x.inputs[i], q = y.inputs[i];
    if (p.is_none() != q.is_none()) return false;
    if (p.is_none()) continue;
    const bool lists = is_list(a, p) && is_list(b, q);
    if (lists ? a.fact(p).value != b.fact(q).value : a.value(p).name != b.value(q).name) return false;
  }
  return true;
}

std::vector<std::string> names_of(const Graph& graph, std::span<const ValueId> values) {
  std::vector<std::string> names;
  for (const ValueId value : values) names.push_back(value.is_none() ? "" : graph.value(value).name);
  return names;
}

}  // namespace

std::string difference_of(const Graph& a, const Graph& b) {
  const Parts left = parts_of(a), right = parts_of(b);
  if (left.nodes.size() != right.nodes.size()) return fmt::format("{} nodes and {}", left.nodes.size(), right.nodes.size());
  for (std::size_t i = 0; i < left.nodes.size(); ++i) {
    const Node &x = *left.nodes[i], &y = *right.nodes[i];
    const auto differ = [&](const char* what) { return fmt::format("{} and {} differ in {}", describe(x), describe(y), what); };
    if (x.name != y.name) return differ("name");
    if (x.op != y.op) return differ("operator or attributes");
    if (x.doc_string != y.doc_string) return differ("doc string");
    if (!same_inputs(a, x, b, y)) return differ("inputs");
    if (x.outputs.size() != y.outputs.size()) return differ("number of outputs");
    for (std::size_t slot = 0; slot < x.outputs.size(); ++slot) {
      if (x.outputs[slot].name != y.outputs[slot].name) return differ("an output's name");
      if (x.outputs[slot].fact != y.outputs[slot].fact) return differ("facts");
    }
  }
  for (const auto& [name, value] : left.constants) {
    const auto other = right.constants.find(name);
    if (other == right.constants.end()) return fmt::format("constant '{}' is only in the first", name);
    if (other->second != value) return fmt::format("constant '{}' differs", name);
  }
  if (left.constants.size() != right.constants.size()) {
    return fmt::format("{} constants and {}", left.constants.size(), right.constants.size());
  }
  if (names_of(a, a.inputs()) != names_of(b, b.inputs())) return "the inputs differ";
  if (names_of(a, a.outputs()) != names_of(b, b.outputs())) return "the outputs differ";
  return "";
}

}  // namespace resnet::test
