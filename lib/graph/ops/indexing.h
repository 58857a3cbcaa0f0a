// Operators that choose elements by index, put them there, or order them.
#pragma once

#include <array>

#include "lib/graph/op_traits.h"

namespace resnet {

// data, indices: along one axis, an index for each element of the output.
struct GatherElements {
  static constexpr OpTraits traits{"GatherElements", {2, 2}, {1, 1}, Effect::copies, 11};
  std::int64_t axis = 0;
  static constexpr auto attributes() { return attributes_are(attribute("axis", &GatherElements::axis)); }
  friend bool operator==(const GatherElements&, const GatherElements&) = default;
};
// data, indices: the last dim of indices is an index into data's axes after the batch_dims first ones.
struct GatherND {
  static constexpr OpTraits traits{"GatherND", {2, 2}, {1, 1}, Effect::copies, 11};
  std::int64_t batch_dims = 0;
  static constexpr auto attributes() { return attributes_are(attribute("batch_dims", &GatherND::batch_dims, 12)); }
  friend bool operator==(const GatherND&, const GatherND&) = default;
};
// What is done to an element where another is put.
enum class ScatterReduction : std::uint8_t { none, add, mul, max, min };
constexpr auto words_of(ScatterReduction) {
  using R = ScatterReduction;
  return std::to_array<Word<R>>({{R::none, "none"}, {R::add, "add"}, {R::mul, "mul"}, {R::max, "max"}, {R::min, "min"}});
}
// data, indices, updates.
struct ScatterElements {
  static constexpr OpTraits traits{"ScatterElements", {3, 3}, {1, 1}, Effect::copies, 11};
  std::int64_t axis = 0;
  ScatterReduction reduction = ScatterReduction::none;
  static constexpr auto attributes() {
    return attributes_are(attribute("axis", &ScatterElements::axis), attribute("reduction", &ScatterElements::reduction, 16));
  }
  friend bool operator==(const ScatterElements&, const ScatterElements&) = default;
};
// data, indices, updates.
struct ScatterND {
  static constexpr OpTraits traits{"ScatterND", {3, 3}, {1, 1}, Effect::copies, 11};
  ScatterReduction reduction = ScatterReduction::none;
  static constexpr auto attributes() { return attributes_are(attribute("reduction", &ScatterND::reduction, 16)); }
  friend bool operator==(const ScatterND&, const ScatterND&) = default;
};
// X, K (one int64; an input since version 10) -> Values, Indices (int64). Of equal values the lower index comes first.
struct TopK {
  static constexpr OpTraits traits{"TopK", {2, 2}, {1, 2}};
  std::int64_t axis = -1;
  bool largest = true;
  bool sorted = true;
  static constexpr auto attributes() {
    return attributes_are(attribute("axis", &TopK::axis), attribute("largest", &TopK::largest, 11),
                          attribute("sorted", &TopK::sorted, 11));
  }
  friend bool operator==(const TopK&, const TopK&) = default;
};
// indices, depth, values (off, on): a new axis on which the index's place is on.
struct OneHot {
  static constexpr OpTraits traits{"OneHot", {3, 3}, {1, 1}, Effect::computes, 9};
  std::int64_t axis = -1;
  static constexpr auto attributes() { return attributes_are(attribute("axis", &OneHot::axis)); }
  friend bool operator==(const OneHot&, const OneHot&) = default;
};
// x, axis (one number): running sums.
struct CumSum {
  static constexpr OpTraits traits{"CumSum", {2, 2}, {1, 1}, Effect::computes, 11};
  bool exclusive = false;
  bool reverse = false;
  static constexpr auto attributes() {
    return attributes_are(attribute("exclusive", &CumSum::exclusive), attribute("reverse", &CumSum::reverse));
  }
  friend bool operator==(const CumSum&, const CumSum&) = default;
};
// start, limit, delta (scalars): start, start + delta, ... below limit.
struct Range {
  static constexpr OpTraits traits{"Range", {3, 3}, {1, 1}, Effect::computes, 11};
  friend bool operator==(const Range&, const Range&) = default;
};
// How many elements the input has, as int64.
struct Size {
  static constexpr OpTraits traits{"Size", {1, 1}, {1, 1}};
  friend bool operator==(const Size&, const Size&) = default;
};
// Sums of products over the indices that the output does not have: "bhid,bhjd->bhij", with ellipsis.
struct Einsum {
  static constexpr OpTraits traits{"Einsum", {1, OpTraits::any}, {1, 1}, Effect::computes, 12};
  std::string equation = {};
  static constexpr auto attributes() { return attributes_are(required_attribute("equation", &Einsum::equation)); }
  friend bool operator==(const Einsum&, const Einsum&) = default;
};
std::vector<Fact> infer(const GatherElements& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const GatherND& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const ScatterElements& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const ScatterND& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const TopK& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const OneHot& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const CumSum& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const Range& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const Size& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const Einsum& op, const Facts& inputs, std::size_t outputs);

// An equation taken apart: the index of each axis, as numbers from 0 on. An ellipsis's axes have indices of their own.
struct EinsumIndices {
  std::vector<std::vector<std::size_t>> inputs;
  std::vector<std::size_t> output;
  std::size_t count = 0;  // of indices
};
// Throws Error(malformed) where it is not an equation, or does not fit inputs of these ranks.
EinsumIndices einsum_indices(const std::string& equation, const std::vector<std::size_t>& ranks);

}  // namespace resnet
