// Comparisons, logic, and choosing between values, with multidirectional broadcasting.
#pragma once

#include "lib/graph/op_traits.h"

namespace resnet {

struct Equal {
  static constexpr OpTraits traits{"Equal", {2, 2}, {1, 1}, Effect::elementwise};
  friend bool operator==(const Equal&, const Equal&) = default;
};
struct Greater {
  static constexpr OpTraits traits{"Greater", {2, 2}, {1, 1}, Effect::elementwise};
  friend bool operator==(const Greater&, const Greater&) = default;
};
struct GreaterOrEqual {
  static constexpr OpTraits traits{"GreaterOrEqual", {2, 2}, {1, 1}, Effect::elementwise, 12};
  friend bool operator==(const GreaterOrEqual&, const GreaterOrEqual&) = default;
};
struct Less {
  static constexpr OpTraits traits{"Less", {2, 2}, {1, 1}, Effect::elementwise};
  friend bool operator==(const Less&, const Less&) = default;
};
struct LessOrEqual {
  static constexpr OpTraits traits{"LessOrEqual", {2, 2}, {1, 1}, Effect::elementwise, 12};
  friend bool operator==(const LessOrEqual&, const LessOrEqual&) = default;
};
// Of booleans.
struct And {
  static constexpr OpTraits traits{"And", {2, 2}, {1, 1}, Effect::elementwise};
  friend bool operator==(const And&, const And&) = default;
};
struct Or {
  static constexpr OpTraits traits{"Or", {2, 2}, {1, 1}, Effect::elementwise};
  friend bool operator==(const Or&, const Or&) = default;
};
struct Xor {
  static constexpr OpTraits traits{"Xor", {2, 2}, {1, 1}, Effect::elementwise};
  friend bool operator==(const Xor&, const Xor&) = default;
};
struct Not {
  static constexpr OpTraits traits{"Not", {1, 1}, {1, 1}, Effect::elementwise};
  friend bool operator==(const Not&, const Not&) = default;
};
// Of numbers: whether each is NaN, or infinite.
struct IsNaN {
  static constexpr OpTraits traits{"IsNaN", {1, 1}, {1, 1}, Effect::elementwise, 9};
  friend bool operator==(const IsNaN&, const IsNaN&) = default;
};
struct IsInf {
  static constexpr OpTraits traits{"IsInf", {1, 1}, {1, 1}, Effect::elementwise, 10};
  bool detect_negative = true;
  bool detect_positive = true;
  static constexpr auto attributes() {
    return attributes_are(attribute("detect_negative", &IsInf::detect_negative),
                          attribute("detect_positive", &IsInf::detect_positive));
  }
  friend bool operator==(const IsInf&, const IsInf&) = default;
};
// condition (bool), X, Y: X where the condition holds, else Y.
struct Where {
  static constexpr OpTraits traits{"Where", {3, 3}, {1, 1}, Effect::elementwise, 9};
  friend bool operator==(const Where&, const Where&) = default;
};
std::vector<Fact> infer(const Equal& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const Greater& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const GreaterOrEqual& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const Less& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const LessOrEqual& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const And& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const Or& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const Xor& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const Not& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const IsNaN& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const IsInf& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const Where& op, const Facts& inputs, std::size_t outputs);

}  // namespace resnet
