// Operators that move elements: Transpose, Concat, Slice, Pad, Gather, Expand.
#pragma once

#include "lib/graph/op_traits.h"

namespace resnet {

// An empty perm reverses the axes.
struct Transpose {
  static constexpr OpTraits traits{"Transpose", {1, 1}, {1, 1}, Effect::permutes};
  std::vector<std::int64_t> perm;
  static constexpr auto attributes() { return attributes_are(attribute("perm", &Transpose::perm)); }
  friend bool operator==(const Transpose&, const Transpose&) = default;
};
struct Concat {
  static constexpr OpTraits traits{"Concat", {1, OpTraits::any}, {1, 1}, Effect::copies};
  std::int64_t axis = 0;
  static constexpr auto attributes() {
    return attributes_are(AttributeOf<Concat, std::int64_t>{"axis", &Concat::axis, 1, /*is_required=*/true, /*is_axis=*/true});
  }
  friend bool operator==(const Concat&, const Concat&) = default;
};
// data, starts, ends, optional axes, optional steps (inputs since version 10).
struct Slice {
  static constexpr OpTraits traits{"Slice", {3, 5}, {1, 1}, Effect::copies};
  friend bool operator==(const Slice&, const Slice&) = default;
};
// data, pads, optional constant_value, optional axes (inputs since version 11; axes since 18). Pads may be negative.
struct Pad {
  enum class Mode : std::uint8_t { constant, reflect, edge, wrap };
  static constexpr OpTraits traits{"Pad", {2, 4}, {1, 1}, Effect::copies};
  Mode mode = Mode::constant;
  static constexpr auto attributes() { return attributes_are(attribute("mode", &Pad::mode)); }
  friend bool operator==(const Pad&, const Pad&) = default;
};
struct Gather {
  static constexpr OpTraits traits{"Gather", {2, 2}, {1, 1}, Effect::copies};
  std::int64_t axis = 0;
  static constexpr auto attributes() { return attributes_are(attribute("axis", &Gather::axis)); }
  friend bool operator==(const Gather&, const Gather&) = default;
};
constexpr auto words_of(Pad::Mode) {
  return std::to_array<Word<Pad::Mode>>(
      {{Pad::Mode::constant, "constant"}, {Pad::Mode::reflect, "reflect"}, {Pad::Mode::edge, "edge"}, {Pad::Mode::wrap, "wrap"}});
}
// data, shape: broadcasts both ways.
struct Expand {
  static constexpr OpTraits traits{"Expand", {2, 2}, {1, 1}, Effect::copies, 8};
  friend bool operator==(const Expand&, const Expand&) = default;
};
std::vector<Fact> infer(const Transpose& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const Concat& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const Slice& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const Pad& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const Gather& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const Expand& op, const Facts& inputs, std::size_t outputs);

// perm with ONNX's default filled in, checked to be a permutation of `rank` axes.
std::vector<std::size_t> permutation_of(const Transpose& op, std::size_t rank);

// One entry per axis of the input, clamped as ONNX does: element i of the output is element start + i * step of the input.
struct SliceRange {
  std::int64_t start, step, count;
};
// `starts`, `ends`, `axes`, `steps` as the inputs hold them; empty axes and steps stand for ONNX's defaults. All dims of `shape`
// are numbers. Throws Error(malformed) for a step of 0, axes out of range or repeated, or lists of different lengths.
std::vector<SliceRange> slice_ranges(const Shape& shape, std::vector<std::int64_t> starts, std::vector<std::int64_t> ends,
                                     std::vector<std::int64_t> axes, std::vector<std::int64_t> steps);

// Begin and end padding per axis of the input, axes resolved. Throws Error(malformed) for lists of a wrong length.
struct AxisPads {
  std::int64_t begin, end;
};
std::vector<AxisPads> pads_per_axis(std::size_t rank, const std::vector<std::int64_t>& pads,
                                    const std::vector<std::int64_t>& axes);

}  // namespace resnet
