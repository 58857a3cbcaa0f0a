// The views of a photo that a network is shown: the paper's ways of testing (section 3.4).
#pragma once

#include <cstdint>
#include <vector>

#include "lib/base/words.h"
#include "lib/image/image.h"

namespace resnet {

// center: the middle. ten: the four corners and the middle, and their mirror images (AlexNet's standard 10-crop testing). full:
// the whole photo and its mirror image, for a network that is fully convolutional.
enum class Crop : std::uint8_t { center, ten, full };
constexpr auto words_of(Crop) {
  return std::to_array<Word<Crop>>({{Crop::center, "center"}, {Crop::ten, "ten"}, {Crop::full, "full"}});
}

struct ViewOptions {
  Crop crop = Crop::center;
  // Lengths of the shorter side, each of which gives its own views; empty: the preprocessing's.
  std::vector<int> scales = {};
};

// How many views each photo has.
std::size_t views_per_photo(const ViewOptions& options);

// Scale by scale, in the order above; of the preprocessing only its sizes are used. Throws Error(mismatch) where ten crops do
// not fit into the photo.
std::vector<image::Pixels> views_of(const image::Pixels& photo, const Preprocessing& preprocessing, const ViewOptions& options);

}  // namespace resnet
