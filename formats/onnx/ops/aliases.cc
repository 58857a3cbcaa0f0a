#include "formats/onnx/ops/ops.h"

namespace resnet::onnx {

ValueId put(NodeImport& node, const std::string& suffix, Op op, std::vector<ValueId> inputs) {
  const std::string name = node.names.fresh(node.name + "." + suffix);
  return node.graph.append(std::move(op), std::move(inputs), name, {name});
}

ValueId put_scalar(NodeImport& node, const std::string& suffix, float value) {
  const DType dtype = node.fact(0).dtype.value_or(DType::float32);
  return node.graph.add_constant(node.names.fresh(node.name + "." + suffix), dispatch(dtype, [&](auto zero) {
                                   using T = decltype(zero);
                                   using N = decltype(to_number(T{}));
                                   return Tensor::scalar(T(static_cast<N>(value)));
                                 }));
}

Op import_upsample(NodeImport& node);

namespace {

// A Cast once the type is known.
Op import_cast_like(NodeImport& node) {
  node.attributes.ignore("saturate");  // float8 only
  const auto to = node.fact(1).dtype;
  if (!to) throw Error(Fault::unsupported, "casts to a type that is not known");
  node.inputs.resize(1);
  return Cast{*to};
}

// x * scale + bias[channel]: of WinML and coremltools, never released by ONNX.
Op import_image_scaler(NodeImport& node) {
  const std::vector<float> bias = node.attributes.numbers("bias");
  const float scale = node.attributes.number("scale", 1.0f);
  const ValueId scaled = put(node, "scaled", Mul{}, {node.inputs[0], put_scalar(node, "scale", scale)});
  node.inputs = {scaled};
  node.set_input(1, "bias", Tensor::from(Shape{static_cast<std::int64_t>(bias.size()), 1, 1}, std::span<const float>(bias)));
  return Add{};
}

}  // namespace

std::span<const Alias> aliases() {
  static constexpr auto rows = std::to_array<Alias>({
      {"CastLike", 15, import_cast_like},
      {"ImageScaler", 1, import_image_scaler},
      {"Upsample", 1, import_upsample},
  });
  return rows;
}

}  // namespace resnet::onnx
