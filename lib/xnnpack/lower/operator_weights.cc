#include "lib/xnnpack/lower/operator_weights.h"

#include <utility>

namespace resnet::xnnpack {

namespace {

const float token[1] = {0};

const float* data_of(const Tensor& tensor) { return tensor.elements() > 0 ? tensor.data<float>().data() : token; }

}  // namespace

OperatorWeights::OperatorWeights(const Site& site, Tensor weight, std::optional<Tensor> bias)
    : cache_(std::make_unique<PackedWeights>(site.planning().packing().given(site.id()))),
      weight_(std::move(weight)),
      has_bias_(bias.has_value()) {
  if (bias) bias_ = std::move(*bias);
}

void OperatorWeights::pack(const Site& site, const std::function<Operator()>& create) {
  site.planning().packing().pack_by_operator(site.id(), *cache_, [&] { create(); });
  if (!cache_->is_packed()) return;
  weight_ = Tensor();
  bias_ = Tensor();
}

const float* OperatorWeights::weight() const { return data_of(weight_); }

const float* OperatorWeights::bias() const { return has_bias_ ? data_of(bias_) : nullptr; }

Weights OperatorWeights::weights() const {
  if (cache_->is_packed()) return {cache_->buffer(), cache_->bytes()};
  return {nullptr, weight_.size_bytes()};
}

}  // namespace resnet::xnnpack
