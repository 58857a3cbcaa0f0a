// The passes in their order.

#include <fmt/format.h>

#include <algorithm>

#include "lib/base/error.h"
#include "lib/passes/passes.h"

namespace resnet {

namespace {

template <typename Operator>
bool has(const Graph& graph) {
  return std::any_of(graph.nodes().begin(), graph.nodes().end(),
                     [](const Node& node) { return holds_alternative<Operator>(node.op); });
}

struct Pass {
  const char* name;
  Graph (*run)(const Graph&, PassLog&, const FoldOptions&);
  bool (*concerns)(const Graph&) = nullptr;  // false: there is nothing for it to do, and the graph is kept
};

template <Graph (*pass)(const Graph&, PassLog&)>
Graph plain(const Graph& graph, PassLog& log, const FoldOptions&) {
  return pass(graph, log);
}

// Constants first: the others look at constant pads, axes and weights. Dead nodes last, so that the next round's counts of
// readers are right.
constexpr Pass passes[] = {
    {"fold_constants", fold_constants},
    {"remove_no_ops", plain<remove_no_ops>},
    {"merge_transposes", plain<merge_transposes>, has<Transpose>},
    {"merge_pads", plain<merge_pads>, has<Pad>},
    {"fold_batch_norm", plain<fold_batch_norm>},
    {"remove_dead_nodes", plain<remove_dead_nodes>},
};

}  // namespace

Graph optimize(const Graph& graph, PassLog& log) { return optimize(graph, log, {.large = true}); }

Graph optimize(const Graph& graph, PassLog& log, const FoldOptions& options) {
  // Each round makes the graph smaller or is the last; the bound is for our own mistakes.
  constexpr int most_rounds = 32;
  const bool was_sound = verify(graph).empty();
  const std::size_t declined_before = log.declined.size();
  log.fold = {};
  Graph result = graph;
  for (int round = 0; round < most_rounds; ++round) {
    const std::size_t done = log.done.size();
    log.declined.resize(declined_before);
    for (const Pass& pass : passes) {
      if (pass.concerns != nullptr && !pass.concerns(result)) continue;
      const std::size_t before = log.done.size();
      try {
        Graph rewritten = pass.run(result, log, options);
        if (log.done.size() != before) result = std::move(rewritten);
      } catch (Error& error) {
        error.in(Frame::pass(pass.name));
        throw;
      }
      if (!log.fold.exceeded.empty()) throw Error(Fault::unsupported, log.fold.exceeded);
      if (!was_sound || log.done.size() == before) continue;
      if (const auto findings = verify(result); !findings.empty()) {
        throw Error(Fault::internal, fmt::format("{} made a graph that is not sound: {}", pass.name, findings.front()));
      }
    }
    if (log.done.size() == done) break;
  }
  return result;
}

Graph optimize_to_plan(const Graph& graph, PassLog& log) {
  return optimize(compute_in_float32(graph, log), log, {.dequantize = false, .large = true});
}

Graph optimize_to_run(const Graph& graph, PassLog& log) {
  return fuse_activations(optimize(integer_arithmetic(compute_in_float32(graph, log), log), log), log);
}

}  // namespace resnet
