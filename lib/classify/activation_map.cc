#include "lib/classify/activation_map.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace resnet {

namespace {

// Between the centres of the map's cells; beyond the outermost ones as they are.
double sample(const ActivationMap& map, double x, double y) {
  const double right = map.width - 1, bottom = map.height - 1;
  x = std::clamp(x, 0.0, right);
  y = std::clamp(y, 0.0, bottom);
  const int left = static_cast<int>(x), top = static_cast<int>(y);
  const int next = std::min(left + 1, map.width - 1), below = std::min(top + 1, map.height - 1);
  const double fx = x - left, fy = y - top;
  const auto at = [&](int column, int row) {
    return static_cast<double>(map.values[static_cast<std::size_t>(row * map.width + column)]);
  };
  return (at(left, top) * (1 - fx) + at(next, top) * fx) * (1 - fy) + (at(left, below) * (1 - fx) + at(next, below) * fx) * fy;
}

// 0 blue, by cyan, green and yellow to 1 red.
std::array<double, 3> color_of(double heat) {
  const auto ramp = [heat](double middle) { return std::clamp(1.5 - std::abs(4 * heat - middle), 0.0, 1.0); };
  return {255 * ramp(3), 255 * ramp(2), 255 * ramp(1)};
}

}  // namespace

ActivationMap activation_map(const Tensor& weights, std::int64_t index, std::span<const float> maps, int width, int height) {
  const auto channels = static_cast<std::size_t>(weights.shape()[1]);
  const std::vector<float> all = weights.dtype() == DType::float32 ? std::vector<float>() : weights.values_as<float>();
  const std::span<const float> rows = all.empty() ? weights.data<float>() : std::span<const float>(all);
  const std::span<const float> row = rows.subspan(static_cast<std::size_t>(index) * channels, channels);
  const auto positions = static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
  std::vector<double> sums(positions);
  for (std::size_t c = 0; c < channels; ++c) {
    for (std::size_t p = 0; p < positions; ++p)
      sums[p] += static_cast<double>(row[c]) * static_cast<double>(maps[c * positions + p]);
  }
  ActivationMap map{index, width, height, std::vector<float>(positions)};
  std::transform(sums.begin(), sums.end(), map.values.begin(), [](double sum) { return static_cast<float>(sum); });
  return map;
}

image::Pixels overlay(const image::Pixels& photo, const ActivationMap& map) {
  const auto [least, most] = std::minmax_element(map.values.begin(), map.values.end());
  const double range = static_cast<double>(*most) - static_cast<double>(*least);
  image::Pixels result = photo;
  for (int y = 0; y < photo.height; ++y) {
    for (int x = 0; x < photo.width; ++x) {
      const double value = sample(map, (x + 0.5) * map.width / photo.width - 0.5, (y + 0.5) * map.height / photo.height - 0.5);
      const std::array<double, 3> color = color_of(range > 0 ? (value - static_cast<double>(*least)) / range : 0);
      std::uint8_t* pixel =
          &result.rgb[(static_cast<std::size_t>(y) * static_cast<std::size_t>(photo.width) + static_cast<std::size_t>(x)) * 3];
      const double grey = 0.299 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2];
      for (std::size_t c = 0; c < 3; ++c) pixel[c] = static_cast<std::uint8_t>(std::lround(0.5 * grey + 0.5 * color[c]));
    }
  }
  return result;
}

}  // namespace resnet
