// before: x -> Transpose(p) -> Transpose(q) -> y
// after:  x -> Transpose(p then q) -> y, or x alone where that is the identity
// The first Transpose stays for its other readers; without them it is dead.

#include <fmt/format.h>

#include <algorithm>

#include "lib/passes/passes.h"
#include "lib/passes/rewrite.h"

namespace resnet {

Graph merge_transposes(const Graph& graph, PassLog& log) {
  Rewriter rewriter(graph);
  return rewriter.run([&](NodeId id) {
    const Node& node = graph.node(id);
    const auto* second = get_if<Transpose>(&node.op);
    if (second == nullptr || !graph.fact(node.inputs[0]).has_rank()) return false;
    // As it is in the new graph: three in a row become one at once.
    const Node& before = rewriter.graph().node(rewriter.map(node.inputs[0]).node);
    const auto* first = get_if<Transpose>(&before.op);
    if (first == nullptr) return false;
    const std::size_t rank = graph.fact(node.inputs[0]).rank();
    const auto p = permutation_of(*first, rank), q = permutation_of(*second, rank);
    Transpose merged;
    for (const std::size_t axis : q) merged.perm.push_back(static_cast<std::int64_t>(p[axis]));
    const ValueId source = before.inputs[0];
    const std::string what = fmt::format("merge_transposes: {} with {}", describe(node), describe(before));
    const bool cancels = std::is_sorted(merged.perm.begin(), merged.perm.end());
    if (!cancels || !rewriter.forward(id, source)) rewriter.copy(id, merged, std::vector<ValueId>{source});
    log.done.push_back(what + (cancels ? ": they cancel" : ""));
    return true;
  });
}

}  // namespace resnet
