// A graph made ready to run: how each node is computed, and its packed weights, shared by all sessions.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/threads.h"
#include "lib/base/words.h"
#include "lib/graph/graph.h"

namespace resnet::xnnpack {

// How 3x3 convolutions at stride 1 are computed.
enum class Convolutions : std::uint8_t {
  automatic,  // the cheapest by kernels::cost
  direct,
  winograd,
};
constexpr auto words_of(Convolutions) {
  return std::to_array<Word<Convolutions>>(
      {{Convolutions::automatic, "auto"}, {Convolutions::direct, "direct"}, {Convolutions::winograd, "winograd"}});
}

// What a plan is to be used for, asked for once: how convolutions are computed depends on it, and never on what comes.
struct Job {
  Convolutions convolutions = Convolutions::automatic;
  std::int64_t batch = 1;
  std::int64_t images = 4096;  // in all
  std::size_t threads = 0;     // 0: the pool's
  // Of the graph's inputs, where they leave sizes open; none: as the graph has them, and direct where it does not say.
  std::vector<Shape> input_shapes;
};

// Packed weights by the node that they are for.
using PackedWeightsOf = std::map<NodeId, std::shared_ptr<const Buffer>>;

struct PlanOptions {
  // Whether to fold batch norm, constants, ... first (passes: optimize_to_run). Off for comparing layer by layer.
  bool optimize = true;
  Job job;
  // Weights are packed by its threads, and the plan is made for as many; null: one.
  ThreadPool* pool = nullptr;
  // Of an earlier plan, for the graph that it ran and the same job (the same build, the same processor): nothing is packed then,
  // and the graph's weights may be released. `optimize` is off.
  PackedWeightsOf packed;
};

// How the buffer of a value of rank 4 holds it.
enum class Layout : std::uint8_t {
  as_graph,  // row-major in the graph's order of axes (NCHW)
  nhwc,
};

// One step of a plan, for reports: the node that it computes and what computes it ("convolution", "fallback", ...).
struct StepInfo {
  std::string node, kind;
  std::string method = "";  // of a convolution: "direct", "winograd F(4x4,3x3)", "xnnpack"
};

// Immutable. Weights are packed once, when it is made; from then on the constants that they came from hold no data any more.
class Plan {
 public:
  // Takes the graph: a caller who moves it in lets its weights be freed as they are packed.
  // Throws Error(unsupported) that lists every node that cannot run, at once: "cannot run 2 of 120 nodes: node 'a' (Foo), ...".
  static std::shared_ptr<const Plan> make(Graph graph, const PlanOptions& options = {});
  ~Plan();

  const Graph& graph() const { return graph_; }  // as it is run
  std::vector<StepInfo> steps() const;
  // What a later plan of graph() can be given; nothing where it could not be made without the graph's own weights.
  std::optional<PackedWeightsOf> packed_weights() const;
  // Bytes of packed weights.
  std::size_t weight_bytes() const;

  struct State;
  const State& state() const { return *state_; }

 private:
  Plan(Graph graph, std::unique_ptr<State> state);
  Graph graph_;
  std::unique_ptr<State> state_;
};

}  // namespace resnet::xnnpack
