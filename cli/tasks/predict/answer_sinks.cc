#include "cli/tasks/predict/answer_sinks.h"

#include <fmt/format.h>

#include <filesystem>
#include <optional>
#include <utility>
#include <vector>

#include "lib/base/error.h"

namespace resnet::cli {

namespace fs = std::filesystem;

AnswerSinks::AnswerSinks(const PredictRequest& request, answers::Writer writer, Sink& output, FeatureFile* features,
                         Report& report, const answers::Tally& tally, Observer& observer)
    : request_(request),
      writer_(std::move(writer)),
      output_(output),
      features_(features),
      report_(report),
      tally_(tally),
      observer_(observer) {}

AnswerSinks::~AnswerSinks() {
  if (ended_) return;
  try {
    end();
    output_.flush();
  } catch (...) {  // nobody reads it any more
  }
}

void AnswerSinks::end() {
  ended_ = true;
  if (features_ == nullptr) output_.write(writer_.end());
}

// Features are as long as the classifier is wide; an output has dims of its own.
std::vector<std::int64_t> AnswerSinks::dims_of(const Result& result) const {
  if (request_.network.vector) return result.feature_dims;
  return {static_cast<std::int64_t>(result.features.size())};
}

void AnswerSinks::add(const Result& result) {
  if (result.error) return add_failure(result.input, *result.error);
  if (features_ != nullptr && !features_->fits(dims_of(result))) {
    return add_failure(result.input,
                       fmt::format("gives {}, expected {} as of the images before it; what gives another size needs a "
                                   "file of its own",
                                   Shape(dims_of(result)).to_string(), features_->row()));
  }
  ++count_;
  const auto least = static_cast<double>(request_.min_probability);
  std::span<const Prediction> shown = result.predictions;
  while (!shown.empty() && shown.back().probability < least) shown = shown.first(shown.size() - 1);
  if (features_ != nullptr) {
    features_->add(result.features, dims_of(result));
  } else {
    write(result.input, writer_.answer(result.input, shown));
  }
  report_.add(result, writer_.labels(), std::nullopt);
  if (!request_.activation_maps.empty()) write_activation_map(request_.activation_maps, count_, result);
}

void AnswerSinks::add_failure(const std::string& input, const std::string& error) {
  ++failed_;
  // The last of the answers; a file that grows is resumed with it, and so does not hold it.
  if (request_.fail_fast && features_ == nullptr && request_.resume.empty()) write(input, writer_.failure(input, error));
  if (request_.fail_fast) throw Error(Fault::unreadable, Frame::file(Role::input), input + ": " + error);
  ++count_;
  observer_.error(input + ": " + error);
  report_.add_failure(input, error);
  if (features_ != nullptr) return features_->add_failure();
  write(input, writer_.failure(input, error));
}

void AnswerSinks::write(const std::string& input, const std::string& bytes) {
  output_.write(bytes);
  output_.flush();
  tally_.add(answers::tally_key(input));
}

void answer(Classifier& classifier, std::span<const Input> part, AnswerSinks& sinks,
            const std::function<void(std::size_t)>& done) {
  std::vector<fs::path> files;
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < part.size(); ++i) {
    if (!part[i].error.empty()) continue;
    files.push_back(part[i].path);
    places.push_back(i);
  }
  std::size_t next = 0;
  const auto report_failures_before = [&](std::size_t end) {
    for (; next < end; ++next) {
      if (!part[next].error.empty()) sinks.add_failure(part[next].path.string(), part[next].error);
    }
  };
  classifier.classify(files, [&](Result&& result) {
    report_failures_before(places[result.source]);
    sinks.add(result);
    done(places[result.source] + 1);
  });
  report_failures_before(part.size());
  done(part.size());
}

}  // namespace resnet::cli
