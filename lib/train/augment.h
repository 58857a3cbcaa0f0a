// Pictures as a network sees them while it learns, and when it is tested.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "lib/base/random.h"
#include "lib/image/image.h"
#include "lib/model/preprocessing.h"
#include "lib/train/examples.h"

namespace resnet::train {

// cifar: the paper's section 4.2, 4 pixels padded on each side, a random crop, mirrored every other time. imagenet: section 3.4,
// the shorter side to a random length in [256, 480], a random crop of 224, mirrored every other time, and the colour augmentation
// of 'ImageNet Classification with Deep Convolutional Neural Networks' (Krizhevsky et al. 2012); other crops by the same ratio.
enum class Augmentation : std::uint8_t { none, cifar, imagenet };
constexpr auto words_of(Augmentation) {
  return std::to_array<Word<Augmentation>>(
      {{Augmentation::none, "none"}, {Augmentation::cifar, "cifar"}, {Augmentation::imagenet, "imagenet"}});
}

// From where the principal components come that imagenet's colours are shifted along: ImageNet's, as they were published, or
// those of the training pictures.
enum class Colors : std::uint8_t { published, data, none };
constexpr auto words_of(Colors) {
  return std::to_array<Word<Colors>>({{Colors::published, "published"}, {Colors::data, "data"}, {Colors::none, "none"}});
}

// The principal components of the pixels' colours: eigenvectors and eigenvalues of the covariance of red, green and blue in 0..1.
// A colour is shifted by 0.1 times a normal number times the eigenvalue along each (Krizhevsky et al. 2012, section 4.1).
struct ColorComponents {
  std::array<std::array<double, 3>, 3> directions = {};  // of red, green and blue, of length 1, the strongest first
  std::array<double, 3> eigenvalues = {};
};
// Of ImageNet's training pictures, as they go round since fb.resnet.torch (2015).
ColorComponents published_color_components();
// Of up to `most` of the examples, evenly chosen.
ColorComponents color_components(const Examples& examples, std::size_t most = 500);

struct View {
  Augmentation augmentation = Augmentation::none;
  int height = 32, width = 32;  // of what the network sees
  Preprocessing preprocessing;  // colours, and the resizing of test views
  Colors color_source = Colors::data;
  ColorComponents colors = {};  // of no length where colours stay
  // Subtracted from the network's input after all else: 3 x height x width in its units, or empty. What is outside of a picture
  // that is moved is 0 after that, which is the mean.
  std::vector<float> pixel_mean = {};
};

// NCHW floats of one image, 3 x height x width. Throws nothing: pictures of every size become one of that size.
void test_view(const image::Pixels& pixels, const View& view, std::span<float> slot);
void training_view(const image::Pixels& pixels, const View& view, Draws& draws, std::span<float> slot);

}  // namespace resnet::train
