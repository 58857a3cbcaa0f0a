#include "tests/random/shrink.h"

#include <algorithm>
#include <optional>

#include "lib/base/error.h"
#include "tests/random/generate.h"

namespace resnet::random {

namespace {

using Candidates = std::vector<Failure>;

// The graph with one node's first output replaced: by an input of its own, or by another value.
std::optional<Graph> without(const Graph& graph, NodeId victim, std::optional<ValueId> stand_in) {
  const Node& gone = graph.node(victim);
  for (std::size_t slot = 1; slot < gone.outputs.size(); ++slot) {
    for (const Node& node : graph.nodes()) {
      const ValueId further{victim, static_cast<std::int32_t>(slot)};
      if (std::find(node.inputs.begin(), node.inputs.end(), further) != node.inputs.end()) return std::nullopt;
    }
  }
  Graph result;
  result.name = graph.name;
  const auto map = [&](ValueId id) { return id == ValueId{victim, 0} && stand_in ? *stand_in : id; };
  for (std::size_t id = 0; id < graph.nodes().size(); ++id) {
    const Node& node = graph.nodes()[id];
    if (static_cast<NodeId>(id) == victim && !stand_in) {
      result.add_input(node.outputs[0].name, node.outputs[0].fact);
    } else if (holds_alternative<Input>(node.op)) {
      result.add_input(node.outputs[0].name, node.outputs[0].fact);
    } else if (const auto* constant = get_if<Constant>(&node.op)) {
      result.add_constant(node.outputs[0].name, constant->value);
    } else {
      std::vector<ValueId> inputs;
      for (ValueId input : node.inputs) inputs.push_back(map(input));
      std::vector<std::string> names;
      for (const Value& value : node.outputs) names.push_back(value.name);
      result.append(node.op, std::move(inputs), node.name, std::move(names));
    }
  }
  std::vector<ValueId> outputs;
  for (ValueId output : graph.outputs()) {
    const ValueId mapped = output.node == victim && output.slot > 0 ? ValueId::none() : map(output);
    if (!mapped.is_none() && std::find(outputs.begin(), outputs.end(), mapped) == outputs.end()) outputs.push_back(mapped);
  }
  if (outputs.empty()) return std::nullopt;
  result.set_outputs(std::move(outputs));
  return prune(result);
}

void fewer_outputs(const Failure& now, Candidates& candidates) {
  const std::vector<ValueId> outputs(now.graph.outputs().begin(), now.graph.outputs().end());
  if (outputs.size() < 2) return;
  const auto with = [&](std::vector<ValueId> kept) {
    Graph graph = now.graph;
    graph.set_outputs(std::move(kept));
    Graph smaller = prune(graph);
    const bool less = smaller.outputs().size() < outputs.size() || smaller.nodes().size() < now.graph.nodes().size();
    if (less) candidates.push_back({std::move(smaller), now.settings});
  };
  for (ValueId output : outputs) with({output});
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    std::vector<ValueId> kept = outputs;
    kept.erase(kept.begin() + static_cast<std::ptrdiff_t>(i));
    with(std::move(kept));
  }
}

void fewer_nodes(const Failure& now, Candidates& candidates) {
  for (std::size_t id = now.graph.nodes().size(); id-- > 0;) {
    const Node& node = now.graph.nodes()[id];
    if (holds_alternative<Input>(node.op) || holds_alternative<Constant>(node.op)) continue;
    const auto victim = static_cast<NodeId>(id);
    const auto offer = [&](std::optional<Graph> graph) {
      // An output that is an input alone says nothing.
      if (graph && graph->nodes().size() < now.graph.nodes().size()) candidates.push_back({std::move(*graph), now.settings});
    };
    const Fact& fact = node.outputs[0].fact;
    try {
      if (fact.dims && fact.dtype && !fact.value) offer(without(now.graph, victim, std::nullopt));
    } catch (const Error&) {
    }
    for (ValueId input : node.inputs) {
      if (input.is_none() || now.graph.fact(input).dtype != fact.dtype || now.graph.fact(input).dims != fact.dims) continue;
      try {
        offer(without(now.graph, victim, input));
      } catch (const Error&) {
      }
    }
  }
}

void smaller_dims(const Failure& now, Candidates& candidates) {
  std::vector<Fact> facts;
  for (ValueId input : now.graph.inputs()) facts.push_back(now.graph.fact(input));
  for (std::size_t i = 0; i < facts.size(); ++i) {
    for (std::size_t axis = 0; axis < facts[i].rank(); ++axis) {
      const Dim dim = (*facts[i].dims)[axis];
      if (!dim.is_number() || dim.number() < 2) continue;
      for (const std::int64_t size : {std::int64_t{1}, dim.number() / 2, dim.number() - 1}) {
        if (size < 1 || size == dim.number()) continue;
        std::vector<Fact> changed = facts;
        // Inputs of equal shape stay equal.
        for (Fact& fact : changed) {
          if (fact.dims == facts[i].dims) (*fact.dims)[axis] = size;
        }
        try {
          candidates.push_back({with_input_facts(now.graph, changed), now.settings});
        } catch (const Error&) {
        }
      }
    }
  }
}

void plainer_settings(const Failure& now, Candidates& candidates) {
  const auto offer = [&](const auto& change) {
    Failure candidate = now;
    change(candidate.settings);
    if (candidate.settings.indices() != now.settings.indices()) candidates.push_back(std::move(candidate));
  };
  offer([](Settings& s) { s.route = Route::as_made; });
  offer([](Settings& s) { s.packed = false; });
  offer([](Settings& s) { s.job_shapes = false; });
  offer([](Settings& s) { s.threads = 1; });
  offer([](Settings& s) { s.convolutions = xnnpack::Convolutions::automatic; });
  offer([](Settings& s) { s.convolutions = xnnpack::Convolutions::direct; });
  offer([](Settings& s) { s.optimize = false; });
  if (now.settings.open_batch) offer([](Settings& s) { s.batch = std::max<std::int64_t>(s.batch - 1, 1); });
}

}  // namespace

Failure shrink(Failure failure, const Fails& fails) {
  for (int left = 2000; left > 0;) {
    bool smaller = false;
    for (const auto propose : {fewer_outputs, fewer_nodes, plainer_settings, smaller_dims}) {
      Candidates candidates;
      propose(failure, candidates);
      for (Failure& candidate : candidates) {
        if (left-- <= 0) break;
        if (!fails(candidate)) continue;
        failure = std::move(candidate);
        smaller = true;
        break;
      }
      if (smaller) break;
    }
    if (!smaller) break;
  }
  return failure;
}

}  // namespace resnet::random
