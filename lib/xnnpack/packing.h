// Packs the weights of a plan's steps, once, and releases the constants that they come from.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "lib/base/threads.h"
#include "lib/graph/graph.h"
#include "lib/passes/rewrite.h"
#include "lib/xnnpack/packed_weights.h"
#include "lib/xnnpack/plan.h"

namespace resnet::xnnpack {

// Which operand of an operator is its weight.
std::size_t weight_operand(const Op& op);

// Refers to all that it is made of, which must outlive it.
class Packing {
 public:
  Packing(Graph& graph, const Readers& readers, const PackedWeightsOf& given, ThreadPool& pool)
      : graph_(graph), readers_(readers), given_(given), pool_(pool) {}

  // The packed weights that a node is given, or null. Throws Error(malformed) where its weights are gone and it is given none.
  std::shared_ptr<const Buffer> given(NodeId id) const;

  // `bytes` of packed weights: those that are given, else what `pack` makes, now or later, in any thread. It holds what it packs,
  // of `held` bytes. The node's weights are released. Throws Error(malformed) where what is given has another size.
  using Pack = std::function<void(std::byte* packed)>;
  std::shared_ptr<const Buffer> pack(NodeId id, std::size_t bytes, std::size_t held, Pack pack);

  // Has XNNPACK pack: `create` makes the node's operator with this cache. The node's weights are released where they are in it.
  // Throws Error(malformed) where the cache holds what was given and that has another size.
  void pack_by_operator(NodeId id, PackedWeights& cache, const std::function<void()>& create);

  // Packs what still waits. To be called before the plan is used.
  void finish();

 private:
  void release(NodeId reader);

  Graph& graph_;
  const Readers& readers_;
  const PackedWeightsOf& given_;
  ThreadPool& pool_;
  std::vector<std::function<void()>> waiting_;  // weights to be packed
  std::size_t waiting_bytes_ = 0;
};

}  // namespace resnet::xnnpack
