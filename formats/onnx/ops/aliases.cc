#include "formats/onnx/ops/ops.h"

namespace resnet::onnx {

ValueId put(NodeImport& node, const std::string& suffix, Op op, std::vector<ValueId> inputs) {
  const std::string name = node.names.fresh(node.name + "." + suffix);
  return node.graph.append(std::move(op), std::move(inputs), name, {name});
}

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
  node.set_scalar(1, "scale", scale);
  node.inputs = {put(node, "scaled", Mul{}, node.inputs)};
  node.set_input(1, "bias", Tensor::from(Shape{static_cast<std::int64_t>(bias.size()), 1, 1}, std::span<const float>(bias)));
  return Add{};
}

}  // namespace

std::span<const OpRow> aliases() {
  static constexpr auto rows = std::to_array<OpRow>({
      {"CastLike", 15, import_cast_like, nullptr},
      {"ImageScaler", 1, import_image_scaler, nullptr},
      {"Upsample", 1, import_upsample, nullptr},
  });
  return rows;
}

}  // namespace resnet::onnx
