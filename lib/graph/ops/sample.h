// GridSample and AffineGrid: images read at computed places.
#pragma once

#include <array>

#include "lib/graph/op_traits.h"

namespace resnet {

// X (N, C, spatial...), grid (N, spatial of the output..., axes): a place in [-1, 1] per output and axis, the last axis first.
struct GridSample {
  enum class Mode : std::uint8_t { linear, nearest, cubic };
  enum class Padding : std::uint8_t { zeros, border, reflection };
  static constexpr OpTraits traits{"GridSample", {2, 2}, {1, 1}, Effect::computes, 16};
  bool align_corners = false;
  Mode mode = Mode::linear;
  Padding padding_mode = Padding::zeros;
  static constexpr auto attributes() {
    return attributes_are(attribute("align_corners", &GridSample::align_corners), attribute("mode", &GridSample::mode),
                          attribute("padding_mode", &GridSample::padding_mode));
  }
  friend bool operator==(const GridSample&, const GridSample&) = default;
};
constexpr auto words_of(GridSample::Mode) {
  using M = GridSample::Mode;
  return std::to_array<Word<M>>({{M::linear, "linear"}, {M::nearest, "nearest"}, {M::cubic, "cubic"}});
}
constexpr auto words_of(GridSample::Padding) {
  using P = GridSample::Padding;
  return std::to_array<Word<P>>({{P::zeros, "zeros"}, {P::border, "border"}, {P::reflection, "reflection"}});
}
// theta (N, axes, axes + 1), size (N, C, spatial...): the grid of these matrices.
struct AffineGrid {
  static constexpr OpTraits traits{"AffineGrid", {2, 2}, {1, 1}, Effect::computes, 20};
  bool align_corners = false;
  static constexpr auto attributes() { return attributes_are(attribute("align_corners", &AffineGrid::align_corners)); }
  friend bool operator==(const AffineGrid&, const AffineGrid&) = default;
};
std::vector<Fact> infer(const GridSample& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const AffineGrid& op, const Facts& inputs, std::size_t outputs);

}  // namespace resnet
