// Photos and tensors in, the best classes out, in order: photos are decoded ahead of the executor.
#pragma once

#include <atomic>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lib/classify/scorer.h"

namespace resnet {

struct Prediction {
  std::int64_t index = 0;  // of the class
  double probability = 0;
  std::optional<double> logit;  // nothing where the network gives probabilities
  friend bool operator==(const Prediction&, const Prediction&) = default;
};

// What became of one image.
struct Result {
  std::size_t source = 0;               // the index of its file among the inputs
  std::string input;                    // the file's path as bytes; "x.npy[2]" for an image of a tensor that holds several
  std::optional<std::string> error;     // why there are no predictions; without the path
  std::vector<Prediction> predictions;  // best first
};

struct ClassifierOptions {
  std::size_t batch_size = 1;
  std::size_t top_k = 5;
  std::size_t decode_threads = physical_cores();
  Preprocessing preprocessing;
  std::int64_t max_pixels = image::DecodeOptions{}.max_pixels;
  // The tensor in a file that is no photo, nothing for a photo. Called on several threads at once; throws Error(bad_input).
  std::function<std::optional<Tensor>(const std::filesystem::path&)> load_tensor;
};

class Classifier {
 public:
  // `pool` outlives the classifier. Throws Error(unsupported) where the graph does not classify images, Error(usage) where the
  // preprocessing crops to another size than the network takes (see fit_to).
  Classifier(std::shared_ptr<const xnnpack::Plan> plan, ThreadPool& pool, ClassifierOptions options);

  const ImageInput& input() const { return scorer_.input(); }
  const ScoreOutput& output() const { return scorer_.output(); }

  // Calls deliver() for every image in the order of the files, as soon as its batch is done. A file that cannot be read is a
  // result with an error; the rest go on. Images of different sizes do not share a batch. Returns early, without the results that
  // are not yet delivered, where `stop` has become true. Throws Error(interrupted) where the user asked to stop, and what is
  // wrong with more than one file.
  void classify(std::span<const std::filesystem::path> files, const std::function<void(Result&&)>& deliver,
                const std::atomic<bool>* stop = nullptr);
  std::vector<Result> classify(std::span<const std::filesystem::path> files);

 private:
  // An image that has been read, or why it could not be.
  struct Item {
    Result result;
    PreparedImage image;
  };
  std::vector<Item> load(const std::filesystem::path& file, std::size_t source) const;
  std::vector<PreparedImage> prepare(const std::filesystem::path& file) const;
  void score(std::vector<Item>& items);
  void fill_predictions(std::span<const float> scores, Result& result) const;

  ClassifierOptions options_;
  Scorer scorer_;
};

}  // namespace resnet
