#include "lib/classify/classifier.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <new>
#include <utility>

#include "lib/base/error.h"
#include "lib/base/interrupt.h"
#include "lib/classify/prefetch.h"
#include "lib/classify/top_k.h"

namespace resnet {

namespace fs = std::filesystem;

namespace {

// What an error says, without the file's name in front.
std::string reason(const Error& error, const std::string& file) {
  std::string text = error.what();
  const std::string prefix = file + ": ";
  if (text.starts_with(prefix)) text.erase(0, prefix.size());
  return text;
}

void check_crop(const Preprocessing& preprocessing, const ImageInput& input) {
  if (!preprocessing.crop_size) return;
  const int crop = *preprocessing.crop_size;
  if ((input.height && *input.height != crop) || (input.width && *input.width != crop)) {
    throw Error(ErrorKind::usage, fmt::format("the preprocessing '{}' crops to {}x{} pixels, the model takes {}",
                                              preprocessing.name, crop, crop, input.to_string()));
  }
}

bool same_size(const PreparedImage& a, const PreparedImage& b) {
  return width_of(a) == width_of(b) && height_of(a) == height_of(b);
}

}  // namespace

Classifier::Classifier(std::shared_ptr<const xnnpack::Plan> plan, ThreadPool& pool, ClassifierOptions options)
    : options_(std::move(options)), scorer_(std::move(plan), pool) {
  check_crop(options_.preprocessing, scorer_.input());
}

std::vector<PreparedImage> Classifier::prepare(const fs::path& file) const {
  std::vector<PreparedImage> images;
  if (options_.load_tensor) {
    if (const std::optional<Tensor> tensor = options_.load_tensor(file)) {
      for (Values& values : split(*tensor, input())) images.emplace_back(std::move(values));
      return images;
    }
  }
  image::DecodeOptions decode_options;
  decode_options.exif = options_.preprocessing.exif;
  decode_options.max_pixels = options_.max_pixels;
  images.emplace_back(image::prepare(image::decode(file, decode_options), options_.preprocessing));
  return images;
}

std::vector<Classifier::Item> Classifier::load(const fs::path& file, std::size_t source) const {
  std::vector<Item> items;
  const std::string name = file.string();
  const auto failed = [&](std::string why) {
    items.clear();
    items.push_back({{source, name, std::move(why), {}}, {}});
  };
  try {
    std::vector<PreparedImage> images = prepare(file);
    for (std::size_t i = 0; i < images.size(); ++i) {
      items.push_back({{source, images.size() == 1 ? name : fmt::format("{}[{}]", name, i), {}, {}}, std::move(images[i])});
    }
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::bad_input) throw;
    failed(reason(error, name));
  } catch (const std::bad_alloc&) {
    failed("is too large for the memory");
  }
  return items;
}

void Classifier::fill_predictions(std::span<const float> scores, Result& result) const {
  if (std::any_of(scores.begin(), scores.end(), [](float score) { return std::isnan(score); })) {
    result.error = "the model's scores are not all numbers (NaN)";
    return;
  }
  const bool probabilities = output().probabilities;
  const std::vector<double> softened = probabilities ? std::vector<double>() : softmax(scores);
  for (const std::int64_t index : top_k(scores, options_.top_k)) {
    const auto i = static_cast<std::size_t>(index);
    const double score = static_cast<double>(scores[i]);
    result.predictions.push_back(
        {index, probabilities ? score : softened[i], probabilities ? std::nullopt : std::optional(score)});
  }
}

// Fills in the results of those items that have an image; all have the same size.
void Classifier::score(std::vector<Item>& items) {
  std::vector<PreparedImage> images;
  for (Item& item : items) {
    if (!item.result.error) images.push_back(std::move(item.image));
  }
  if (images.empty()) return;
  Scores scores;
  std::optional<std::string> error;
  try {
    scores = scorer_.run(images, options_.preprocessing);
  } catch (const Error& refused) {
    if (refused.kind() != ErrorKind::bad_input) throw;
    error = refused.what();
  }
  std::size_t row = 0;
  for (Item& item : items) {
    if (item.result.error) continue;
    if (error) {
      item.result.error = error;
    } else {
      fill_predictions(scores.row(row++), item.result);
    }
  }
}

void Classifier::classify(std::span<const fs::path> files, const std::function<void(Result&&)>& deliver,
                          const std::atomic<bool>* stop) {
  const auto stopped = [stop] { return interrupted() || (stop != nullptr && stop->load()); };
  const std::size_t batch_size = scorer_.batch_size(options_.batch_size);
  // One file alone gains nothing from a thread.
  const std::size_t threads = files.size() == 1 ? 0 : std::max<std::size_t>(1, options_.decode_threads);
  Prefetch<std::vector<Item>> loaded(
      files.size(), [&](std::size_t index) { return load(files[index], index); }, threads, batch_size + threads);

  std::vector<Item> waiting;  // for its batch to be full, with the errors in between
  std::size_t images = 0;
  const auto flush = [&] {
    score(waiting);
    for (Item& item : waiting) {
      if (stopped()) break;
      deliver(std::move(item.result));
    }
    waiting.clear();
    images = 0;
  };
  const auto first_image = [&] {
    return std::find_if(waiting.begin(), waiting.end(), [](const Item& item) { return !item.result.error; });
  };
  while (std::optional<std::vector<Item>> items = loaded.next(stopped)) {
    for (Item& item : *items) {
      if (stopped()) break;
      const bool is_image = !item.result.error;
      if (is_image && images > 0 && !same_size(first_image()->image, item.image)) flush();
      images += is_image ? 1 : 0;
      waiting.push_back(std::move(item));
      if (images == 0 || images == batch_size) flush();
    }
  }
  if (!stopped()) flush();
  throw_if_interrupted();
}

std::vector<Result> Classifier::classify(std::span<const fs::path> files) {
  std::vector<Result> results;
  classify(files, [&results](Result&& result) { results.push_back(std::move(result)); });
  return results;
}

}  // namespace resnet
