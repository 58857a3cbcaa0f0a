// Operators that make values: Input, Constant, ConstantOfShape, Shape, Cast, Identity, Dropout.
#pragma once

#include "lib/graph/op_traits.h"

namespace resnet {

// An input of the graph; its fact is given to Graph::add_input.
struct Input {
  static constexpr OpTraits traits{"Input", {0, 0}, {1, 1}};
  friend bool operator==(const Input&, const Input&) = default;
};
// An initializer or a Constant node.
struct Constant {
  static constexpr OpTraits traits{"Constant", {0, 0}, {1, 1}};
  Tensor value;
  static constexpr auto attributes() { return attributes_are(attribute("value", &Constant::value)); }
  friend bool operator==(const Constant&, const Constant&) = default;
};
// shape (int64) -> that shape filled with `value`, a tensor of one element.
struct ConstantOfShape {
  static constexpr OpTraits traits{"ConstantOfShape", {1, 1}, {1, 1}, Effect::computes, 9};
  Tensor value = Tensor::from<float>(Shape{1}, {0.0f});
  static constexpr auto attributes() { return attributes_are(attribute("value", &ConstantOfShape::value)); }
  friend bool operator==(const ConstantOfShape&, const ConstantOfShape&) = default;
};
// The dims [start, end) of the input, as int64. Since version 15 with start and end.
struct ShapeOf {
  static constexpr OpTraits traits{"Shape", {1, 1}, {1, 1}};
  std::int64_t start = 0;
  std::optional<std::int64_t> end;
  static constexpr auto attributes() {
    return attributes_are(attribute("start", &ShapeOf::start, 15), attribute("end", &ShapeOf::end, 15));
  }
  friend bool operator==(const ShapeOf&, const ShapeOf&) = default;
};
struct Cast {
  static constexpr OpTraits traits{"Cast", {1, 1}, {1, 1}, Effect::keeps_values};
  DType to = DType::float32;
  static constexpr auto attributes() { return attributes_are(required_attribute("to", &Cast::to)); }
  friend bool operator==(const Cast&, const Cast&) = default;
};
struct Identity {
  static constexpr OpTraits traits{"Identity", {1, 1}, {1, 1}, Effect::keeps_values};
  friend bool operator==(const Identity&, const Identity&) = default;
};
// data, optional ratio, optional training_mode (inputs since version 12) -> data, optional mask (bool). Inference only.
struct Dropout {
  static constexpr OpTraits traits{"Dropout", {1, 3}, {1, 2}, Effect::keeps_values};
  std::optional<std::int64_t> seed;
  static constexpr auto attributes() { return attributes_are(attribute("seed", &Dropout::seed, 12)); }
  friend bool operator==(const Dropout&, const Dropout&) = default;
};
std::vector<Fact> infer(const Input& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const Constant& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const ConstantOfShape& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const ShapeOf& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const Cast& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const Identity& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const Dropout& op, const Facts& inputs, std::size_t outputs);

}  // namespace resnet
