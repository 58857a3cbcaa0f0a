// Operators that divide, repeat and rearrange a tensor: Split, Tile, DepthToSpace, SpaceToDepth, Trilu.
#pragma once

#include <array>

#include "lib/graph/op_traits.h"

namespace resnet {

// input, optional split (the sizes; an input since version 13). Without: num_outputs (or as many as there are) equal parts, the
// last one smaller where they do not divide.
struct Split {
  static constexpr OpTraits traits{"Split", {1, 2}, {1, OpTraits::any}, Effect::copies};
  std::int64_t axis = 0;
  std::int64_t num_outputs = 0;
  static constexpr auto attributes() {
    return attributes_are(axis_attribute("axis", &Split::axis), attribute("num_outputs", &Split::num_outputs, 18));
  }
  friend bool operator==(const Split&, const Split&) = default;
};
// input, repeats (one for each axis).
struct Tile {
  static constexpr OpTraits traits{"Tile", {2, 2}, {1, 1}, Effect::copies};
  friend bool operator==(const Tile&, const Tile&) = default;
};
// Blocks of channels become blocks of positions. DCR: the channel is the last of (row, column, channel); CRD: the first.
struct DepthToSpace {
  enum class Mode : std::uint8_t { dcr, crd };
  static constexpr OpTraits traits{"DepthToSpace", {1, 1}, {1, 1}, Effect::permutes};
  std::int64_t blocksize = 1;
  Mode mode = Mode::dcr;
  static constexpr auto attributes() {
    return attributes_are(required_attribute("blocksize", &DepthToSpace::blocksize), attribute("mode", &DepthToSpace::mode, 11));
  }
  friend bool operator==(const DepthToSpace&, const DepthToSpace&) = default;
};
constexpr auto words_of(DepthToSpace::Mode) {
  return std::to_array<Word<DepthToSpace::Mode>>({{DepthToSpace::Mode::dcr, "DCR"}, {DepthToSpace::Mode::crd, "CRD"}});
}
struct SpaceToDepth {
  static constexpr OpTraits traits{"SpaceToDepth", {1, 1}, {1, 1}, Effect::permutes};
  std::int64_t blocksize = 1;
  static constexpr auto attributes() { return attributes_are(required_attribute("blocksize", &SpaceToDepth::blocksize)); }
  friend bool operator==(const SpaceToDepth&, const SpaceToDepth&) = default;
};
// input, optional k: what is above (or below) the k-th diagonal of each matrix stays, the rest is 0.
struct Trilu {
  static constexpr OpTraits traits{"Trilu", {1, 2}, {1, 1}, Effect::copies, 14};
  bool upper = true;
  static constexpr auto attributes() { return attributes_are(attribute("upper", &Trilu::upper)); }
  friend bool operator==(const Trilu&, const Trilu&) = default;
};
std::vector<Fact> infer(const Split& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const Tile& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const DepthToSpace& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const SpaceToDepth& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const Trilu& op, const Facts& inputs, std::size_t outputs);

}  // namespace resnet
