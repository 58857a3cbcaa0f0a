// Photos and tensors in, the best classes out, in order: photos are decoded ahead of the executor.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lib/base/stop.h"
#include "lib/classify/activation_map.h"
#include "lib/classify/prediction.h"
#include "lib/classify/scorer.h"
#include "lib/classify/views.h"

namespace resnet {

// What became of one image.
struct Result {
  std::size_t source = 0;               // the index of its file among the inputs
  std::size_t position = 0;             // of the image in a file that holds several
  std::string input;                    // the file's path as bytes; "x.npy[2]" for an image of a tensor that holds several
  std::optional<std::string> error;     // why there are no predictions; without the path
  std::vector<Prediction> predictions;  // best first
  // Where they are asked for, of the first member and the first view:
  std::vector<float> features;  // what the classifier multiplies, or another output
  std::vector<std::int64_t> feature_dims;
  std::optional<ActivationMap> map;    // of the likeliest class
  std::optional<image::Pixels> shown;  // the view itself; nothing for a tensor
};

// One network of an ensemble, and how photos are prepared for it.
struct Member {
  std::shared_ptr<const xnnpack::Plan> plan;
  Preprocessing preprocessing;
  // For features and maps (with_head_outputs): which outputs they are, and the classifier's (classes, C).
  std::optional<std::size_t> features_output = {}, map_output = {};
  std::optional<Tensor> class_weights = {};
  std::string name = "";  // in errors; empty: they name no model
};

// What is averaged over views and members: probabilities, or logits (of a network that gives probabilities: their logarithms) of
// which the softmax is taken then.
enum class Average : std::uint8_t { probability, logit };
constexpr auto words_of(Average) {
  return std::to_array<Word<Average>>({{Average::probability, "probability"}, {Average::logit, "logit"}});
}

struct ClassifierOptions {
  std::size_t batch_size =
      1;  // views that run at once, at least; all views of a photo are in one batch where their sizes allow it
  std::size_t top_k = 5;
  std::size_t decode_threads = physical_cores();
  Preprocessing preprocessing;  // of a single network
  ViewOptions views;
  Average average = Average::probability;
  bool keep_views = false;  // Result::shown
  std::int64_t max_pixels = image::DecodeOptions{}.max_pixels;
  Stop stop = {};
  // Counts photos that carry an EXIF orientation which a preparation does not heed.
  std::atomic<std::size_t>* unheeded_orientations = nullptr;
  // The tensor in a file that is not a photo, nothing for a photo. Called on several threads at once; throws Error(Role::input).
  std::function<std::optional<Tensor>(const std::filesystem::path&)> load_tensor;
  // The photos in a file that holds several, none for another file. As above.
  std::function<std::vector<image::Pixels>(const std::filesystem::path&)> load_photos;
};

class Classifier {
 public:
  // `pool` outlives the classifier. Throws Error(unsupported) where a graph does not classify images, Error(invalid) where a
  // preprocessing crops to another size than its network takes (see fit_to), or members have different numbers of classes.
  Classifier(const std::vector<Member>& members, ThreadPool& pool, ClassifierOptions options);
  Classifier(std::shared_ptr<const xnnpack::Plan> plan, ThreadPool& pool, ClassifierOptions options);

  // The first member's.
  const ImageInput& input() const { return members_.front().scorer.input(); }
  const ScoreOutput& output() const { return members_.front().scorer.output(); }

  // Calls deliver() for every image in the order of the files, as soon as its batch is done. A file that cannot be read is a
  // result with an error; the rest continue. Images of different sizes do not share a batch. Returns early, without the results
  // that are not yet delivered, where `stop` has become true. Throws Error(interrupted) where ClassifierOptions::stop is asked
  // for, and what is wrong with more than one file.
  void classify(std::span<const std::filesystem::path> files, const std::function<void(Result&&)>& deliver,
                const std::atomic<bool>* stop = nullptr);
  std::vector<Result> classify(std::span<const std::filesystem::path> files);

 private:
  // One network and one view: nothing is averaged.
  bool is_single() const { return members_.size() == 1 && views_per_photo(options_.views) == 1; }
  using Views = std::vector<PreparedImage>;
  struct Network {
    Scorer scorer;
    std::size_t preparation;  // index of its preprocessing
    std::optional<std::size_t> features_output, map_output;
    std::optional<Tensor> class_weights;
    std::string name;
  };
  // An image that has been read, or why it could not be.
  struct Item {
    Result result;
    std::vector<Views> views;  // by preparation
    std::vector<double> sums;  // of the scores of each class over what has been seen so far
    std::size_t seen = 0;
    Tensor maps;  // (C, H, W) of the first view
  };
  std::vector<Item> load(const std::filesystem::path& file, std::size_t source) const;
  std::vector<std::vector<Views>> prepare(const std::filesystem::path& file) const;
  std::vector<Views> prepare(const image::Pixels& photo, const std::optional<image::Pixels>& turned) const;
  bool averages_logits() const;
  void score(std::vector<Item>& items);
  void score(std::vector<Item>& items, Network& network);
  void add(std::span<const float> scores, bool probabilities, Item& item) const;
  void keep_head(const Network& network, std::size_t row, Item& item) const;
  void fill_predictions(Item& item) const;

  ClassifierOptions options_;
  std::vector<Preprocessing> preparations_;  // the different ones
  std::vector<Network> members_;
};

}  // namespace resnet
