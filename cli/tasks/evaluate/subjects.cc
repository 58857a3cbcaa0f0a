#include "cli/tasks/evaluate/subjects.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iterator>

#include "lib/arch/recognize.h"
#include "lib/base/error.h"
#include "lib/base/files.h"
#include "lib/base/parse.h"

namespace resnet::cli {

namespace fs = std::filesystem;

namespace {

// Which of the family it is exactly; nothing for another network.
std::optional<arch::Spec> spec_of(const Graph& graph) {
  try {
    const arch::Recognition recognition = arch::recognize(graph);
    return recognition.is_exact() ? std::optional(recognition.spec) : std::nullopt;
  } catch (const Error&) {  // without a convolution
    return std::nullopt;
  }
}

// Ascending, each once.
std::vector<std::int64_t> read_valid_labels(const std::string& file, std::int64_t classes) {
  constexpr std::uintmax_t most_bytes = std::uintmax_t{16} << 20;
  std::vector<std::int64_t> valid;
  std::size_t line_number = 0;
  for (std::string line :
       split(read_file(file, Role::argument, {.most_bytes = most_bytes, .expected = "a list of classes"}), '\n')) {
    ++line_number;
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty()) continue;
    const auto index = parse_integer(line);
    if (!index || *index < 0 || *index >= classes) {
      throw Error(Fault::invalid, fmt::format("{}: line {}: '{}' is not a class of the model, expected 0 to {}", file,
                                              line_number, line, classes - 1));
    }
    valid.push_back(*index);
  }
  if (valid.empty()) throw Error(Fault::invalid, fmt::format("{}: holds no classes, expected a number a line", file));
  std::sort(valid.begin(), valid.end());
  valid.erase(std::unique(valid.begin(), valid.end()), valid.end());
  return valid;
}

}  // namespace

Subjects::Subjects(const EvaluateRequest& request, const TaskContext& context) : request_(request), context_(context) {
  for (const std::string& name : request_.models) load(name);
  const auto classes = networks_.front().scores.classes;
  if (!classes) throw Error(Fault::unsupported, fmt::format("{}: its number of classes is not known", request_.models.front()));
  if (!request_.valid_labels.empty()) valid_ = read_valid_labels(request_.valid_labels, *classes);
  const std::span<const Network> all = networks_;
  for (const Crop crop : request_.crops) {
    for (std::size_t i = 0; i < all.size(); ++i) rows_.push_back({crop, all.subspan(i, 1)});
    if (request_.ensemble && all.size() > 1) rows_.push_back({crop, all});
  }
}

void Subjects::load(const std::string& name) {
  NetworkOptions options = request_.network;
  options.arch = options_of_one(name, options.arch, request_.models);
  networks_.push_back(load_network(name, options, context_.observer));
  if (const auto& what = networks_.back().not_scores; what && networks_.back().labels.empty())
    throw Error(Fault::unsupported, fmt::format("{}: gives {}, expected scores of classes", name, *what));
  specs_.push_back(spec_of(networks_.back().graph));
  context_.stop.check();
  for (const std::string& file : networks_.back().source.data_files) context_.before_reading(fs::path(name).parent_path() / file);
  tell_preprocessing(networks_.back(), {request_.crops.front(), request_.scales}, request_.models.size() == 1, context_.observer);
}

Dataset Subjects::find_photos() const {
  const Network& first = networks_.front();
  Dataset dataset = load_dataset(request_.dataset, first.labels, first.scores.classes.value(), context_.stop);
  if (!dataset.list.empty()) context_.before_reading(dataset.list);
  for (const Sample& sample : dataset.samples) context_.before_reading(sample.file);
  return dataset;
}

EvaluateRow Subjects::row_of(const Shown& shown) const {
  EvaluateRow row;
  row.crop = shown.crop;
  row.labels = shown.networks.front().labels;
  row.evaluator = Evaluator(request_.top_k);
  row.networks = shown.networks.size();
  if (shown.networks.size() == 1) row.spec = specs_[static_cast<std::size_t>(&shown.networks.front() - networks_.data())];
  for (const Network& network : shown.networks) {
    row.model += (row.model.empty() ? "" : " + ") + network.name;
    const std::string prepared = describe(network.preprocessing.preprocessing);
    if (row.preprocessing.find(prepared) == std::string::npos)
      row.preprocessing += (row.preprocessing.empty() ? "" : "; ") + prepared;
    row.parameters += network.parameters;
    row.macs += network.macs;
  }
  return row;
}

ClassifierOptions Subjects::options_for(Crop crop) const {
  ClassifierOptions classify = classifier_options(request_.network, {crop, request_.scales}, context_);
  classify.top_k = valid_.empty() ? request_.top_k : static_cast<std::size_t>(networks_.front().scores.classes.value());
  return classify;
}

std::vector<Prediction> Subjects::valid_of(const std::vector<Prediction>& predictions) const {
  if (valid_.empty()) return predictions;
  std::vector<Prediction> valid;
  std::copy_if(predictions.begin(), predictions.end(), std::back_inserter(valid),
               [&](const Prediction& p) { return std::binary_search(valid_.begin(), valid_.end(), p.index); });
  return valid;
}

void Subjects::release_graphs() {
  for (Network& network : networks_) network.graph = {};
}

void tell_dataset(const Dataset& dataset, const EvaluateRequest& request, Observer& observer) {
  for (const std::string& note : dataset.notes) observer.warning(note);
  if (!dataset.others.empty()) observer.note(dataset.others.to_string());
  for (const std::string& failure : dataset.failures) {
    if (request.fail_fast) throw Error(Fault::unreadable, Frame::file(Role::input), failure);
    observer.error(failure);
  }
}

}  // namespace resnet::cli
