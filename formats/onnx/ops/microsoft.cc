// ONNX Runtime's own operators, which its optimiser and its quantiser write: as operators of ONNX.
#include <algorithm>

#include <fmt/format.h>

#include "formats/onnx/ops/ops.h"

namespace resnet::onnx {

namespace {

// The activation that a fused operator ends with, as its last operator; nothing where it has none.
std::optional<Op> activation_of(NodeImport& node) {
  const std::string type = node.attributes.text("activation", "");
  const std::vector<float> params = node.attributes.numbers("activation_params");
  const auto param = [&](const char* name, std::size_t index, float otherwise) {
    const float named = node.attributes.number(name, otherwise);
    return index < params.size() ? params[index] : named;
  };
  if (type.empty()) return std::nullopt;
  if (type == "Relu") return Relu{};
  if (type == "Tanh") return Tanh{};
  if (type == "Sigmoid") return Sigmoid{};
  if (type == "LeakyRelu") return LeakyRelu{param("activation_alpha", 0, 0.01f)};
  if (type == "HardSigmoid") return HardSigmoid{param("activation_alpha", 0, 0.2f), param("activation_beta", 1, 0.5f)};
  if (type == "Clip") return Clip{};
  if (type == "HardSwish") return HardSwish{};
  if (type == "Elu") return Elu{param("activation_alpha", 0, 1.0f)};
  if (type == "Gelu") return Gelu{};
  if (type == "Softplus") return Softplus{};
  throw Error(Fault::unsupported, fmt::format("activation '{}' is not known", type));
}

// `value` through the activation, or `last` itself where there is none: the node becomes its last operator.
Op end_with_activation(NodeImport& node, Op last) {
  auto activation = activation_of(node);
  if (!activation) return last;
  const std::vector<float> params = node.attributes.numbers("activation_params");
  const ValueId value = put(node, "before_activation", std::move(last), node.inputs);
  node.inputs = {value};
  if (holds_alternative<Clip>(*activation) && params.size() == 2) {
    node.set_scalar(1, "min", params[0]);
    node.set_scalar(2, "max", params[1]);
  }
  return *activation;
}

// X, W, B, Z: Z is the shortcut, added before the activation.
Op import_fused_conv(NodeImport& node) {
  Conv conv;
  read_attributes(node.attributes, conv);
  if (!node.has_input(3)) return end_with_activation(node, conv);
  const ValueId addend = node.inputs[3];
  node.inputs.resize(3);
  while (node.inputs.back().is_none()) node.inputs.pop_back();
  const ValueId convolved = put(node, "convolved", conv, node.inputs);
  node.inputs = {convolved, addend};
  return end_with_activation(node, Add{});
}

Op import_fused_gemm(NodeImport& node) {
  Gemm gemm;
  read_attributes(node.attributes, gemm);
  return end_with_activation(node, gemm);
}

// A with its last two axes exchanged; with its first axis put before the last but one where the batch is transposed.
ValueId transposed(NodeImport& node, std::size_t index, bool last, bool batch, const std::string& suffix) {
  const ValueId value = node.inputs[index];
  if (!last && !batch) return value;
  const Fact& fact = node.fact(index);
  if (!fact.has_rank()) throw Error(Fault::unsupported, "transposes a matrix whose rank is not known");
  const auto rank = static_cast<std::int64_t>(fact.rank());
  if (rank < 2) return value;
  std::vector<std::int64_t> perm;
  for (std::int64_t i = 0; i < rank; ++i) perm.push_back(i);
  if (batch) std::rotate(perm.begin(), perm.begin() + 1, perm.end() - 1);
  if (last) std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
  return put(node, suffix, Transpose{perm}, {value});
}

Op import_fused_mat_mul(NodeImport& node) {
  const float alpha = node.attributes.number("alpha", 1.0f);
  const bool transA = node.attributes.flag("transA", false), transB = node.attributes.flag("transB", false);
  const bool batchA = node.attributes.flag("transBatchA", false), batchB = node.attributes.flag("transBatchB", false);
  node.fact(1);
  const ValueId a = transposed(node, 0, transA, batchA, "A"), b = transposed(node, 1, transB, batchB, "B");
  node.inputs = {a, b};
  if (alpha == 1.0f) return MatMul{};
  node.inputs = {put(node, "product", MatMul{}, node.inputs)};
  node.set_scalar(1, "alpha", alpha);
  return Mul{};
}

Op import_gelu(NodeImport&) { return Gelu{}; }
Op import_quick_gelu(NodeImport& node) { return Swish{node.attributes.number("alpha", 1.702f)}; }
Op import_bias_gelu(NodeImport& node) {
  node.fact(1);
  node.inputs = {put(node, "biased", Add{}, node.inputs)};
  return Gelu{};
}
Op import_fast_gelu(NodeImport& node) {
  if (node.has_input(1)) node.inputs = {put(node, "biased", Add{}, node.inputs)};
  node.inputs.resize(1);
  return Gelu{Gelu::Approximate::tanh};
}

// input, skip, gamma, optional beta, optional bias: LayerNormalization of their sum.
Op import_skip_layer_normalization(NodeImport& node) {
  node.fact(2);
  LayerNormalization op;
  op.epsilon = node.attributes.number("epsilon", 1e-12f);
  const bool sum_is_read = node.is_read(3);
  ValueId sum = put(node, "sum", Add{}, {node.inputs[0], node.inputs[1]});
  if (node.has_input(4)) sum = put(node, "biased", Add{}, {sum, node.inputs[4]});
  if (sum_is_read)
    throw Error(Fault::unsupported, fmt::format("output '{}', the sum, is used, but cannot be given", node.outputs[3]));
  std::vector<ValueId> inputs = {sum, node.inputs[2]};
  if (node.has_input(3)) inputs.push_back(node.inputs[3]);
  node.inputs = std::move(inputs);
  node.drop_outputs(1);
  return op;
}

// The value that a quantised input, its scale and its zero point stand for.
ValueId dequantized(NodeImport& node, std::size_t index, const std::string& suffix) {
  node.fact(index);
  node.fact(index + 1);
  std::vector<ValueId> inputs = {node.inputs[index], node.inputs[index + 1]};
  if (node.has_input(index + 2)) inputs.push_back(node.inputs[index + 2]);
  return put(node, suffix, DequantizeLinear{}, std::move(inputs));
}

// The node becomes the quantisation of `value` by the scale at `index` and the zero point after it, else 0 of the input's type.
Op quantized(NodeImport& node, ValueId value, std::size_t index) {
  node.fact(index);
  std::vector<ValueId> inputs = {value, node.inputs[index]};
  QuantizeLinear op;
  if (node.has_input(index + 1)) {
    inputs.push_back(node.inputs[index + 1]);
  } else if (node.fact(0).dtype != DType::uint8) {
    op.output_dtype = node.fact(0).dtype;
  }
  node.inputs = std::move(inputs);
  return op;
}

// X, X_scale, X_zero_point, Y_scale, Y_zero_point through one operator.
Op import_quantized(NodeImport& node, Op op) {
  const ValueId value = put(node, "computed", std::move(op), {dequantized(node, 0, "x")});
  return quantized(node, value, 3);
}
Op import_q_linear_sigmoid(NodeImport& node) { return import_quantized(node, Sigmoid{}); }
Op import_q_linear_leaky_relu(NodeImport& node) {
  return import_quantized(node, LeakyRelu{node.attributes.number("alpha", 0.01f)});
}
Op import_q_linear_softmax(NodeImport& node) {
  Softmax op;
  const std::int64_t opset = node.attributes.integer("opset", 13);
  op.axis = node.attributes.integer("axis", opset < 13 ? 1 : -1);
  op.coerce_to_2d = opset < 13;
  return import_quantized(node, op);
}
Op import_q_linear_mul(NodeImport& node) {
  const ValueId a = dequantized(node, 0, "a"), b = dequantized(node, 3, "b");
  return quantized(node, put(node, "product", Mul{}, {a, b}), 6);
}
// Y_scale, Y_zero_point, then (value, scale, zero point) for each input.
Op import_q_linear_concat(NodeImport& node) {
  Concat op;
  op.axis = node.attributes.required_integer("axis");
  std::vector<ValueId> values;
  for (std::size_t i = 2; i < node.inputs.size(); i += 3)
    values.push_back(dequantized(node, i, "x" + std::to_string(values.size())));
  if (values.empty()) throw Error(Fault::malformed, "has nothing to join");
  return quantized(node, put(node, "joined", op, std::move(values)), 0);
}

Op import_quantize_linear(NodeImport& node) { return import_op(node, QuantizeLinear{}); }
Op import_dequantize_linear(NodeImport& node) { return import_op(node, DequantizeLinear{}); }

}  // namespace

std::span<const OpRow> microsoft_aliases() {
  static constexpr std::string_view domain = "com.microsoft";
  static constexpr auto rows = std::to_array<OpRow>({
      {"BiasGelu", 1, import_bias_gelu, nullptr, domain},
      {"DequantizeLinear", 1, import_dequantize_linear, nullptr, domain},
      {"FastGelu", 1, import_fast_gelu, nullptr, domain},
      {"FusedConv", 1, import_fused_conv, nullptr, domain},
      {"FusedGemm", 1, import_fused_gemm, nullptr, domain},
      {"FusedMatMul", 1, import_fused_mat_mul, nullptr, domain},
      {"Gelu", 1, import_gelu, nullptr, domain},
      {"QLinearConcat", 1, import_q_linear_concat, nullptr, domain},
      {"QLinearLeakyRelu", 1, import_q_linear_leaky_relu, nullptr, domain},
      {"QLinearMul", 1, import_q_linear_mul, nullptr, domain},
      {"QLinearSigmoid", 1, import_q_linear_sigmoid, nullptr, domain},
      {"QLinearSoftmax", 1, import_q_linear_softmax, nullptr, domain},
      {"QuantizeLinear", 1, import_quantize_linear, nullptr, domain},
      {"QuickGelu", 1, import_quick_gelu, nullptr, domain},
      {"SkipLayerNormalization", 1, import_skip_layer_normalization, nullptr, domain},
  });
  return rows;
}

}  // namespace resnet::onnx
