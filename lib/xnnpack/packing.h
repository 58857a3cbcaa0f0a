// Packs the weights of a plan's steps, once, and releases the constants that they come from.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "lib/base/threads.h"
#include "lib/graph/graph.h"
#include "lib/passes/rewrite.h"
#include "lib/xnnpack/plan.h"
#include "lib/xnnpack/step.h"

namespace resnet::xnnpack {

// Refers to all that it is made of, which must outlive it. A step's fused activation must be known before its weights are packed.
class Packing {
 public:
  Packing(Graph& graph, const Readers& readers, const PackedWeightsOf& given, ThreadPool& pool)
      : graph_(graph), readers_(readers), given_(given), pool_(pool) {}

  // Each throws Error(malformed) where packed weights are given that do not fit, or where there are neither those nor weights.
  void convolution(Step& step, kernels::Method method);
  void product(Step& step);
  void normalization(Step& step);  // its factor and shift per channel
  // Packs what still waits. To be called before the plan is used.
  void finish();

 private:
  using Pack = std::function<void(const Tensor& weight, const float* bias, float* packed)>;

  std::shared_ptr<const Buffer> given(const Step& step) const;
  void by_kernels(Step& step, const Tensor& weight, std::size_t floats, Pack pack);
  void by_xnnpack(Step& step, Operator (*create)(const Graph&, const Step&));
  void later(const Step& step, const Tensor& weight, std::shared_ptr<Buffer> packed, Pack pack);
  void release(ValueId id, NodeId reader);

  Graph& graph_;
  const Readers& readers_;
  const PackedWeightsOf& given_;
  ThreadPool& pool_;
  std::vector<std::function<void()>> waiting_;  // filters to be packed
  std::size_t waiting_bytes_ = 0;
};

}  // namespace resnet::xnnpack
