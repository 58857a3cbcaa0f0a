// A node as whoever makes a step of it sees it: its operands, what is asked for, and where weights are packed.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "lib/graph/graph.h"
#include "lib/xnnpack/packing.h"
#include "lib/xnnpack/plan.h"

namespace resnet::xnnpack {

// What the nodes of a plan share while it is made. Refers to all that it is given, which must outlive it.
class Planning {
 public:
  // `threads`: those that a job which names none will run on.
  Planning(const Graph& graph, const Job& job, std::size_t threads, Packing& packing);

  const Graph& graph() const { return graph_; }
  const Job& job() const { return job_; }
  std::size_t threads() const { return threads_; }
  Packing& packing() const { return packing_; }
  // Of a node's first output, as the job has it where that says more than the graph.
  const std::optional<Dims>& expected(NodeId id) const;

 private:
  const Graph& graph_;
  const Job& job_;
  std::size_t threads_;
  Packing& packing_;
  std::vector<std::optional<Dims>> expected_;  // by node; empty where the job names no shapes
};

// Refers to the planning, which must outlive it.
class Site {
 public:
  Site(const Planning& planning, NodeId id) : planning_(planning), id_(id) {}

  const Planning& planning() const { return planning_; }
  const Graph& graph() const { return planning_.graph(); }
  NodeId id() const { return id_; }
  const Node& node() const { return graph().node(id_); }

  // The element type of the first output.
  std::optional<DType> dtype() const { return node().outputs[0].fact.dtype; }
  bool is_float() const { return dtype() == DType::float32; }

  const Fact& fact(std::size_t index) const { return graph().fact(node().inputs[index]); }
  bool has(std::size_t index) const { return index < node().inputs.size() && !node().inputs[index].is_none(); }
  bool is_constant(std::size_t index) const { return fact(index).value.has_value(); }
  // Whether all inputs from `first` on are, those that are left out aside.
  bool are_constant_from(std::size_t first) const;
  // 0 where it is not known.
  std::size_t rank(std::size_t index) const {
    return index < node().inputs.size() && fact(index).has_rank() ? fact(index).rank() : 0;
  }
  bool has_rank(std::size_t index, std::size_t rank) const {
    return index < node().inputs.size() && fact(index).has_rank() && fact(index).rank() == rank;
  }

 private:
  const Planning& planning_;
  NodeId id_;
};

}  // namespace resnet::xnnpack
