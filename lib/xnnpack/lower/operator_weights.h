// The weights of an operator of XNNPACK, which packs them when the first one is created.
#pragma once

#include <functional>

#include "lib/xnnpack/handles.h"
#include "lib/xnnpack/packed_weights.h"
#include "lib/xnnpack/site.h"
#include "lib/xnnpack/step.h"

namespace resnet::xnnpack {

// The weight and the bias are kept only where XNNPACK packs again for each session.
class OperatorWeights {
 public:
  // `weight` is without elements where packed weights are given, `bias` where there is none.
  OperatorWeights(const Site& site, Tensor weight, std::optional<Tensor> bias);

  // Creates an operator to have the weights packed. To be called once, in the step's constructor.
  void pack(const Site& site, const std::function<Operator()>& create);

  // For who creates an operator: a pointer that is not null stands for weights that are packed already.
  const float* weight() const;
  const float* bias() const;
  PackedWeights& cache() const { return *cache_; }

  Weights weights() const;

 private:
  std::unique_ptr<PackedWeights> cache_;
  Tensor weight_, bias_;
  bool has_bias_;
};

}  // namespace resnet::xnnpack
