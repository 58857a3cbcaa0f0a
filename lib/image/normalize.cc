#include <array>
#include <cassert>

#include "lib/image/image.h"

namespace resnet::image {

namespace {

// What each of the 256 levels becomes in one channel of the network.
using Levels = std::array<float, 256>;

Levels levels_of(const Preprocessing& preprocessing, std::size_t channel) {
  Levels levels;
  const double scale = preprocessing.scale, mean = preprocessing.mean[channel], deviation = preprocessing.std[channel];
  for (std::size_t level = 0; level < levels.size(); ++level) {
    levels[level] = static_cast<float>((static_cast<double>(level) * scale - mean) / deviation);
  }
  return levels;
}

// The photo's channel (R, G, B) that is the network's channel `channel`.
std::size_t source_channel(const Preprocessing& preprocessing, std::size_t channel) {
  return preprocessing.channel_order == ChannelOrder::rgb ? channel : 2 - channel;
}

// `step` floats lie between a channel's values of neighbouring pixels, `channel_step` between the channels.
void normalize(const Pixels& pixels, const Preprocessing& preprocessing, std::span<float> slot, std::size_t step,
               std::size_t channel_step) {
  assert(slot.size() == pixels.rgb.size());
  for (std::size_t channel = 0; channel < 3; ++channel) {
    const Levels levels = levels_of(preprocessing, channel);
    const std::uint8_t* from = pixels.rgb.data() + source_channel(preprocessing, channel);
    float* to = slot.data() + channel * channel_step;
    for (std::size_t i = 0; i < pixels.rgb.size() / 3; ++i) to[i * step] = levels[from[i * 3]];
  }
}

}  // namespace

void normalize_nhwc(const Pixels& pixels, const Preprocessing& preprocessing, std::span<float> slot) {
  normalize(pixels, preprocessing, slot, 3, 1);
}

void normalize_nchw(const Pixels& pixels, const Preprocessing& preprocessing, std::span<float> slot) {
  normalize(pixels, preprocessing, slot, 1, slot.size() / 3);
}

std::vector<std::uint8_t> luminance(const Pixels& pixels) {
  std::vector<std::uint8_t> levels(pixels.rgb.size() / 3);
  for (std::size_t i = 0; i < levels.size(); ++i) {
    const std::uint8_t* rgb = pixels.rgb.data() + i * 3;
    // The weights in 65,536ths.
    levels[i] = static_cast<std::uint8_t>((rgb[0] * 19595u + rgb[1] * 38470u + rgb[2] * 7471u + 0x8000u) >> 16);
  }
  return levels;
}

void normalize_luminance(std::span<const std::uint8_t> levels, const Preprocessing& preprocessing, std::span<float> slot) {
  assert(slot.size() == levels.size());
  const Levels values = levels_of(preprocessing, 0);
  for (std::size_t i = 0; i < levels.size(); ++i) slot[i] = values[levels[i]];
}

}  // namespace resnet::image
