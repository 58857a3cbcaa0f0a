// What is wrong with how a network is quantized, though it runs.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "formats/onnx/lint_graph.h"
#include "lib/graph/byte_operands.h"

namespace resnet::onnx {

namespace {

using Level = Finding::Level;

// Activations and weights of networks that were trained are far inside of this.
constexpr float least_scale = 1e-12f, most_scale = 1e6f;
// Of weights: a quantizer that keeps to the largest weight of a channel leaves about one in a hundred at the ends.
constexpr double most_saturated = 0.1;

class Checker {
 public:
  Checker(const Graph& graph, std::vector<Finding>& findings) : graph_(graph), findings_(findings) {}

  void run() {
    for (const Node& node : graph_.nodes()) {
      node_ = &node;
      if (holds_alternative<QuantizeLinear>(node.op) || holds_alternative<DequantizeLinear>(node.op)) check_scale(1);
      if (const ByteOperands at = byte_operands(node.op); at.x != ByteOperands::none) {
        check_scale(at.x + 1);
        if (at.weight != ByteOperands::none) check_scale(at.weight + 1);
        check_scale(at.y_scale);
      }
      if (holds_alternative<QLinearConv>(node.op)) check_saturation(node.inputs[3]);
      if (holds_alternative<Conv>(node.op)) check_product(0);
      if (const auto* gemm = get_if<Gemm>(&node.op)) check_product(gemm->transB ? 0 : 1);
    }
  }

 private:
  void add(const char* code, std::string text) { findings_.push_back({Level::warning, code, name_of(*node_), std::move(text)}); }
  bool has(std::size_t index) const { return index < node_->inputs.size() && !node_->inputs[index].is_none(); }
  const std::string& name(std::size_t index) const { return graph_.value(node_->inputs[index]).name; }

  void check_scale(std::size_t index) {
    if (!has(index)) return;
    const auto& scale = graph_.fact(node_->inputs[index]).value;
    if (!scale || !is_floating_point(scale->dtype())) return;
    const std::vector<float> values = scale->values_as<float>();
    if (values.empty()) return;
    // A channel whose weights are all 0 may have any step that is positive.
    const float largest = *std::max_element(values.begin(), values.end());
    for (const float value : values) {
      if (value > 0 && largest >= least_scale && value <= most_scale) continue;
      return add("quantization-scale",
                 fmt::format("scale '{}' has {:g}, expected a positive number of about the size of a step", name(index), value));
    }
  }

  // How many of a tensor's bytes are at an end of their type.
  void check_saturation(ValueId weight) {
    const auto& bytes = graph_.fact(weight).value;
    if (!bytes || bytes->elements() < 64 || !is_byte(bytes->dtype())) return;
    const bool is_signed = bytes->dtype() == DType::int8;
    std::int64_t ends = 0;
    for (const std::byte byte : bytes->bytes()) {
      const int value = is_signed ? static_cast<std::int8_t>(byte) : static_cast<int>(byte);
      ends += value == (is_signed ? 127 : 255) || value <= (is_signed ? -127 : 0) ? 1 : 0;
    }
    const double part = static_cast<double>(ends) / static_cast<double>(bytes->elements());
    if (part <= most_saturated) return;
    add("quantization-saturated", fmt::format("{:.0f} % of the weights '{}' are at an end of {}: their scale is too small",
                                              100 * part, graph_.value(weight).name, name_of(bytes->dtype())));
  }

  // A Conv or Gemm of dequantized values: its output channels are along this axis of its weights.
  void check_product(std::size_t axis) {
    const Node* x = dequantized(0);
    const Node* w = dequantized(1);
    if (w == nullptr) return;
    const auto& weight = graph_.fact(w->inputs[0]).value;
    const auto& scale = graph_.fact(w->inputs[1]).value;
    if (weight) check_saturation(w->inputs[0]);
    if (scale && weight && scale->elements() > 1 && get<DequantizeLinear>(w->op).block_size == 0) {
      const std::size_t own = normalize_axis(get<DequantizeLinear>(w->op).axis, weight->shape().rank());
      if (own != axis) {
        add("quantization-axis",
            fmt::format("its weights have scales along axis {}, expected one for each output channel (axis {})", own, axis));
      }
    }
    if (x == nullptr || !has(2)) return;
    const Node* bias = dequantized(2);
    if (bias == nullptr) {
      if (graph_.fact(node_->inputs[2]).value)
        add("quantization-bias", fmt::format("bias '{}' is not quantized beside an input and weights that are", name(2)));
      return;
    }
    check_bias_scale(*x, *w, *bias);
  }

  // x_scale * w_scale, or it is not a whole number of what is summed up.
  void check_bias_scale(const Node& x, const Node& w, const Node& bias) {
    const auto &xs = graph_.fact(x.inputs[1]).value, &ws = graph_.fact(w.inputs[1]).value,
               &bs = graph_.fact(bias.inputs[1]).value;
    if (!xs || !ws || !bs || xs->elements() != 1) return;
    const auto scales = ws->values_as<float>(), own = bs->values_as<float>();
    for (std::size_t i = 0; i < std::max(scales.size(), own.size()); ++i) {
      if ((scales.size() > 1 && i >= scales.size()) || (own.size() > 1 && i >= own.size())) return;
      const float expected = xs->values_as<float>()[0] * scales[scales.size() == 1 ? 0 : i],
                  actual = own[own.size() == 1 ? 0 : i];
      if (std::abs(actual - expected) <= 1e-5f * std::abs(expected)) continue;
      return add("quantization-bias",
                 fmt::format("bias '{}' has scale {:g} at channel {}, expected {:g}: the input's times the weights'", name(2),
                             actual, i, expected));
    }
  }

  const Node* dequantized(std::size_t index) const {
    const Node& node = graph_.node(node_->inputs[index].node);
    return holds_alternative<DequantizeLinear>(node.op) ? &node : nullptr;
  }

  const Graph& graph_;
  std::vector<Finding>& findings_;
  const Node* node_ = nullptr;
};

}  // namespace

void check_quantization(const Graph& graph, std::vector<Finding>& findings) { Checker(graph, findings).run(); }

}  // namespace resnet::onnx
