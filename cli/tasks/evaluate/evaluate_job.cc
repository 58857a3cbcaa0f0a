#include "cli/tasks/evaluate/evaluate_job.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "cli/tasks/errors_alone.h"
#include "cli/tasks/evaluate/photo.h"
#include "cli/tasks/evaluate/subjects.h"
#include "cli/tasks/feed/photo_files.h"
#include "cli/tasks/identity/text.h"
#include "cli/tasks/job/input_list.h"
#include "lib/base/digest.h"
#include "lib/base/error.h"
#include "lib/base/threads.h"
#include "lib/kernels/isa.h"

namespace resnet::cli {

namespace fs = std::filesystem;

namespace {

using Clock = std::chrono::steady_clock;

std::string text_of(std::span<const std::int64_t> classes) {
  const std::string words = fmt::format("{}", fmt::join(classes, ","));
  return classes.empty() ? "" : fmt::format("{} classes (digest {})", classes.size(), digest(words));
}

class EvaluateJob : public JobCommand {
 public:
  EvaluateJob(const EvaluateRequest& request, const TaskContext& context)
      : request_(request),
        context_(context),
        pool_(context.threads.asked, context.threads.at_once),
        subjects_(request, context),
        turned_(subjects_.rows().size()) {
    subjects_.release_graphs();
  }

  std::string name() const override { return "evaluate"; }
  std::size_t batch() const override { return request_.network.batch_size; }
  std::string name_of(const Input& input) const override { return parse_photo(input).name(); }

  std::vector<std::string> list(const std::function<void(const Input&)>& add) override {
    const Dataset dataset = subjects_.find_photos();
    tell_dataset(dataset, request_, context_.observer);
    for (const Sample& sample : dataset.samples) {
      const bool has_several = is_cifar_batch(sample.file);
      for (std::size_t i = 0; i < sample.truths.size(); ++i) {
        const auto number = has_several ? std::optional(i) : std::nullopt;
        add({Photo{sample.file, sample.truths[i], number}.to_text(), ""});
      }
    }
    return dataset.failures;
  }

  Identity make_ready(const answers::JobSize& size) override {
    ErrorsAlone quiet(context_.observer);
    Identity identity;
    members_.clear();
    for (const Crop crop : request_.crops) {
      for (const std::string& name : request_.models) {
        NetworkOptions options = request_.network;
        options.arch = options_of_one(name, options.arch, request_.models);
        const Asked asked{{crop, request_.scales}, size.batch, size.threads, size.images, false, nullptr, true};
        ReadyNetwork ready = prepare_network(name, options, asked, pool_, quiet);
        members_[crop].push_back(std::move(ready.member));
        identity.networks.push_back(std::move(ready.identity.value()));
        context_.stop.check();
      }
    }
    identity.labels = text_of_labels(subjects_.networks().front().labels);
    std::vector<std::string_view> crops;
    for (const Crop crop : request_.crops) crops.push_back(word_of(crop));
    identity.views = fmt::format("crop {}", fmt::join(crops, ","));
    if (!request_.scales.empty()) identity.views += fmt::format(", scales {}", fmt::join(request_.scales, ","));
    identity.average = word_of(request_.network.average);
    if (request_.ensemble) identity.average += ", also all models together";
    identity.top_k = fmt::format("{}", request_.top_k);
    identity.max_pixels = fmt::format("{}", request_.network.max_pixels);
    identity.valid_labels = text_of(subjects_.valid_labels());
    identity.instruction_set = kernels::instruction_set();
    identity.version = RESNET_VERSION;
    return identity;
  }

  Computed compute(std::span<const Input> inputs) override {
    if (classifiers_.empty()) begin();
    const Chunk chunk = chunk_of(inputs);
    current_ = &chunk;
    std::vector<PhotoAnswers> answers(inputs.size());
    Computed computed;
    for (std::size_t row = 0; row < classifiers_.size(); ++row) {
      const auto start = Clock::now();
      for (PhotoAnswers& one : answers) one.rows.emplace_back();
      classifiers_[row]->classify(chunk.files, [&](Result&& result) { add(chunk, result, answers); });
      computed.seconds.push_back(std::chrono::duration<double>(Clock::now() - start).count());
      for (const auto& [file, numbers] : chunk.numbers) tell_missing(chunk, file, answers);
    }
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      answers[i].truth = chunk.photos[i].truth;
      if (answers[i].error.empty()) answers[i].error = inputs[i].error;
      computed.failed += answers[i].error.empty() ? 0 : 1;
      computed.bytes += to_line(chunk.photos[i].name(), answers[i]);
    }
    return computed;
  }

  // Of the answers of all photos.
  EvaluateResult result_of(const fs::path& folder, const WholeJob& whole) const {
    EvaluateResult result;
    for (const Subjects::Shown& shown : subjects_.rows()) result.rows.push_back(subjects_.row_of(shown));
    for (std::size_t row = 0; row < result.rows.size(); ++row) {
      if (row < whole.seconds.size()) result.rows[row].seconds = whole.seconds[row];
      result.rows[row].turned = turned_[row];
    }
    const fs::path file = folder / name_of_whole;
    const auto refuse = [&](const std::string& what) {
      throw Error(Fault::unreadable, Frame::file(Role::argument, file.string()), what);
    };
    std::error_code ignored;
    if (!fs::is_regular_file(file, ignored)) refuse("is not a file");
    std::ifstream stream(file, std::ios::binary);
    std::size_t number = 0;
    for (std::string line; std::getline(stream, line);) {
      if (++number % 1024 == 0) context_.stop.check();
      try {
        count(parse_line(line, result.rows.size()), result.rows);
      } catch (const Error& error) {
        refuse(fmt::format("line {} {}", number, error.problem()));
      }
    }
    if (!stream.eof()) refuse("cannot be read");
    if (const std::size_t wanted = InputList(folder).inputs(); number != wanted)
      refuse(fmt::format("is damaged: it holds {} of {} answers", number, wanted));
    result.any_failed = whole.failed > 0;
    return result;
  }

 private:
  // The photos of a chunk by their files; those of one file are neighbours in the list.
  struct Chunk {
    std::vector<Photo> photos;
    std::vector<fs::path> files;
    std::vector<std::vector<std::size_t>> places;          // of each file's photos among `photos`
    std::map<fs::path, std::vector<std::size_t>> numbers;  // of the photos in files that hold several
  };

  static Chunk chunk_of(std::span<const Input> inputs) {
    Chunk chunk;
    for (const Input& input : inputs) {
      const Photo& photo = chunk.photos.emplace_back(parse_photo(input));
      if (!input.error.empty()) continue;
      const bool continues = photo.number && !chunk.files.empty() && chunk.files.back() == photo.file;
      if (!continues) {
        chunk.files.push_back(photo.file);
        chunk.places.emplace_back();
      }
      chunk.places.back().push_back(chunk.photos.size() - 1);
      if (photo.number) chunk.numbers[photo.file].push_back(*photo.number);
    }
    return chunk;
  }

  void begin() {
    for (std::size_t i = 0; i < subjects_.rows().size(); ++i) {
      const Subjects::Shown& shown = subjects_.rows()[i];
      const std::vector<Member>& all = members_.at(shown.crop);
      const auto first = static_cast<std::size_t>(shown.networks.data() - subjects_.networks().data());
      const std::vector<Member> members(all.begin() + static_cast<std::ptrdiff_t>(first),
                                        all.begin() + static_cast<std::ptrdiff_t>(first + shown.networks.size()));
      ClassifierOptions classify = subjects_.options_for(shown.crop);
      classify.unheeded_orientations = &turned_[i];
      classify.load_photos = [this](const fs::path& file) {
        const auto several = current_->numbers.find(file);
        return several == current_->numbers.end() ? std::vector<image::Pixels>() : read_cifar_photos(file, several->second);
      };
      classifiers_.push_back(std::make_unique<Classifier>(members, pool_, classify));
    }
  }

  void add(const Chunk& chunk, const Result& result, std::vector<PhotoAnswers>& answers) const {
    const std::vector<std::size_t>& places = chunk.places[result.source];
    if (result.error) {
      // A file of several that cannot be read fails all of them.
      const bool all = places.size() == 1 || result.input == chunk.files[result.source].string();
      const std::size_t first = all ? 0 : result.position, end = all ? places.size() : result.position + 1;
      for (std::size_t i = first; i < end; ++i) {
        const std::size_t place = places.at(i);
        context_.observer.error(fmt::format("{}: {}", chunk.photos[place].name(), *result.error));
        if (answers[place].error.empty()) answers[place].error = *result.error;
      }
      return;
    }
    if (result.position >= places.size())
      throw Error(Fault::unreadable, Frame::file(Role::input), fmt::format("{}: has changed while it was read", result.input));
    auto& classes = answers[places[result.position]].rows.back().emplace();
    for (const Prediction& prediction : subjects_.valid_of(result.predictions)) {
      if (classes.size() == std::max<std::size_t>(request_.top_k, 1)) break;
      classes.push_back(prediction.index);
    }
  }

  // The photos of a file of several that were listed and are not there any more.
  void tell_missing(const Chunk& chunk, const fs::path& file, std::vector<PhotoAnswers>& answers) const {
    for (std::size_t i = 0; i < answers.size(); ++i) {
      const Photo& photo = chunk.photos[i];
      if (photo.file != file || answers[i].rows.back() || !answers[i].error.empty()) continue;
      answers[i].error = "the file is shorter than when it was listed";
      context_.observer.error(fmt::format("{}: {}", photo.name(), answers[i].error));
    }
  }

  static void count(const PhotoAnswers& photo, std::vector<EvaluateRow>& rows) {
    for (std::size_t row = 0; row < rows.size(); ++row) {
      if (!photo.rows[row]) {
        rows[row].evaluator.add_failure();
        continue;
      }
      std::vector<Prediction> predictions;
      for (const std::int64_t index : *photo.rows[row]) predictions.push_back({.index = index, .probability = 0, .logit = {}});
      rows[row].evaluator.add(photo.truth, predictions);
    }
  }

  const EvaluateRequest& request_;
  const TaskContext& context_;
  ThreadPool pool_;
  Subjects subjects_;
  std::map<Crop, std::vector<Member>> members_;           // of all networks
  std::vector<std::unique_ptr<Classifier>> classifiers_;  // of each row
  std::vector<std::atomic<std::size_t>> turned_;
  const Chunk* current_ = nullptr;  // while its photos are read
};

}  // namespace

std::optional<EvaluateResult> evaluate_job(const EvaluateRequest& request, const JobRequest& job, const TaskContext& context) {
  EvaluateJob command(request, context);
  const auto whole = work_on_job(command, job, context);
  if (!whole) return std::nullopt;
  return command.result_of(job.folder, *whole);
}

}  // namespace resnet::cli
