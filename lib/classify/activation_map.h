// Where a network looked: class activation maps ('Learning Deep Features for Discriminative Localization', Zhou et al. 2016),
// which a residual network's average pool and linear classifier give exactly.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lib/image/image.h"
#include "lib/tensor/tensor.h"

namespace resnet {

// The class's score before its bias is the mean of these values.
struct ActivationMap {
  std::int64_t index = 0;  // of the class
  int width = 0, height = 0;
  std::vector<float> values;  // row by row
};

// The sum over the channels of the class's weight times the channel's map. `weights`: (classes, C); `maps`: C maps of height x
// width.
ActivationMap activation_map(const Tensor& weights, std::int64_t index, std::span<const float> maps, int width, int height);

// The photo in grey with the map over it, from blue (its least value) to red (its largest).
image::Pixels overlay(const image::Pixels& photo, const ActivationMap& map);

}  // namespace resnet
