// What every operator's struct says of itself; included by each ops/ header. The text dump, ONNX's import and export, .resnet
// files, the list of operators, and who asks whether an operator only changes the form of a value, all follow from it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "lib/base/words.h"
#include "lib/graph/fact.h"

namespace resnet {

// What an operator does to the values that pass through it.
enum class Effect : std::uint8_t {
  computes,      // anything else
  elementwise,   // an element of the output is computed from the same one of each input, which broadcast
  keeps_values,  // the same elements, perhaps of another type or precision; other inputs are scales and options
  reshapes,      // the first input's bytes under another shape
  permutes,      // the same elements in another order
  copies,        // elements of the inputs, some left out, repeated or joined by a constant
};

struct OpTraits {
  static constexpr std::size_t any = static_cast<std::size_t>(-1);
  struct Arity {
    std::size_t least, most;
  };
  std::string_view type;  // ONNX's name
  Arity inputs, outputs;
  Effect effect = Effect::computes;
  int since = 1;                    // the lowest opset, of its domain, that has it
  std::string_view domain = {};     // ONNX's own is empty
  std::uint32_t left_out_bits = 0;  // the inputs below inputs.least that may be left out, as bits
};

// An attribute of ONNX: its name, the member that holds it, and the opset that brought it. Its default is that of a default
// constructed operator. Members are integers, floats, flags, strings, lists, tensors, element types, enums with words
// (lib/base/words.h), std::optional of them, or a struct with attributes of its own, whose name here is then of no account.
template <typename Op, typename T>
struct AttributeOf {
  std::string_view name;
  T Op::*member;
  int since = 1;
  bool is_required = false;  // ONNX has no default for it
  bool is_axis = false;      // counted from the end where it is negative, which ONNX knows since opset 11
  bool is_own = false;       // ONNX says it by the version: dumped, but neither read nor written
};
template <typename Op, typename T>
constexpr AttributeOf<Op, T> attribute(std::string_view name, T Op::*member, int since = 1) {
  return {name, member, since};
}
template <typename Op, typename T>
constexpr AttributeOf<Op, T> required_attribute(std::string_view name, T Op::*member) {
  return {name, member, 1, true};
}
template <typename Op>
constexpr AttributeOf<Op, std::int64_t> axis_attribute(std::string_view name, std::int64_t Op::*member) {
  return {name, member, 1, false, true};
}
template <typename Op, typename T>
constexpr AttributeOf<Op, T> own_attribute(std::string_view name, T Op::*member) {
  return {name, member, 1, false, false, true};
}

// All of an operator's: what calls visit(attribute) for each, in the order in which files have them. A std::tuple would do, at
// half the time that the compiler takes for a file that knows the operators.
template <typename... Attributes>
constexpr auto attributes_are(Attributes... attributes) {
  return [=](const auto& visit) { (visit(attributes), ...); };
}

template <typename Op>
concept HasAttributes = requires {
  Op::attributes();
};

// Calls visit(attribute) for each of the operator's attributes.
template <typename Op, typename Visit>
constexpr void for_each_attribute(const Visit& visit) {
  if constexpr (HasAttributes<Op>) Op::attributes()(visit);
}

}  // namespace resnet
