#include "lib/train/augment.h"

#include <algorithm>
#include <cmath>

#include "lib/base/error.h"

namespace resnet::train {

namespace {

constexpr int cifar_padding = 4;

// Jacobi's rotations: `a` becomes diagonal, the columns of `v` its eigenvectors.
void diagonalize(std::array<std::array<double, 3>, 3>& a, std::array<std::array<double, 3>, 3>& v) {
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j) v[i][j] = i == j ? 1 : 0;
  }
  for (int sweep = 0; sweep < 30; ++sweep) {
    for (const auto& [p, q] : {std::pair<std::size_t, std::size_t>{0, 1}, {0, 2}, {1, 2}}) {
      if (a[p][q] == 0) continue;
      const double theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
      const double t = (theta >= 0 ? 1 : -1) / (std::abs(theta) + std::sqrt(theta * theta + 1));
      const double c = 1 / std::sqrt(t * t + 1), s = t * c;
      for (std::size_t k = 0; k < 3; ++k) {
        const double kp = a[k][p], kq = a[k][q];
        a[k][p] = c * kp - s * kq;
        a[k][q] = s * kp + c * kq;
      }
      for (std::size_t k = 0; k < 3; ++k) {
        const double pk = a[p][k], qk = a[q][k];
        a[p][k] = c * pk - s * qk;
        a[q][k] = s * pk + c * qk;
      }
      for (std::size_t k = 0; k < 3; ++k) {
        const double kp = v[k][p], kq = v[k][q];
        v[k][p] = c * kp - s * kq;
        v[k][q] = s * kp + c * kq;
      }
    }
  }
}

// The middle of the picture at the size that the network sees, where it does not have it already.
image::Pixels fitted(const image::Pixels& pixels, const View& view) {
  if (pixels.width == view.width && pixels.height == view.height) return pixels;
  const int side = std::max(view.width, view.height);
  const image::Size resized = image::shorter_side_size(pixels, side);
  return image::resize_shorter_side_and_crop(pixels, side, (resized.width - view.width) / 2, (resized.height - view.height) / 2,
                                             view.width, view.height, view.preprocessing.interpolation);
}

// The network's input of a picture of its size.
void normalize(const image::Pixels& pixels, const View& view, std::span<float> slot) {
  image::normalize_nchw(pixels, view.preprocessing, slot);
  for (std::size_t i = 0; i < view.pixel_mean.size(); ++i) slot[i] -= view.pixel_mean[i];
}

// Every row reversed where `mirrored`, the picture moved by (dx, dy); what was outside of it is 0, the mean.
void move(std::span<float> slot, int height, int width, int dx, int dy, bool mirrored) {
  std::vector<float> moved(slot.size());
  for (int c = 0; c < 3; ++c) {
    const std::size_t plane = static_cast<std::size_t>(c) * static_cast<std::size_t>(height) * static_cast<std::size_t>(width);
    for (int y = 0; y < height; ++y) {
      if (y + dy < 0 || y + dy >= height) continue;
      for (int x = 0; x < width; ++x) {
        const int from = (mirrored ? width - 1 - x : x) + dx;
        if (from < 0 || from >= width) continue;
        moved[plane + static_cast<std::size_t>(y * width + x)] = slot[plane + static_cast<std::size_t>((y + dy) * width + from)];
      }
    }
  }
  std::copy(moved.begin(), moved.end(), slot.begin());
}

constexpr double most_level = 255;

// An amount of each principal component, normal with a deviation of 0.1 times its eigenvalue, in 0..1.
void shift_colors(const View& view, Draws& draws, std::span<float> slot) {
  std::array<double, 3> shift = {};
  for (std::size_t k = 0; k < 3; ++k) {
    const double amount = 0.1 * draws.normal() * view.colors.eigenvalues[k] * most_level;
    for (std::size_t c = 0; c < 3; ++c) shift[c] += amount * view.colors.directions[k][c];
  }
  if (view.preprocessing.channel_order == ChannelOrder::bgr) std::swap(shift[0], shift[2]);
  const std::size_t plane = slot.size() / 3;
  for (std::size_t c = 0; c < 3; ++c) {
    const auto by = static_cast<float>(shift[c] * static_cast<double>(view.preprocessing.scale) /
                                       static_cast<double>(view.preprocessing.std[c]));
    for (float& value : slot.subspan(c * plane, plane)) value += by;
  }
}

}  // namespace

ColorComponents color_components(const Examples& examples, std::size_t most) {
  std::array<double, 3> sum = {};
  std::array<std::array<double, 3>, 3> products = {};
  double count = 0;
  const std::size_t chosen = std::min(most, examples.size());
  for (std::size_t i = 0; i < chosen; ++i) {
    image::Pixels pixels;
    try {
      pixels = examples.pixels(i * examples.size() / chosen);
    } catch (const Error&) {
      continue;  // who learns from it is told
    }
    // Each picture weighs the same, whatever its size.
    const double weight = 3.0 / static_cast<double>(pixels.rgb.size());
    for (std::size_t p = 0; p + 2 < pixels.rgb.size(); p += 3) {
      for (std::size_t a = 0; a < 3; ++a) {
        sum[a] += weight * pixels.rgb[p + a];
        for (std::size_t b = 0; b < 3; ++b) products[a][b] += weight * pixels.rgb[p + a] * pixels.rgb[p + b];
      }
    }
    count += 1;
  }
  ColorComponents result;
  if (count == 0) return result;
  for (std::size_t a = 0; a < 3; ++a) {
    for (std::size_t b = 0; b < 3; ++b) products[a][b] = products[a][b] / count - sum[a] * sum[b] / (count * count);
  }
  std::array<std::array<double, 3>, 3> vectors = {};
  diagonalize(products, vectors);
  std::array<std::size_t, 3> order = {0, 1, 2};
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return products[a][a] > products[b][b]; });
  for (std::size_t k = 0; k < 3; ++k) {
    result.eigenvalues[k] = std::max(0.0, products[order[k]][order[k]]) / (most_level * most_level);
    for (std::size_t c = 0; c < 3; ++c) result.directions[k][c] = vectors[c][order[k]];
  }
  return result;
}

ColorComponents published_color_components() {
  return {.directions = {{{-0.5675, -0.5808, -0.5836}, {0.7192, -0.0045, -0.6948}, {0.4009, -0.8140, 0.4203}}},
          .eigenvalues = {0.2175, 0.0188, 0.0045}};
}

void test_view(const image::Pixels& pixels, const View& view, std::span<float> slot) {
  normalize(fitted(image::prepare(pixels, view.preprocessing), view), view, slot);
}

void training_view(const image::Pixels& pixels, const View& view, Draws& draws, std::span<float> slot) {
  switch (view.augmentation) {
    case Augmentation::none: return test_view(pixels, view, slot);
    case Augmentation::cifar: {
      normalize(fitted(pixels, view), view, slot);
      const auto offset = [&] { return static_cast<int>(draws.below(2 * cifar_padding + 1)) - cifar_padding; };
      const int dx = offset(), dy = offset();
      move(slot, view.height, view.width, dx, dy, draws.below(2) == 1);
      return;
    }
    case Augmentation::imagenet: {
      const int crop = std::max(view.height, view.width);
      const int least = crop * 256 / 224, most = crop * 480 / 224;
      const int side = least + static_cast<int>(draws.below(static_cast<std::uint64_t>(most - least + 1)));
      const image::Size resized = image::shorter_side_size(pixels, side);
      const auto place = [&](int length, int part) {
        return static_cast<int>(draws.below(static_cast<std::uint64_t>(length - part + 1)));
      };
      const int left = place(resized.width, view.width), top = place(resized.height, view.height);
      image::Pixels part =
          image::resize_shorter_side_and_crop(pixels, side, left, top, view.width, view.height, view.preprocessing.interpolation);
      if (draws.below(2) == 1) part = image::mirrored(part);
      normalize(part, view, slot);
      return shift_colors(view, draws, slot);
    }
  }
}

}  // namespace resnet::train
