#include "lib/classify/classifier.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <new>
#include <utility>

#include "lib/base/error.h"
#include "lib/base/prefetch.h"
#include "lib/classify/top_k.h"

namespace resnet {

namespace fs = std::filesystem;

namespace {

void check_crop(const Preprocessing& preprocessing, const ImageInput& input) {
  if (!preprocessing.crop_size) return;
  const int high = *preprocessing.crop_size, wide = *crop_width_of(preprocessing);
  if ((input.height && *input.height != high) || (input.width && *input.width != wide)) {
    throw Error(Fault::invalid, fmt::format("the preprocessing '{}' crops to {}x{} pixels, the model takes {}",
                                            preprocessing.name, wide, high, input.to_string()));
  }
}

}  // namespace

Classifier::Classifier(const std::vector<Member>& members, ThreadPool& pool, ClassifierOptions options)
    : options_(std::move(options)) {
  std::optional<std::int64_t> classes;
  for (const Member& member : members) {
    auto found = std::find(preparations_.begin(), preparations_.end(), member.preprocessing);
    if (found == preparations_.end()) found = preparations_.insert(found, member.preprocessing);
    members_.push_back({Scorer(member.plan, pool), static_cast<std::size_t>(found - preparations_.begin()),
                        member.features_output, member.map_output, member.class_weights, member.name});
    const Scorer& scorer = members_.back().scorer;
    if (options_.views.crop != Crop::full) check_crop(member.preprocessing, scorer.input());
    const auto own = scorer.output().classes;
    if (classes && own && *classes != *own) {
      throw Error(Fault::invalid, fmt::format("the models have {} and {} classes, expected the same number", *classes, *own));
    }
    if (own) classes = own;
  }
}

Classifier::Classifier(std::shared_ptr<const xnnpack::Plan> plan, ThreadPool& pool, ClassifierOptions options)
    : Classifier({{std::move(plan), options.preprocessing}}, pool, options) {}

// The images of a file, each with its views by preparation.
std::vector<std::vector<Classifier::Views>> Classifier::prepare(const fs::path& file) const {
  std::vector<std::vector<Views>> images;
  if (options_.load_tensor) {
    if (const std::optional<Tensor> tensor = options_.load_tensor(file)) {
      for (Values& values : split(*tensor, input()))
        images.push_back(std::vector<Views>(preparations_.size(), Views{std::move(values)}));
      return images;
    }
  }
  if (options_.load_photos) {
    for (const image::Pixels& photo : options_.load_photos(file)) images.push_back(prepare(photo, std::nullopt));
    if (!images.empty()) return images;
  }
  const auto any = [&](bool exif) {
    return std::any_of(preparations_.begin(), preparations_.end(), [&](const Preprocessing& p) { return p.exif == exif; });
  };
  const auto decode = [&](bool exif) {
    return image::decode(file, {.exif = exif,
                                .max_pixels = options_.max_pixels,
                                .unheeded_orientations = options_.unheeded_orientations,
                                .stop = options_.stop});
  };
  images.push_back(prepare(any(false) ? decode(false) : image::Pixels{}, any(true) ? std::optional(decode(true)) : std::nullopt));
  return images;
}

// A photo's views by preparation; `turned`: as its EXIF orientation says, where that is asked for.
std::vector<Classifier::Views> Classifier::prepare(const image::Pixels& photo, const std::optional<image::Pixels>& turned) const {
  std::vector<Views> views;
  for (const Preprocessing& preprocessing : preparations_) {
    Views& list = views.emplace_back();
    const image::Pixels& chosen = preprocessing.exif && turned ? *turned : photo;
    for (image::Pixels& view : views_of(chosen, preprocessing, options_.views)) list.emplace_back(std::move(view));
  }
  return views;
}

std::vector<Classifier::Item> Classifier::load(const fs::path& file, std::size_t source) const {
  std::vector<Item> items;
  const std::string name = file.string();
  const auto failed = [&](std::string why) {
    items.clear();
    Item& item = items.emplace_back();
    item.result.source = source;
    item.result.input = name;
    item.result.error = std::move(why);
  };
  try {
    std::vector<std::vector<Views>> images = prepare(file);
    for (std::size_t i = 0; i < images.size(); ++i) {
      Item& item = items.emplace_back();
      item.result.source = source;
      item.result.position = i;
      item.result.input = images.size() == 1 ? name : fmt::format("{}[{}]", name, i);
      item.views = std::move(images[i]);
      if (const std::int64_t bad = not_finite(item.views.front().front()); bad > 0)
        item.result.error = fmt::format("holds {} values that are not finite (NaN or infinite), expected numbers", bad);
    }
  } catch (const Error& error) {
    if (error.role() != Role::input) throw;
    failed(error.without_file());
  } catch (const std::bad_alloc&) {
    failed("is too large for the memory");
  }
  return items;
}

// One view of one member is its own average, and its logits are known.
bool Classifier::averages_logits() const { return options_.average == Average::logit || is_single(); }

void Classifier::add(std::span<const float> scores, bool probabilities, Item& item) const {
  // One view that says nothing would be hidden by the average, or by the maximum that softmax takes.
  if (std::any_of(scores.begin(), scores.end(), [](float score) { return !std::isfinite(score); })) {
    const auto count = std::count_if(scores.begin(), scores.end(), [](float score) { return !std::isfinite(score); });
    item.result.error = fmt::format("{} of the model's {} scores are not finite (NaN or infinite)", count, scores.size());
    return;
  }
  if (item.sums.empty()) item.sums.resize(scores.size());
  if (item.sums.size() != scores.size()) {
    throw Error(Fault::invalid,
                fmt::format("the models have {} and {} classes, expected the same number", item.sums.size(), scores.size()));
  }
  ++item.seen;
  const bool single = is_single();
  if (averages_logits() == !probabilities || single) {  // as they are
    for (std::size_t i = 0; i < scores.size(); ++i) item.sums[i] += static_cast<double>(scores[i]);
  } else if (probabilities) {
    for (std::size_t i = 0; i < scores.size(); ++i) item.sums[i] += std::log(std::max(static_cast<double>(scores[i]), 1e-38));
  } else {
    const std::vector<double> softened = softmax(scores);
    for (std::size_t i = 0; i < scores.size(); ++i) item.sums[i] += softened[i];
  }
}

// What the last run says of an image besides its scores.
void Classifier::keep_head(const Network& network, std::size_t row, Item& item) const {
  const auto slice = [&](std::size_t output) {
    const Tensor& all = network.scorer.other_output(output);
    const std::vector<float> converted = all.dtype() == DType::float32 ? std::vector<float>() : all.values_as<float>();
    const std::span<const float> values = all.dtype() == DType::float32 ? all.data<float>() : converted;
    const std::size_t each = values.size() / network.scorer.batch();
    const auto own = values.subspan(row * each, each);
    return std::vector<float>(own.begin(), own.end());
  };
  if (network.features_output) {
    item.result.features = slice(*network.features_output);
    // Of one image without a batch all dims are its own.
    const auto dims = network.scorer.other_output(*network.features_output).shape().dims();
    const bool has_batch = !dims.empty() && dims[0] == static_cast<std::int64_t>(network.scorer.batch());
    item.result.feature_dims.assign(dims.begin() + (has_batch ? 1 : 0), dims.end());
  }
  if (network.map_output) {
    const Shape& shape = network.scorer.other_output(*network.map_output).shape();
    item.maps = Tensor::from<float>(Shape{shape[1], shape[2], shape[3]}, slice(*network.map_output));
  }
}

void Classifier::fill_predictions(Item& item) const {
  Result& result = item.result;
  std::vector<float> means(item.sums.size());
  for (std::size_t i = 0; i < means.size(); ++i) means[i] = static_cast<float>(item.sums[i] / static_cast<double>(item.seen));
  if (std::any_of(means.begin(), means.end(), [](float score) { return !std::isfinite(score); })) {
    result.error = "the averaged scores are not finite";
    return;
  }
  const bool single = is_single();
  const bool all_logits =
      std::none_of(members_.begin(), members_.end(), [](const Network& n) { return n.scorer.output().probabilities; });
  const bool are_probabilities = single ? !all_logits : !averages_logits();
  const std::vector<double> softened = are_probabilities ? std::vector<double>() : softmax(means);
  for (const std::int64_t index : top_k(means, options_.top_k)) {
    const auto i = static_cast<std::size_t>(index);
    const double score = static_cast<double>(means[i]);
    result.predictions.push_back(
        {index, are_probabilities ? score : softened[i], !are_probabilities && all_logits ? std::optional(score) : std::nullopt});
  }
  const auto& weights = members_.front().class_weights;
  if (members_.front().map_output && weights && weights->shape()[0] == static_cast<std::int64_t>(means.size())) {
    const Shape& shape = item.maps.shape();
    result.map = activation_map(*weights, result.predictions.front().index, item.maps.data<float>(), static_cast<int>(shape[2]),
                                static_cast<int>(shape[1]));
  }
}

// Adds what one network says of all views of the items that have some, in batches of one size.
void Classifier::score(std::vector<Item>& items, Network& network) {
  const Preprocessing& preprocessing = preparations_[network.preparation];
  std::vector<PreparedImage> batch;
  std::vector<Item*> owners;
  const auto run = [&] {
    if (batch.empty()) return;
    try {
      const Scores scores = network.scorer.run(batch, preprocessing);
      for (std::size_t row = 0; row < owners.size(); ++row) {
        const bool is_first = &network == &members_.front() && owners[row]->seen == 0;
        if (is_first) keep_head(network, row, *owners[row]);
        if (!owners[row]->result.error) add(scores.row(row), network.scorer.output().probabilities, *owners[row]);
      }
    } catch (Error& refused) {
      if (refused.role() != Role::input) {
        if (!network.name.empty()) refused.in(Frame::file(Role::model, network.name));
        throw;
      }
      for (Item* owner : owners) owner->result.error = refused.without_file();
    }
    batch.clear();
    owners.clear();
  };
  const bool is_last = &network == &members_.back();
  for (Item& item : items) {
    if (item.result.error) continue;
    if (options_.keep_views && &network == &members_.front()) {
      if (const auto* pixels = std::get_if<image::Pixels>(&item.views[network.preparation].front())) item.result.shown = *pixels;
    }
    for (PreparedImage& view : item.views[network.preparation]) {
      const bool full = batch.size() == network.scorer.batch_size(batch.size() + 1);
      if (!batch.empty() && (full || !have_same_size(batch.front(), view))) run();
      batch.push_back(is_last ? std::move(view) : view);
      owners.push_back(&item);
    }
  }
  run();
}

void Classifier::score(std::vector<Item>& items) {
  for (Network& network : members_) score(items, network);
  for (Item& item : items) {
    if (!item.result.error) fill_predictions(item);
  }
}

void Classifier::classify(std::span<const fs::path> files, const std::function<void(Result&&)>& deliver,
                          const std::atomic<bool>* stop) {
  const auto stopped = [this, stop] { return options_.stop.requested() || (stop != nullptr && stop->load()); };
  const std::size_t per_photo = views_per_photo(options_.views);
  const std::size_t batch_size = per_photo == 1 ? members_.front().scorer.batch_size(options_.batch_size) : options_.batch_size;
  // One file alone gains nothing from a thread.
  const std::size_t threads = files.size() == 1 ? 0 : std::max<std::size_t>(1, options_.decode_threads);
  Prefetch<std::vector<Item>> loaded(
      files.size(), [&](std::size_t index) { return load(files[index], index); }, threads,
      (batch_size + per_photo - 1) / per_photo + threads);

  std::vector<Item> waiting;  // for its batch to be full, with the errors in between
  std::size_t images = 0;     // views among them
  const auto flush = [&] {
    score(waiting);
    for (Item& item : waiting) {
      if (stopped()) break;
      deliver(std::move(item.result));
    }
    waiting.clear();
    images = 0;
  };
  while (std::optional<std::vector<Item>> items = loaded.next(stopped)) {
    for (Item& item : *items) {
      if (stopped()) break;
      images += item.result.error ? 0 : item.views.front().size();
      waiting.push_back(std::move(item));
      if (images == 0 || images >= batch_size) flush();
    }
  }
  if (!stopped()) flush();
  options_.stop.check();
}

std::vector<Result> Classifier::classify(std::span<const fs::path> files) {
  std::vector<Result> results;
  classify(files, [&results](Result&& result) { results.push_back(std::move(result)); });
  return results;
}

}  // namespace resnet
