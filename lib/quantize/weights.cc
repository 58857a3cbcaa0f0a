#include "lib/quantize/weights.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace resnet::quantize {

namespace {

// Where a layer's weights lie: the weight of output channel `c` that its input `k` is multiplied with.
struct Lie {
  std::size_t channels, inputs;  // of each channel
  std::size_t channel_stride, input_stride;
  std::size_t axis = 0;  // of the channels
  std::size_t groups = 1;
  std::size_t at(std::size_t channel, std::size_t input) const { return channel * channel_stride + input * input_stride; }
};

Lie lie_of(const Node& node, const Shape& weight) {
  const auto size = [&](std::size_t axis) { return static_cast<std::size_t>(weight[axis]); };
  const auto elements = static_cast<std::size_t>(weight.elements());
  const auto* gemm = get_if<Gemm>(&node.op);
  const bool by_rows = holds_alternative<Conv>(node.op) || (gemm != nullptr && gemm->transB);
  if (!by_rows) return {size(1), size(0), 1, size(1), 1};
  const auto* conv = get_if<Conv>(&node.op);
  const std::size_t inputs = elements / size(0);
  return {size(0), inputs, inputs, 1, 0, conv == nullptr ? 1 : static_cast<std::size_t>(conv->group)};
}

constexpr float largest_weight = 127;
constexpr double largest_activation = 255;

class Quantizer {
 public:
  Quantizer(const Graph& graph, const Node& node, float input_scale)
      : weight_(graph.fact(node.inputs[1]).value->data<float>()),
        lie_(lie_of(node, graph.fact(node.inputs[1]).value->shape())),
        input_scale_(static_cast<double>(input_scale)),
        bias_(lie_.channels, 0.0),
        scales_(lie_.channels),
        stored_(weight_.size()) {
    has_bias_ = node.inputs.size() > 2 && !node.inputs[2].is_none();
    if (has_bias_) bias_ = graph.fact(node.inputs[2]).value->values_as<double>();
  }

  IntegerWeights run(const Shape& shape, std::span<const double> input_means) {
    IntegerWeights result;
    choose_scales(result);
    for (std::size_t c = 0; c < lie_.channels; ++c) round(c);
    if (input_means.size() == lie_.inputs * lie_.groups) {
      for (std::size_t c = 0; c < lie_.channels; ++c) correct(c, input_means);
      has_bias_ = true;
    }
    result.axis = lie_.axis;
    result.values = Tensor::from<std::int8_t>(shape, stored_);
    const Shape vector{static_cast<std::int64_t>(lie_.channels)};
    result.scales = Tensor::from<float>(vector, scales_);
    std::vector<float> bias_scales;
    for (const float scale : scales_) bias_scales.push_back(bias_scale(scale));
    result.bias_scales = Tensor::from<float>(vector, bias_scales);
    if (has_bias_) result.bias = Tensor::from<std::int32_t>(vector, stored_bias(bias_scales));
    return result;
  }

 private:
  float bias_scale(float scale) const { return static_cast<float>(input_scale_) * scale; }

  // What a bias may be, so that no sum of a channel overflows.
  double most_bias() const {
    const double sums = static_cast<double>(lie_.inputs) * largest_activation * static_cast<double>(largest_weight);
    constexpr double most = std::numeric_limits<std::int32_t>::max();
    return std::max(most / 2, most - sums);
  }

  void choose_scales(IntegerWeights& result) {
    float largest_scale = 0;
    for (std::size_t c = 0; c < lie_.channels; ++c) {
      float largest = 0;
      for (std::size_t k = 0; k < lie_.inputs; ++k) largest = std::max(largest, std::abs(weight_[lie_.at(c, k)]));
      scales_[c] = largest / largest_weight;
      largest_scale = std::max(largest_scale, scales_[c]);
    }
    // Of normal numbers, as are their products with the input's; twice that, for what rounding takes.
    const double normal = 2 * static_cast<double>(std::numeric_limits<float>::min()) / std::min(1.0, input_scale_);
    const auto least = static_cast<float>(std::min(normal, 1.0));
    for (std::size_t c = 0; c < lie_.channels; ++c) {
      // A channel without weights has a bias alone, which is as exact as those of the others.
      if (scales_[c] == 0) scales_[c] = largest_scale > 0 ? largest_scale : 1;
      scales_[c] = std::max(scales_[c], least);
      const double needed = std::abs(bias_[c]) / input_scale_ / most_bias();
      if (needed <= static_cast<double>(scales_[c])) continue;
      scales_[c] = std::nextafter(static_cast<float>(needed), std::numeric_limits<float>::max());
      ++result.enlarged;
    }
  }

  void round(std::size_t c) {
    for (std::size_t k = 0; k < lie_.inputs; ++k) {
      const float rounded = std::nearbyint(weight_[lie_.at(c, k)] / scales_[c]);
      stored_[lie_.at(c, k)] = static_cast<std::int8_t>(std::clamp(rounded, -largest_weight, largest_weight));
    }
  }

  void correct(std::size_t c, std::span<const double> input_means) {
    const std::size_t group = c / (lie_.channels / lie_.groups);
    const auto means = input_means.subspan(group * lie_.inputs, lie_.inputs);
    for (std::size_t k = 0; k < lie_.inputs; ++k) {
      const std::size_t at = lie_.at(c, k);
      const double lost = static_cast<double>(weight_[at]) - static_cast<double>(stored_[at]) * static_cast<double>(scales_[c]);
      bias_[c] += lost * means[k];
    }
  }

  std::vector<std::int32_t> stored_bias(std::span<const float> bias_scales) const {
    constexpr double most = std::numeric_limits<std::int32_t>::max();
    std::vector<std::int32_t> stored;
    for (std::size_t c = 0; c < lie_.channels; ++c) {
      const double rounded = std::nearbyint(bias_[c] / static_cast<double>(bias_scales[c]));
      stored.push_back(static_cast<std::int32_t>(std::clamp(rounded, -most, most)));
    }
    return stored;
  }

  std::span<const float> weight_;
  Lie lie_;
  double input_scale_;
  std::vector<double> bias_;
  bool has_bias_;
  std::vector<float> scales_;
  std::vector<std::int8_t> stored_;
};

}  // namespace

IntegerWeights quantize_weights(const Graph& graph, NodeId layer, float input_scale, std::span<const double> input_means) {
  const Node& node = graph.node(layer);
  return Quantizer(graph, node, input_scale).run(graph.fact(node.inputs[1]).value->shape(), input_means);
}

}  // namespace resnet::quantize
