// `predict MODEL IMAGES...`: the likeliest classes of photos.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cli/commands/commands.h"
#include "cli/commands/exit_codes.h"
#include "cli/options/ending.h"
#include "cli/options/model.h"
#include "cli/options/network.h"
#include "cli/options/option.h"
#include "cli/options/written_files.h"
#include "cli/tasks/feed/inputs.h"
#include "cli/tasks/feed/photo_files.h"
#include "cli/tasks/identity/identity.h"
#include "cli/tasks/identity/text.h"
#include "cli/tasks/open/model.h"
#include "cli/tasks/predict/answer_lines.h"
#include "cli/tasks/predict/feature_file.h"
#include "cli/tasks/predict/predictions.h"
#include "cli/tasks/predict/report.h"
#include "cli/tasks/predict/resumed_job.h"
#include "cli/tasks/predict/shards.h"
#include "cli/tasks/prepare/network_cache.h"
#include "cli/tasks/prepare/networks.h"
#include "cli/tasks/progress.h"
#include "cli/terminal/output.h"
#include "formats/table/table.h"
#include "lib/base/error.h"
#include "lib/base/interrupt.h"
#include "lib/base/owner.h"
#include "lib/base/parse.h"
#include "lib/classify/classifier.h"
#include "lib/kernels/isa.h"

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
  add_choice(app, "--format", options.format, "text|jsonl|csv|json",
             "of the answers: jsonl has an object a line, json one list of them (default: by the ending of --output, else text)");
  add_text(app, "-o,--output", options.output, "FILE",
           "the file for the answers, which is there whole or not at all (default: stdout)");
  add_text(
      app, "--resume", options.resume, "FILE",
      "JSON lines that grow as answers come, in place of --output: where the file holds answers already (of a run that was "
      "interrupted) only the others are given. FILE.job beside it says what they are made with: the "
      "model, the labels and all that decides an answer have to be the same; a FILE or FILE.job of anything else is left as it "
      "is. FILE.owner says which process works on it: a second one is refused");
  add_text(app, "--shard", options.shard, "K/N|auto",
           "only part K of N of the images, for several machines: JSON lines that merge joins; auto: as Slurm (srun, job "
           "arrays), Open MPI, MPICH or Kubernetes says");
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
      "  resnet-cli predict resnet50.onnx photos/ --recursive --topk 1 -o answers.csv\n"
      "  find photos -name '*.jpg' -print0 | resnet-cli predict resnet50.onnx -0 - --format jsonl\n"
      "  resnet-cli predict keras.onnx dog.jpg --preprocess caffe --labels classes.txt\n"
      "  resnet-cli predict resnet50.onnx photos --resume answers.jsonl      # again after an interruption: goes on\n"
      "  resnet-cli predict --model resnet50.onnx --model resnet152.onnx --crop full --scales 224,256,384,480,640 dog.jpg");
}

// What is asked of the answers contradicts itself. --resume and --shard give lines, which can grow and be joined.
void check_format(const PredictOptions& options) {
  if (options.resume.empty() && options.shard.empty()) return;
  const char* asker = options.resume.empty() ? "--shard" : "--resume";
  if (!options.format.empty() && options.format != "jsonl")
    throw Error(Fault::invalid, fmt::format("{} gives JSON lines, expected --format jsonl or none", asker));
  if (!options.resume.empty() && !options.output.empty())
    throw Error(Fault::invalid, "--resume and --output both name the file for the answers, expected one of them");
}

PredictionFormat format_of(const PredictOptions& options) {
  check_ending(options.network.report, {"html"});
  if (options.output_type == "features") {
    check_ending(options.output, {"npy"});
    return PredictionFormat::text;
  }
  const bool lines = !options.resume.empty() || !options.shard.empty();
  const std::vector<std::string> formats = lines ? std::vector<std::string>{"jsonl"} : split("text|jsonl|csv|json", '|');
  const std::string format = choose_format(options.format, options.resume.empty() ? options.output : options.resume, formats);
  if (format == "jsonl") return PredictionFormat::jsonl;
  if (format == "json") return PredictionFormat::json;
  return format == "csv" ? PredictionFormat::csv : PredictionFormat::text;
}

// What decides the answers, besides the photos themselves.
Identity identity_of(const PredictOptions& options, const ViewOptions& views, std::vector<NetworkIdentity> networks,
                     std::span<const std::string> labels) {
  Identity identity;
  identity.networks = std::move(networks);
  identity.labels = text_of_labels(labels);
  identity.views = fmt::format("crop {}", name_of(views.crop));
  if (!views.scales.empty()) identity.views += fmt::format(", scales {}", fmt::join(views.scales, ","));
  identity.average = options.network.average;
  identity.top_k = fmt::format("{}", options.topk);
  identity.min_probability = fmt::format("{}", options.min_probability);
  identity.max_pixels = fmt::format("{}", options.network.max_pixels);
  identity.instruction_set = kernels::instruction_set();
  identity.version = RESNET_VERSION;
  return identity;
}

constexpr std::size_t many_images = 4096;  // where it is not known how many there are

bool is_tensor(const fs::path& path) { return path.extension() == ".npy"; }

// Answers, in the order of the inputs, as they come.
class Answers {
 public:
  // `continued`: the output holds some already.
  Answers(const PredictOptions& options, PredictionFormat format, std::vector<std::string> labels, Sink& output, bool continued,
          FeatureFile* features, Report& report, const Tally& tally, Observer& messages)
      : least_(static_cast<double>(options.min_probability)),
        logits_(options.output_type == "logit"),
        cam_(options.network.cam),
        features_(features),
        report_(report),
        tally_(tally),
        fail_fast_(options.fail_fast),
        format_(format),
        labels_(std::move(labels)),
        output_(output),
        messages_(messages) {
    if (!continued && !features_) output_.write(format_header(format_));
  }

  void add(const Result& result) {
    if (result.error) return add_failure(result.input, *result.error);
    ++count_;
    std::span<const Prediction> shown = result.predictions;
    while (!shown.empty() && shown.back().probability < least_) shown = shown.first(shown.size() - 1);
    if (features_) {
      features_->add(result.features);
    } else {
      write(format_answer(format_, result.input, shown, labels_, logits_));
    }
    tally_.add(tally_key(result.input));
    report_.add(result, labels_, std::nullopt);
    if (!cam_.empty()) write_activation_map(cam_, count_, result);
  }

  void add_failure(const std::string& input, const std::string& error) {
    ++failed_;
    if (fail_fast_) throw Error(Fault::unreadable, Frame::file(Role::input), input + ": " + error);
    ++count_;
    messages_.error(input + ": " + error);
    report_.add_failure(input, error);
    if (features_) return features_->add_failure();
    write(format_failure(format_, input, error));
    tally_.add(tally_key(input));
  }

  // Ends the answers.
  void end() {
    ended_ = true;
    output_.write(format_footer(format_));
  }
  // What has come on stdout is a whole document, also where the run was interrupted.
  ~Answers() {
    if (ended_ || features_ || format_footer(format_).empty()) return;
    try {
      end();
      output_.flush();
    } catch (...) {  // nobody reads it any more
    }
  }
  Answers(const Answers&) = delete;
  Answers& operator=(const Answers&) = delete;

  std::size_t failed() const { return failed_; }
  // Of all answers that are in the output, an earlier run's as well.
  const Tally& tally() const { return tally_; }

 private:
  void write(const std::string& answer) {
    if (!answer.empty()) output_.write(format_lead(format_, !std::exchange(begun_, true)) + answer);
    output_.flush();
  }

  double least_;
  bool logits_, begun_ = false, ended_ = false;
  std::string cam_;
  FeatureFile* features_;
  Report& report_;
  Tally tally_;
  std::size_t count_ = 0;
  bool fail_fast_;
  PredictionFormat format_;
  std::vector<std::string> labels_;
  Sink& output_;
  Observer& messages_;
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

// Returns how many inputs are answered, an earlier run's included. Each input is shown to `look` before it is read.
std::size_t answer_all(Selection& selection, Classifier& classifier, Answers& answers, Sink& output, Observer& messages,
                       const std::function<void(const Input&)>& look) {
  std::size_t count = selection.earlier().inputs;
  Progress progress(messages, "images");
  std::vector<Input> part;
  do {
    part.clear();
    output.flush();
    while (part.size() < part_of_list || selection.total()) {
      if (!part.empty() && !selection.ready()) break;
      std::optional<Input> found = selection.next();
      if (!found) break;
      look(*found);
      part.push_back(std::move(*found));
    }
    answer(classifier, part, answers, [&](std::size_t done) { progress.update(count + done, selection.total()); });
    count += part.size();
  } while (!part.empty());
  return count;
}

// The networks that answer, ready to run.
struct Ready {
  std::vector<Member> members;
  std::vector<std::string> facts;  // for the report
  std::vector<std::string> labels;
  std::vector<native::PreparedNetwork> fresh;
  std::vector<NetworkIdentity> identities;
  std::vector<std::string> files;  // that they were read from
};

Ready prepare_networks(const PredictOptions& options, const std::vector<std::string>& models, const Asked& asked, bool tensors,
                       ThreadPool& pool, Context& context) {
  Ready ready;
  for (const std::string& name : models) {
    ReadyNetwork one = prepare_network(name, options.network, asked, pool, context.messages);
    const Network& network = one.network;
    if (ready.labels.empty()) ready.labels = network.labels;
    if (!tensors) tell_preprocessing(network, asked.views, models.size() == 1, context.messages);
    if (!options.network.cam.empty() && !one.member.class_weights) {
      throw Error(Fault::unsupported,
                  fmt::format("{}: no matrix stands right behind its pool, which activation maps need", name));
    }
    if (options.output_type == "logit" && network.scores.probabilities)
      throw Error(Fault::invalid, fmt::format("{}: gives probabilities, and its logits are not known", name));
    ready.members.push_back(std::move(one.member));
    if (one.fresh) ready.fresh.push_back(std::move(*one.fresh));
    if (one.identity) ready.identities.push_back(std::move(*one.identity));
    ready.facts.push_back(name + ": " + describe(network.preprocessing.preprocessing));
    for (const std::string& file : network.source.data_files)
      ready.files.push_back((fs::path(name).parent_path() / file).string());
    throw_if_interrupted();
  }
  return ready;
}

void check_features(const PredictOptions& options) {
  if (options.output.empty() || options.output == "-" || !options.resume.empty() || !options.shard.empty())
    throw Error(Fault::invalid, "--output-type features is a .npy file, expected --output FILE.npy");
}

int exit_code(std::size_t failed) { return failed > 0 ? exit_codes::inputs_failed : 0; }

// What is asked, understood.
struct Task {
  std::vector<std::string> models, images;
  PredictionFormat format;
  ViewOptions views;
  bool as_features, with_head;
};

Task understand(const PredictOptions& options, Context& context) {
  Task task{options.network.models, options.arguments, {}, {}, false, false};
  if (task.models.empty()) task.models.push_back(take_model_or_built_in(task.images, context.messages));
  if (task.images.empty()) throw Error(Fault::invalid, "no images; expected files, folders, @list.txt or - behind the model");
  check_format(options);
  task.views = {*find_crop(options.crop), parse_scales(options.network.scales)};
  task.as_features = options.output_type == "features";
  task.with_head = task.as_features || !options.network.cam.empty();
  if (task.with_head) {
    check_single_view(task.as_features ? "--output-type features" : "--cam", task.views, task.models.size());
  }
  if (task.as_features) check_features(options);
  return task;
}

// The files that this run writes; those that it reads besides the photos are checked.
WrittenFiles written_by(const PredictOptions& options, const Task& task) {
  WrittenFiles written;
  written.add("--output", options.output);
  written.add_with_owner("--resume", options.resume);
  if (!options.resume.empty() && options.shard.empty()) written.add("the job file of --resume", options.resume + ".job");
  written.add("--report", options.network.report);
  written.add_numbered_pictures("--cam", options.network.cam);
  for (const std::string& model : task.models) written.check(model);
  check_labels(written, options.network);
  for (const std::string& image : task.images) {
    if (image.starts_with('@')) written.check(image.substr(1));
    if (image == "-") written.check("/dev/stdin");
  }
  return written;
}

void keep(std::span<const native::PreparedNetwork> networks, const std::optional<NetworkCache>& cache, ThreadPool& pool,
          Observer& messages) {
  for (const native::PreparedNetwork& network : networks) {
    if (const std::string why = cache->keep(network, pool); !why.empty())
      messages.detail(fmt::format("{}: not kept for the next time: {}", network.name, why));
  }
}

int run(const PredictOptions& options, Context& context) {
  Messages& messages = context.messages;
  const auto start = Clock::now();
  const auto milliseconds = [&start] { return std::chrono::duration<double, std::milli>(Clock::now() - start).count(); };
  Task task = understand(options, context);
  const WrittenFiles written = written_by(options, task);
  Inputs inputs(task.images, options.inputs);
  Selection selection(options.shard, inputs);
  const JobSize asked_size{options.network.batch_size, context.threads(), selection.whole().value_or(many_images)};
  std::optional<Owner> owner;
  if (!options.resume.empty()) owner.emplace(options.resume, [&](const std::string& line) { messages.note(line); });
  ResumedJob resumed(options.resume, selection);
  const auto tell_left_out = [&] {
    if (const std::string note = inputs.take_note(); !note.empty()) messages.note(note);
  };
  tell_left_out();
  const EarlierAnswers& earlier = selection.earlier();
  if (earlier.inputs > 0) messages.note(fmt::format("{}: {} inputs are answered already", options.resume, earlier.inputs));
  if (earlier.complete && !resumed.size()) {
    messages.warning(
        fmt::format("{0}: is complete, and stays as it is: {0}.job, which says what its answers were made with, is not "
                    "there, so that it was not compared with what is asked now",
                    options.resume));
    return exit_code(earlier.failed);
  }
  const JobSize size = resumed.size().value_or(asked_size);
  const bool as_it_comes = !selection.total();  // a list on stdin
  if (!as_it_comes) selection.all([&](const fs::path& path) { return written.check(path), true; });
  task.format = format_of(options);
  std::optional<FeatureFile> features;
  if (task.as_features) features.emplace(options.output);
  Report report(options.network.report.empty() ? nullptr : std::make_unique<Output>(options.network.report));
  std::unique_ptr<Sink> output;
  // Where it cannot be written it is said at once.
  if (options.resume.empty()) output = std::make_unique<Output>(task.as_features ? "" : options.output);

  ThreadPool pool(context.threads(), context.most_threads());
  std::optional<NetworkCache> cache;
  if (!options.no_cache) cache = open_cache(messages);
  const bool identify = !options.resume.empty() || selection.shard();
  const Asked asked{task.views, size.batch, size.threads, size.images, task.with_head, cache ? &*cache : nullptr, identify};
  Ready ready = prepare_networks(options, task.models, asked, selection.all(is_tensor), pool, context);
  for (const std::string& file : ready.files) written.check(file);
  const Identity identity = identity_of(options, task.views, std::move(ready.identities), ready.labels);
  resumed.check(identity);
  if (earlier.complete) return exit_code(earlier.failed);
  if (!output) {
    output = std::make_unique<FileSink>(options.resume, earlier.bytes);
    output->set_guard([&owner] { owner->check(); });
    resumed.begin(size, identity);
  }
  if (selection.shard() && earlier.bytes == 0) output->write(first_line({*selection.shard(), size, identity}));

  ClassifierOptions classify = classifier_options(options.network, task.views, context.decode_threads());
  classify.top_k = options.topk;
  std::atomic<std::size_t> turned = 0;
  classify.unheeded_orientations = &turned;
  Classifier classifier(ready.members, pool, classify);
  const std::string at_once = pool.threads() < pool.asked() ? fmt::format(" ({} at once)", pool.threads()) : "";
  messages.detail(fmt::format("{}: ready after {:.0f} ms, {} threads{}", fmt::join(task.models, ", "), milliseconds(),
                              pool.asked(), at_once));

  Answers answers(options, task.format, std::move(ready.labels), *output, earlier.bytes > 0, features ? &*features : nullptr,
                  report, earlier.tally, messages);
  const std::size_t count = answer_all(selection, classifier, answers, *output, messages, [&](const Input& input) {
    if (as_it_comes) written.check(input.path);
  });
  tell_left_out();
  tell_orientations(turned, messages);
  if (selection.shard()) output->write(last_line({selection.shard()->index, selection.shard()->of, answers.tally()}));
  if (features) features->commit();
  report.commit(fmt::format("What {} photos are", count), ready.facts);
  answers.end();
  output->commit();
  resumed.end();
  keep(ready.fresh, cache, pool, messages);
  const std::size_t failed = answers.failed() + earlier.failed;
  messages.detail(fmt::format("{} of {} inputs answered in {:.0f} ms", count - failed, count, milliseconds()));
  return exit_code(failed);
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
