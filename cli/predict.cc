// `predict MODEL IMAGES...`: the likeliest classes of photos.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <deque>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/commands.h"
#include "cli/earlier_answers.h"
#include "cli/inputs.h"
#include "cli/model.h"
#include "cli/network_cache.h"
#include "cli/networks.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/parse.h"
#include "cli/photo_files.h"
#include "cli/predictions.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "cli/shards.h"
#include "formats/npy/npy.h"
#include "formats/table/table.h"
#include "lib/base/error.h"
#include "lib/base/files.h"
#include "lib/base/interrupt.h"
#include "lib/classify/classifier.h"

namespace resnet::cli {

namespace fs = std::filesystem;

namespace {

using Clock = std::chrono::steady_clock;

struct PredictOptions {
  std::vector<std::string> arguments;
  std::string output, format, output_type = "probability", resume, shard, crop = "center";
  std::size_t topk = 5;
  float min_probability = 0;
  bool fail_fast = false, no_cache = false;
  InputOptions inputs;
  NetworkOptions network;
};

// Lists on stdin are answered in parts of this many, so that one without end is answered at all.
constexpr std::size_t part_of_list = 1024;

void setup(CLI::App& app, PredictOptions& options) {
  app.add_option("arguments", options.arguments,
                 "a model (a file *.onnx or *.resnet, or an architecture's name) and images: files, folders, patterns such as "
                 "'photos/*.jpg', @list.txt "
                 "(a path a line), - (such a list on stdin), and .npy tensors, which are not preprocessed")
      ->type_name("FILE")
      ->option_text("MODEL IMAGES...");
  add_network_options(app, options.network);
  add_choice(
      app, "--crop", options.crop, "center|ten|full",
      "which part of the photo is shown: its centre; four corners and the centre, and their mirror images; all of it and its "
      "mirror image, by a network made fully convolutional")
      ->capture_default_str();
  add_integer(app, "-k,--topk", options.topk, 1, 1'000'000, "how many classes of each image")->capture_default_str();
  app.add_option("--min-probability", options.min_probability, "leaves out classes below this probability, 0 to 1")
      ->type_name("X")
      ->check(CLI::Range(0.0, 1.0));
  add_choice(
      app, "--output-type", options.output_type, "probability|logit|features",
      "what --format text tells of a class; features: what the classifier multiplies, as rows of a .npy file (--output), NaN "
      "where an image failed")
      ->capture_default_str();
  add_choice(app, "--format", options.format, "text|jsonl|csv", "of the answers (default: by the ending of --output, else text)");
  add_text(app, "-o,--output", options.output, "FILE",
           "the file for the answers, which is there whole or not at all (default: stdout)");
  add_text(app, "--resume", options.resume, "FILE",
           "JSON lines that grow as answers come, in place of --output: where the file holds answers already (of a run that was "
           "interrupted) only the others are given. FILE.job beside it says, until it is complete, what they are made with");
  add_text(
      app, "--shard", options.shard, "K/N|auto",
      "only part K of N of the images, for several machines: JSON lines that merge joins; auto: as Slurm, Open MPI or Kubernetes "
      "says");
  app.add_flag("-r,--recursive", options.inputs.recursive, "look into folders within folders");
  app.add_flag("-0,--null", options.inputs.null_separated,
               "the list on stdin has a NUL behind each path, as find -print0 writes it");
  app.add_flag("--fail-fast", options.fail_fast, "stop at the first image that fails");
  app.add_flag("--no-cache", options.no_cache,
               "neither use nor keep the network as it runs, which is otherwise kept for the next time (see cache)");
  add_preparation_options(app, options.network);
  app.footer(
      "An image that fails is reported and the rest go on; the exit code is 5 then.\n"
      "\n"
      "Examples:\n"
      "  resnet-cli predict dog.jpg                                          # by the network that is built in\n"
      "  resnet-cli predict resnet50.onnx dog.jpg\n"
      "  resnet-cli predict resnet50.onnx photos/ --recursive --topk 1 --format csv -o answers.csv\n"
      "  find photos -name '*.jpg' -print0 | resnet-cli predict resnet50.onnx -0 - --format jsonl\n"
      "  resnet-cli predict keras.onnx dog.jpg --preprocess caffe --labels classes.txt\n"
      "  resnet-cli predict resnet50.onnx photos --resume answers.jsonl      # again after an interruption: goes on\n"
      "  resnet-cli predict --model resnet50.onnx --model resnet152.onnx --crop full --scales 224,256,384,480,640 dog.jpg");
}

PredictionFormat choose_format(const PredictOptions& options) {
  if (!options.resume.empty() || !options.shard.empty()) {
    const char* asker = options.resume.empty() ? "--shard" : "--resume";
    if (!options.format.empty() && options.format != "jsonl")
      throw Error(ErrorKind::usage, fmt::format("{} gives JSON lines, expected --format jsonl or none", asker));
    if (!options.resume.empty() && !options.output.empty())
      throw Error(ErrorKind::usage, "--resume and --output both name the file for the answers, expected one of them");
    return PredictionFormat::jsonl;
  }
  if (options.format == "jsonl") return PredictionFormat::jsonl;
  if (options.format == "csv") return PredictionFormat::csv;
  if (!options.format.empty()) return PredictionFormat::text;
  const auto format = table::format_of_file(options.output);
  if (format == table::Format::jsonl || format == table::Format::json) return PredictionFormat::jsonl;
  return format == table::Format::csv ? PredictionFormat::csv : PredictionFormat::text;
}

// What decides the answers besides the photos, as one line: a run that goes on, and all parts of one, must have the same.
std::string settings_of(const PredictOptions& options, const std::vector<std::string>& models) {
  std::vector<std::string> words;
  for (const std::string& model : models) {
    std::error_code none;
    const std::uintmax_t bytes = fs::file_size(model, none);
    words.push_back(none ? model : fmt::format("{} of {} bytes", fs::path(model).filename().string(), bytes));
  }
  const auto add = [&words](const char* option, const std::string& value) {
    if (!value.empty()) words.push_back(fmt::format("--{} {}", option, value));
  };
  add("convolution", options.network.convolution);
  add("crop", options.crop);
  add("scales", options.network.scales);
  add("average", options.network.average);
  add("topk", fmt::format("{}", options.topk));
  if (options.min_probability > 0) add("min-probability", fmt::format("{}", options.min_probability));
  add("input-shape", options.network.arch.input_shape);
  for (std::string& word : words_of(options.network.preprocess)) words.push_back(std::move(word));
  return fmt::format("{}", fmt::join(words, ", "));
}

// What convolutions are chosen by. It is kept where a run goes on with other threads: the answers are to have the same bits.
struct JobSize {
  std::size_t batch = 1, threads = 1, images = 0;

  std::string to_string() const { return fmt::format("batch {}, threads {}, images {}", batch, threads, images); }
};

std::optional<JobSize> parse_job_size(const std::string& text) {
  JobSize size;
  if (std::sscanf(text.c_str(), "batch %zu, threads %zu, images %zu", &size.batch, &size.threads, &size.images) != 3)
    return std::nullopt;
  return size.batch > 0 && size.threads > 0 ? std::optional(size) : std::nullopt;
}

// Beside answers that are not complete stands, in two lines, what they are made with.
class Record {
 public:
  // Reads it where there are answers already. Throws Error(usage) where they were made with something else.
  Record(const std::string& answers, std::string settings) : file_(answers + ".job"), settings_(std::move(settings)) {
    std::error_code none;
    if (!fs::exists(answers, none) || fs::file_size(answers, none) == 0 || !fs::exists(file_, none)) return;
    const std::vector<std::string> lines = split(read_file(file_, ErrorKind::usage), '\n');
    if (lines.size() < 2 || lines[0] != settings_) {
      throw Error(ErrorKind::usage, fmt::format("{}: its answers were made with {}; now it is {}", answers,
                                                table::printable(lines[0]), table::printable(settings_)));
    }
    size_ = parse_job_size(lines[1]);
  }
  const std::optional<JobSize>& size() const { return size_; }

  void write(const JobSize& size) const {
    AtomicFile file(file_);
    file.stream() << settings_ << '\n' << size.to_string() << '\n';
    file.commit();
  }
  void remove() const {
    std::error_code none;
    fs::remove(file_, none);
  }

 private:
  fs::path file_;
  std::string settings_;
  std::optional<JobSize> size_;
};

// The inputs that this run is to answer: all, or a part of them, without those that an earlier run has answered.
class Selection {
 public:
  Selection(const PredictOptions& options, Inputs& inputs) : inputs_(inputs) {
    if (options.shard.empty()) return;
    Shard shard = parse_shard(options.shard);
    while (auto input = inputs.next()) all_.push_back(std::move(*input));
    shard_ = place_shard(shard, all_.size());
    all_.erase(all_.begin() + static_cast<std::ptrdiff_t>(shard_->first + shard_->count), all_.end());
    all_.erase(all_.begin(), all_.begin() + static_cast<std::ptrdiff_t>(shard_->first));
  }

  void set_settings(const std::string& settings) {
    if (shard_) shard_->settings = settings;
  }
  // Of all parts together, where it is known.
  std::optional<std::size_t> whole() const { return shard_ ? shard_->inputs : inputs_.total(); }

  void skip_answered(const std::string& file) {
    std::vector<Input> seen;
    earlier_ = read_earlier_answers(file, shard_, [&]() -> std::optional<std::string> {
      std::optional<Input> input = next();
      if (!input) return std::nullopt;
      seen.push_back(*input);
      return input->path.string();
    });
    // The last one that was looked at may have to be answered once more.
    for (std::size_t i = seen.size(); i > earlier_.inputs; --i) all_.push_front(std::move(seen[i - 1]));
  }

  std::optional<Input> next() {
    if (!all_.empty()) {
      Input input = std::move(all_.front());
      all_.pop_front();
      return input;
    }
    return shard_ ? std::nullopt : inputs_.next();
  }
  bool ready() { return !all_.empty() || shard_ || inputs_.ready(); }
  std::optional<std::size_t> total() const { return shard_ ? shard_->count : inputs_.total(); }
  bool all(const std::function<bool(const fs::path&)>& holds) const {
    return std::all_of(all_.begin(), all_.end(), [&](const Input& input) { return holds(input.path); }) &&
           (shard_ || inputs_.all(holds));
  }
  const std::optional<Shard>& shard() const { return shard_; }
  const EarlierAnswers& earlier() const { return earlier_; }

 private:
  Inputs& inputs_;
  std::deque<Input> all_;  // in front of what `inputs_` gives; a part's are all here
  std::optional<Shard> shard_;
  EarlierAnswers earlier_;
};

constexpr std::size_t many_images = 4096;  // where it is not known how many there are

bool is_tensor(const fs::path& path) { return path.extension() == ".npy"; }

// Rows of features as a .npy file that appears whole or not at all; its first lines are written last, when the rows are counted.
class FeatureFile {
 public:
  explicit FeatureFile(const std::string& name) : file_(name) { file_.stream() << std::string(npy::fixed_header, ' '); }

  void add(std::span<const float> row) {
    if (width_ == 0) {
      width_ = row.size();
      for (; waiting_ > 0; --waiting_) write_failure();
    }
    file_.stream().write(reinterpret_cast<const char*>(row.data()), static_cast<std::streamsize>(row.size_bytes()));
    ++rows_;
  }
  void add_failure() {
    if (width_ == 0) {
      ++waiting_;  // how long a row is is not known yet
    } else {
      write_failure();
    }
  }
  void commit() {
    rows_ += waiting_;  // nothing but failures: rows of no numbers
    file_.stream().seekp(0) << npy::header_of(
        DType::float32, Shape{static_cast<std::int64_t>(rows_), static_cast<std::int64_t>(width_)}, npy::fixed_header);
    file_.commit();
  }

 private:
  void write_failure() {
    const std::vector<float> nothing(width_, std::numeric_limits<float>::quiet_NaN());
    file_.stream().write(reinterpret_cast<const char*>(nothing.data()), static_cast<std::streamsize>(width_ * sizeof(float)));
    ++rows_;
  }
  AtomicFile file_;
  std::size_t width_ = 0, rows_ = 0, waiting_ = 0;
};

// Answers, in the order of the inputs, as they come.
class Answers {
 public:
  Answers(const PredictOptions& options, PredictionFormat format, std::vector<std::string> labels, Output& output,
          FeatureFile* features, Report& report, Messages& messages)
      : least_(static_cast<double>(options.min_probability)),
        logits_(options.output_type == "logit"),
        cam_(options.network.cam),
        features_(features),
        report_(report),
        fail_fast_(options.fail_fast),
        format_(format),
        labels_(std::move(labels)),
        output_(output),
        messages_(messages) {}

  void add(const Result& result) {
    if (result.error) return add_failure(result.input, *result.error);
    ++count_;
    std::span<const Prediction> shown = result.predictions;
    while (!shown.empty() && shown.back().probability < least_) shown = shown.first(shown.size() - 1);
    if (features_) {
      features_->add(result.features);
    } else {
      output_.write(format_answer(format_, result.input, shown, labels_, logits_));
      output_.flush();
    }
    report_.add(result, labels_, std::nullopt);
    if (!cam_.empty()) write_activation_map(cam_, count_, result);
  }

  void add_failure(const std::string& input, const std::string& error) {
    ++failed_;
    if (fail_fast_) throw Error(ErrorKind::bad_input, input + ": " + error);
    ++count_;
    messages_.error(input + ": " + error);
    report_.add_failure(input, error);
    if (features_) return features_->add_failure();
    output_.write(format_failure(format_, input, error));
    output_.flush();
  }

  std::size_t failed() const { return failed_; }

 private:
  double least_;
  bool logits_;
  std::string cam_;
  FeatureFile* features_;
  Report& report_;
  std::size_t count_ = 0;
  bool fail_fast_;
  PredictionFormat format_;
  std::vector<std::string> labels_;
  Output& output_;
  Messages& messages_;
  std::size_t failed_ = 0;
};

// Classifies `part`, with the arguments that gave no path in their places.
void answer(Classifier& classifier, std::span<const Input> part, Answers& answers, const std::function<void(std::size_t)>& done) {
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
      if (!part[next].error.empty()) answers.add_failure(part[next].path.string(), part[next].error);
    }
  };
  classifier.classify(files, [&](Result&& result) {
    report_failures_before(places[result.source]);
    answers.add(result);
    done(places[result.source] + 1);
  });
  report_failures_before(part.size());
  done(part.size());
}

int run(const PredictOptions& options, Context& context) {
  Messages& messages = context.messages;
  std::vector<std::string> arguments = options.arguments, models = options.network.models;
  if (models.empty()) models.push_back(take_model_or_built_in(arguments, context.messages));
  if (arguments.empty()) throw Error(ErrorKind::usage, "no images; expected files, folders, @list.txt or - behind the model");
  const PredictionFormat format = choose_format(options);
  const ViewOptions views{*find_crop(options.crop), parse_scales(options.network.scales)};
  const auto start = Clock::now();
  const auto milliseconds = [&start] { return std::chrono::duration<double, std::milli>(Clock::now() - start).count(); };
  Inputs inputs(std::move(arguments), options.inputs);
  const std::string settings = settings_of(options, models);
  std::optional<Record> record;
  if (!options.resume.empty()) record.emplace(options.resume, settings);
  Selection selection(options, inputs);
  JobSize size{options.network.batch_size, context.threads(), selection.whole().value_or(many_images)};
  if (record && record->size()) size = *record->size();
  selection.set_settings(settings + ", " + size.to_string());
  if (!options.resume.empty()) selection.skip_answered(options.resume);
  const auto tell_left_out = [&] {
    if (const std::string note = inputs.take_note(); !note.empty()) messages.note(note);
  };
  tell_left_out();
  const bool as_features = options.output_type == "features", with_head = as_features || !options.network.cam.empty();
  if (with_head) check_single_view(as_features ? "--output-type features" : "--cam", views, models.size());
  if (as_features && (options.output.empty() || options.output == "-" || !options.resume.empty() || !options.shard.empty()))
    throw Error(ErrorKind::usage, "--output-type features is a .npy file, expected --output FILE.npy");
  std::optional<FeatureFile> features;
  if (as_features) features.emplace(options.output);
  Report report(options.network.report);
  Output output = options.resume.empty() ? Output(as_features ? "" : options.output)
                                         : Output::append(options.resume, selection.earlier().bytes);
  if (selection.earlier().inputs > 0)
    messages.note(fmt::format("{}: {} inputs are answered already", options.resume, selection.earlier().inputs));
  if (selection.earlier().complete) {
    if (record) record->remove();
    return selection.earlier().failed > 0 ? static_cast<int>(ErrorKind::bad_input) : 0;
  }
  if (record) record->write(size);
  if (selection.shard() && selection.earlier().bytes == 0) output.write(first_line(*selection.shard()));
  ThreadPool pool(context.threads());
  std::vector<Member> members;
  std::vector<std::string> facts;  // for the report
  std::vector<std::string> labels;
  std::optional<NetworkCache> cache;
  if (!options.no_cache) cache.emplace();
  std::vector<native::PreparedNetwork> fresh;
  const Asked asked{views, size.batch, size.threads, size.images, with_head, cache ? &*cache : nullptr};
  for (const std::string& name : models) {
    ReadyNetwork ready = prepare_network(name, options.network, asked, pool, context);
    const Network& network = ready.network;
    if (labels.empty()) labels = network.labels;
    if (!selection.all(is_tensor)) tell_preprocessing(network, views, models.size() == 1, messages);
    if (!options.network.cam.empty() && !ready.member.class_weights) {
      throw Error(ErrorKind::unsupported,
                  fmt::format("{}: no matrix stands right behind its pool, which activation maps need", name));
    }
    if (options.output_type == "logit" && network.scores.probabilities)
      throw Error(ErrorKind::usage, fmt::format("{}: gives probabilities, and its logits are not known", name));
    members.push_back(std::move(ready.member));
    if (ready.fresh) fresh.push_back(std::move(*ready.fresh));
    facts.push_back(name + ": " + describe(network.preprocessing.preprocessing));
    throw_if_interrupted();
  }

  ClassifierOptions classify = classifier_options(options.network, views, context);
  classify.top_k = options.topk;
  std::atomic<std::size_t> turned = 0;
  classify.unheeded_orientations = &turned;
  Classifier classifier(members, pool, classify);
  messages.detail(fmt::format("{}: ready after {:.0f} ms, {} threads", fmt::join(models, ", "), milliseconds(), pool.threads()));

  if (selection.earlier().bytes == 0 && !features) output.write(format_header(format));
  Answers answers(options, format, std::move(labels), output, features ? &*features : nullptr, report, messages);
  std::size_t count = selection.earlier().inputs;
  {
    Progress progress(messages, "images");
    std::vector<Input> part;
    do {
      part.clear();
      output.flush();
      while (part.size() < part_of_list || selection.total()) {
        if (!part.empty() && !selection.ready()) break;
        std::optional<Input> found = selection.next();
        if (!found) break;
        part.push_back(std::move(*found));
      }
      answer(classifier, part, answers, [&](std::size_t done) { progress.update(count + done, selection.total()); });
      count += part.size();
    } while (!part.empty());
  }
  tell_left_out();
  tell_orientations(turned, messages);
  if (selection.shard()) output.write(last_line(*selection.shard()));
  if (features) features->commit();
  report.commit(fmt::format("What {} photos are", count), facts);
  output.commit();
  if (record) record->remove();
  for (const native::PreparedNetwork& network : fresh) {
    if (const std::string why = cache->keep(network, pool); !why.empty())
      messages.detail(fmt::format("{}: not kept for the next time: {}", network.name, why));
  }
  const std::size_t failed = answers.failed() + selection.earlier().failed;
  messages.detail(fmt::format("{} of {} inputs answered in {:.0f} ms", count - failed, count, milliseconds()));
  return failed > 0 ? static_cast<int>(ErrorKind::bad_input) : 0;
}

}  // namespace

Command add_predict(CLI::App& program) {
  auto options = std::make_shared<PredictOptions>();
  CLI::App* app =
      program.add_subcommand("predict", "The likeliest classes of photos, by any ONNX network that takes RGB images.");
  setup(*app, *options);
  return {app, [options](Context& context) { return run(*options, context); }};
}

}  // namespace resnet::cli
