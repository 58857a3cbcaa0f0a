// Resize, and how its positions map (Upsample is read as Resize).
#pragma once

#include <array>

#include "lib/graph/op_traits.h"

namespace resnet {

// X, optional roi, optional scales, optional sizes; lists of one entry for each axis, or for each of `axes`.
struct Resize {
  enum class Mode : std::uint8_t { nearest, linear, cubic };
  enum class Transformation : std::uint8_t {
    half_pixel,
    half_pixel_symmetric,
    pytorch_half_pixel,
    align_corners,
    asymmetric,
    tf_half_pixel_for_nn,
    tf_crop_and_resize,
  };
  enum class Nearest : std::uint8_t { round_prefer_floor, round_prefer_ceil, floor, ceil };
  enum class Policy : std::uint8_t { stretch, not_larger, not_smaller };
  static constexpr OpTraits traits{"Resize", {1, 4}, {1, 1}, Effect::computes, 10};
  bool antialias = false;
  std::vector<std::int64_t> axes{};
  Transformation coordinate_transformation_mode = Transformation::half_pixel;
  float cubic_coeff_a = -0.75f;
  bool exclude_outside = false;
  float extrapolation_value = 0.0f;
  Policy keep_aspect_ratio_policy = Policy::stretch;
  Mode mode = Mode::nearest;
  Nearest nearest_mode = Nearest::round_prefer_floor;
  static constexpr auto attributes() {
    return attributes_are(attribute("antialias", &Resize::antialias, 18), attribute("axes", &Resize::axes, 18),
                          attribute("coordinate_transformation_mode", &Resize::coordinate_transformation_mode, 11),
                          attribute("cubic_coeff_a", &Resize::cubic_coeff_a, 11),
                          attribute("exclude_outside", &Resize::exclude_outside, 11),
                          attribute("extrapolation_value", &Resize::extrapolation_value, 11),
                          attribute("keep_aspect_ratio_policy", &Resize::keep_aspect_ratio_policy, 18),
                          attribute("mode", &Resize::mode), attribute("nearest_mode", &Resize::nearest_mode, 11));
  }
  friend bool operator==(const Resize&, const Resize&) = default;
};
constexpr auto words_of(Resize::Mode) {
  return std::to_array<Word<Resize::Mode>>(
      {{Resize::Mode::nearest, "nearest"}, {Resize::Mode::linear, "linear"}, {Resize::Mode::cubic, "cubic"}});
}
constexpr auto words_of(Resize::Transformation) {
  using T = Resize::Transformation;
  return std::to_array<Word<T>>({{T::half_pixel, "half_pixel"},
                                 {T::half_pixel_symmetric, "half_pixel_symmetric"},
                                 {T::pytorch_half_pixel, "pytorch_half_pixel"},
                                 {T::align_corners, "align_corners"},
                                 {T::asymmetric, "asymmetric"},
                                 {T::tf_half_pixel_for_nn, "tf_half_pixel_for_nn"},
                                 {T::tf_crop_and_resize, "tf_crop_and_resize"}});
}
constexpr auto words_of(Resize::Nearest) {
  using N = Resize::Nearest;
  return std::to_array<Word<N>>({{N::round_prefer_floor, "round_prefer_floor"},
                                 {N::round_prefer_ceil, "round_prefer_ceil"},
                                 {N::floor, "floor"},
                                 {N::ceil, "ceil"}});
}
constexpr auto words_of(Resize::Policy) {
  using P = Resize::Policy;
  return std::to_array<Word<P>>({{P::stretch, "stretch"}, {P::not_larger, "not_larger"}, {P::not_smaller, "not_smaller"}});
}
std::vector<Fact> infer(const Resize& op, const Facts& inputs, std::size_t outputs);

// One axis of a Resize: `scale` is the factor that positions are counted by.
struct ResizedAxis {
  std::int64_t in = 1, out = 1;
  double scale = 1, roi_start = 0, roi_end = 1;
};
// Every axis of `shape`. `roi`, `scales` and `sizes` are what the inputs hold, empty where they are left out or have no elements.
// Throws Error(malformed) where none or both of scales and sizes are given, or they do not fit.
std::vector<ResizedAxis> resized_axes(const Resize& op, const Shape& shape, const std::vector<double>& roi,
                                      const std::vector<double>& scales, const std::vector<std::int64_t>& sizes);

}  // namespace resnet
