// before: x -> Identity, Dropout at inference, Pad by 0, Cast to the same type, Transpose by the identity, Sum or Concat of one,
//         Reshape, Flatten, Squeeze, Unsqueeze or Expand to the same shape -> y
// after:  x, by y's name where y is an output of the graph
// Conditions: the outputs after the first (Dropout's mask) are not read; an output of the graph that would be an input, or
// another output, by two names keeps its node. A Sum of two becomes an Add: what every rule about residual additions looks for.

#include <fmt/format.h>

#include <algorithm>

#include "lib/passes/passes.h"
#include "lib/passes/rewrite.h"

namespace resnet {

namespace {

bool is_no_op(const Graph& graph, const Node& node) {
  const auto given = [&](std::size_t index) { return index < node.inputs.size() && !node.inputs[index].is_none(); };
  if (!given(0)) return false;
  const auto in = [&](std::size_t index) -> const Fact& { return graph.fact(node.inputs[index]); };
  if (holds_alternative<Identity>(node.op)) return true;
  if (holds_alternative<Dropout>(node.op)) {
    return !given(2) || (in(2).value && in(2).value->elements() == 1 && in(2).value->values_as<int>()[0] == 0);
  }
  if (holds_alternative<Pad>(node.op)) {
    const auto pads = known_integers(in(1));
    return pads && std::all_of(pads->begin(), pads->end(), [](std::int64_t pad) { return pad == 0; });
  }
  if (const auto* cast = get_if<Cast>(&node.op)) return in(0).dtype == cast->to;
  if (effect_of(node.op) == Effect::reshapes || holds_alternative<Expand>(node.op)) {
    return in(0).dims && in(0).dims == node.outputs[0].fact.dims;
  }
  if (const auto* transpose = get_if<Transpose>(&node.op)) {
    if (!in(0).has_rank()) return false;
    const auto perm = permutation_of(*transpose, in(0).rank());
    return std::is_sorted(perm.begin(), perm.end());
  }
  if (holds_alternative<Sum>(node.op) || holds_alternative<Concat>(node.op)) return node.inputs.size() == 1;
  return false;
}

}  // namespace

Graph remove_no_ops(const Graph& graph, PassLog& log) {
  const Readers readers(graph);
  Rewriter rewriter(graph);
  return rewriter.run([&](NodeId id) {
    const Node& node = graph.node(id);
    if (holds_alternative<Sum>(node.op) && node.inputs.size() == 2) {
      rewriter.copy(id, Add{});
      log.done.push_back(fmt::format("remove_no_ops: {} of two is an Add", describe(node)));
      return true;
    }
    if (!is_no_op(graph, node) || readers.others_are_read(id)) return false;
    if (!rewriter.forward(id, rewriter.map(node.inputs[0]))) return false;
    log.done.push_back(fmt::format("remove_no_ops: {}", describe(node)));
    return true;
  });
}

}  // namespace resnet
