#include "resnet/classifier.h"

#include <utility>
#include <vector>

#include "cli/api/data.h"
#include "cli/api/guarded.h"
#include "lib/image/image.h"

namespace resnet::v0 {

namespace {

Answer answer_of(const Result& result, const std::vector<std::string>& labels) {
  if (result.error) throw Error(Fault::invalid_input, result.input + ": " + *result.error);
  Answer answer;
  for (const Prediction& prediction : result.predictions) {
    Class& found = answer.classes.emplace_back();
    found.index = static_cast<std::size_t>(prediction.index);
    found.probability = prediction.probability;
    if (found.index < labels.size()) found.label = labels[found.index];
  }
  return answer;
}

}  // namespace

Classifier::Classifier(const Network& network, const ClassifierOptions& options) : data_(std::make_unique<Data>()) {
  guarded([&] {
    if (options.top_k < 1) throw Error(Fault::invalid_argument, "top_k is 0, expected at least 1");
    Data& data = *data_;
    data.network = network.data_;
    ::resnet::ClassifierOptions asked;
    asked.top_k = options.top_k;
    asked.decode_threads = 1;
    asked.load_photos = [&data](const std::filesystem::path& name) {
      std::vector<image::Pixels> photos;
      if (data.photo.data() != nullptr) {
        const bool exif = data.network->member.preprocessing.exif;
        photos.push_back(image::decode(data.photo, name.string(), {.exif = exif}));
      }
      return photos;
    };
    data.classifier.emplace(std::vector{data.network->member}, *data.network->pool, std::move(asked));
  });
}

Classifier::~Classifier() = default;
Classifier::Classifier(Classifier&&) noexcept = default;
Classifier& Classifier::operator=(Classifier&&) noexcept = default;

Answer Classifier::classify(const std::filesystem::path& photo) {
  return guarded([&] {
    data_->photo = {};
    return answer_of(data_->classifier->classify(std::span(&photo, 1)).at(0), data_->network->labels);
  });
}

Answer Classifier::classify(std::span<const std::byte> photo, const std::string& name) {
  return guarded([&] {
    static constexpr std::byte nothing{};
    data_->photo = photo.empty() ? std::span(&nothing, 0) : photo;
    const std::filesystem::path path = name;
    return answer_of(data_->classifier->classify(std::span(&path, 1)).at(0), data_->network->labels);
  });
}

}  // namespace resnet::v0
