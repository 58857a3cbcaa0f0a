// A graph made ready to run: lowered steps and packed weights, shared by all sessions.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "lib/base/threads.h"
#include "lib/graph/graph.h"

namespace resnet::xnnpack {

// An operator that cannot run, found when a plan is made.
struct Missing {
  std::string node, op, reason;
};

struct PlanOptions {
  // Whether to fold batch norm, constants, ... first (passes/optimize). Off for comparing layer by layer.
  bool optimize = true;
};

struct Step;

// Immutable. Weights are packed once, when it is made.
class Plan {
 public:
  // Throws Error(unsupported) that lists every node that cannot run, at once: "cannot run 2 of 120 nodes: node 'a' (Foo), ...".
  static std::shared_ptr<const Plan> make(const Graph& graph, const PlanOptions& options = {});
  ~Plan();

  const Graph& graph() const { return graph_; }  // as it is run
  struct State;
  const State& state() const { return *state_; }

 private:
  Plan(Graph graph, std::unique_ptr<State> state);
  Graph graph_;
  std::unique_ptr<State> state_;
};

}  // namespace resnet::xnnpack
