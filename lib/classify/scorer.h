// Images in, the scores of the classes out, a batch at a time.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <variant>
#include <vector>

#include "lib/classify/endpoints.h"
#include "lib/image/image.h"
#include "lib/xnnpack/session.h"

namespace resnet {

// One image of a tensor that needs no preprocessing: its values start at `first`, in the order (C, H, W) or (H, W, C). The tensor
// has the dtype of the network's input.
struct Values {
  Tensor tensor;
  std::size_t first = 0, size = 0;
  bool channels_last = false;
  int width = 0, height = 0;
};

// An image that has the size in which the network is to see it.
using PreparedImage = std::variant<image::Pixels, Values>;
int width_of(const PreparedImage& image);
int height_of(const PreparedImage& image);
bool have_same_size(const PreparedImage& a, const PreparedImage& b);
// How many values of a tensor are not finite: no network can make anything of them, an activation may hide them, and the answer
// would look like one.
std::int64_t not_finite(const PreparedImage& image);
// What is wrong with an image of this size, which the preprocessing has given it; nothing where the network takes it.
std::optional<std::string> wrong_size(const ImageInput& input, const Preprocessing& preprocessing, std::int64_t width,
                                      std::int64_t height);

// The images of a tensor of shape (C, H, W), (N, C, H, W), or the network's own (N, H, W, C) or (H, W, C). Floating-point values
// of another precision become float, whole numbers from 0 to 255 levels. Throws Error(mismatch) where it does not fit the input.
std::vector<Values> split(const Tensor& tensor, const ImageInput& input);

// The scores of a batch: row i holds those of image i.
struct Scores {
  std::size_t classes = 0;
  std::vector<float> values;
  std::span<const float> row(std::size_t image) const { return std::span(values).subspan(image * classes, classes); }
};

// A session with the knowledge where its images and scores are. One caller at a time.
class Scorer {
 public:
  // `pool` outlives the scorer. Throws Error(unsupported) where the graph does not classify images, or check_batch() refuses it.
  Scorer(std::shared_ptr<const xnnpack::Plan> plan, ThreadPool& pool);

  const ImageInput& input() const { return input_; }
  const ScoreOutput& output() const { return output_; }
  // The most images that one run takes: the graph's own batch where it is fixed, 1 where the images of a batch would change each
  // other's answers, else `wanted`.
  std::size_t batch_size(std::size_t wanted) const;

  // Images of one size, at least one and at most the graph's batch; a fixed batch that they do not fill is filled with zeros.
  // Pixels are normalised as `preprocessing` says. Scores that have a height and a width are averaged over them. Throws
  // Error(mismatch) where the network does not take images of this size.
  Scores run(std::span<const PreparedImage> images, const Preprocessing& preprocessing);

  // Another output of the last run, as the graph has it: (N, ...), and N.
  const Tensor& other_output(std::size_t index) const { return session_.output(index); }
  std::size_t batch() const { return batch_; }

 private:
  void fill(std::span<const PreparedImage> images, const Preprocessing& preprocessing);

  ImageInput input_;
  ScoreOutput output_;
  bool alone_;  // whether images are run one at a time
  std::size_t batch_ = 1;
  xnnpack::Session session_;
};

}  // namespace resnet
