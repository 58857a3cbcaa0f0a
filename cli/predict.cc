// `predict MODEL IMAGES...`: the likeliest classes of photos.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/commands.h"
#include "cli/inputs.h"
#include "cli/model.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/predictions.h"
#include "cli/preprocess.h"
#include "cli/progress.h"
#include "formats/labels/labels.h"
#include "formats/npy/npy.h"
#include "formats/table/table.h"
#include "lib/base/error.h"
#include "lib/base/interrupt.h"
#include "lib/classify/classifier.h"
#include "lib/xnnpack/plan.h"

namespace resnet::cli {

namespace fs = std::filesystem;

namespace {

using Clock = std::chrono::steady_clock;

struct PredictOptions {
  std::vector<std::string> arguments;
  std::string model, output, format, labels;
  std::size_t topk = 5, batch_size = 1;
  std::int64_t max_pixels = image::DecodeOptions{}.max_pixels;
  bool fail_fast = false;
  InputOptions inputs;
  PreprocessOptions preprocess;
  ArchOptions arch;
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
  add_text(app, "-m,--model", options.model, "FILE|ARCH", "the model, whatever its name; all arguments are images then");
  add_integer(app, "-k,--topk", options.topk, 1, 1'000'000, "how many classes of each image")->capture_default_str();
  add_text(app, "--labels", options.labels, "FILE|" + labels::names(),
           "the classes' names: a file of one a line (or JSON), or a built-in list (default: by the number of classes)");
  add_integer(app, "--batch-size", options.batch_size, 1, 4096, "how many images run at once")->capture_default_str();
  add_choice(app, "--format", options.format, "text|jsonl|csv", "of the answers (default: by the ending of --output, else text)");
  add_text(app, "-o,--output", options.output, "FILE",
           "the file for the answers, which is there whole or not at all (default: stdout)");
  app.add_flag("-r,--recursive", options.inputs.recursive, "look into folders within folders");
  app.add_flag("-0,--null", options.inputs.null_separated,
               "the list on stdin has a NUL behind each path, as find -print0 writes it");
  app.add_flag("--fail-fast", options.fail_fast, "stop at the first image that fails");
  add_integer(app, "--max-pixels", options.max_pixels, 1, std::int64_t{1} << 40,
              "larger photos are refused before they are decoded")
      ->capture_default_str();
  add_text(app, "--input-shape", options.arch.input_shape, "SHAPE",
           "the input's dims in place of the model's, such as 1x3x224x224 or name:1,3,224,224");
  add_preprocess_options(app, options.preprocess, "Preprocessing");
  add_arch_options(app, options.arch, "he|zeros", "Where MODEL is an architecture's name");
  app.footer(
      "An image that fails is reported and the rest go on; the exit code is 5 then.\n"
      "\n"
      "Examples:\n"
      "  resnet-cli predict resnet50.onnx dog.jpg\n"
      "  resnet-cli predict resnet50.onnx photos/ --recursive --topk 1 --format csv -o answers.csv\n"
      "  find photos -name '*.jpg' -print0 | resnet-cli predict resnet50.onnx -0 - --format jsonl\n"
      "  resnet-cli predict keras.onnx dog.jpg --preprocess caffe --labels classes.txt");
}

PredictionFormat choose_format(const PredictOptions& options) {
  if (options.format == "jsonl") return PredictionFormat::jsonl;
  if (options.format == "csv") return PredictionFormat::csv;
  if (!options.format.empty()) return PredictionFormat::text;
  const auto format = table::format_of_file(options.output);
  if (format == table::Format::jsonl || format == table::Format::json) return PredictionFormat::jsonl;
  return format == table::Format::csv ? PredictionFormat::csv : PredictionFormat::text;
}

// One name per class, or none at all.
std::vector<std::string> choose_labels(const PredictOptions& options, const Model& model, const ImageInput& input,
                                       std::optional<std::int64_t> classes, Messages& messages) {
  const auto fits = [classes](const std::vector<std::string>& labels) {
    return !classes || *classes == static_cast<std::int64_t>(labels.size());
  };
  if (!options.labels.empty()) {
    std::vector<std::string> labels = labels::load(options.labels);
    if (fits(labels)) return labels;
    const auto count = static_cast<std::int64_t>(labels.size());
    std::string hint;
    if (*classes == count + 1) hint = "; the model's first class may be a background class, which the list lacks";
    if (*classes == count - 1) hint = "; the list may begin with a background class, which the model lacks";
    throw Error(ErrorKind::usage, fmt::format("{}: {} labels for a model of {} classes{}", options.labels, count, *classes,
                                              count >= 1000 ? hint : ""));
  }
  if (!model.labels.empty()) {
    if (fits(model.labels)) return model.labels;
    messages.warning(
        fmt::format("the model's own {} labels do not fit its {} classes and are left out", model.labels.size(), *classes));
    return {};
  }
  if (classes == 1000) return labels::find("imagenet1k").value();
  if (classes == 1001) {
    messages.warning("1001 classes: named as a background class and imagenet1k behind it; --labels says otherwise");
    std::vector<std::string> labels = labels::find("imagenet1k").value();
    labels.insert(labels.begin(), "background");
    return labels;
  }
  if (classes == 10 && input.height == 32 && input.width == 32) return labels::find("cifar10").value();
  return {};
}

bool is_tensor(const fs::path& path) { return path.extension() == ".npy"; }

// Answers, in the order of the inputs, as they come.
class Answers {
 public:
  Answers(const PredictOptions& options, PredictionFormat format, std::vector<std::string> labels, Output& output,
          Messages& messages)
      : fail_fast_(options.fail_fast), format_(format), labels_(std::move(labels)), output_(output), messages_(messages) {
    output_.write(format_header(format_));
  }

  void add(const Result& result) {
    if (result.error) return add_failure(result.input, *result.error);
    output_.write(format_answer(format_, result.input, result.predictions, labels_));
    output_.flush();
  }

  void add_failure(const std::string& input, const std::string& error) {
    ++failed_;
    if (fail_fast_) throw Error(ErrorKind::bad_input, input + ": " + error);
    messages_.error(input + ": " + error);
    output_.write(format_failure(format_, input, error));
    output_.flush();
  }

  std::size_t failed() const { return failed_; }

 private:
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
  std::vector<std::string> arguments = options.arguments;
  const std::string name = take_model(options.model, arguments);
  if (arguments.empty()) throw Error(ErrorKind::usage, "no images; expected files, folders, @list.txt or - behind the model");
  const PredictionFormat format = choose_format(options);
  Output output(options.output);

  const auto start = Clock::now();
  const auto milliseconds = [&start] { return std::chrono::duration<double, std::milli>(Clock::now() - start).count(); };
  LoadedModel loaded = load_model(name, options.arch, context);
  ImageInput input;
  ScoreOutput scores;
  std::shared_ptr<const xnnpack::Plan> plan;
  try {
    find_image_input(loaded.model.graph);  // refuses what takes no images, before the work
    plan = xnnpack::Plan::make(std::move(loaded.model.graph));
    // As it is run: folding has told shapes that the file leaves open.
    input = find_image_input(plan->graph());
    scores = find_score_output(plan->graph());
  } catch (Error& error) {
    error.add_context(name);
    throw;
  }
  std::vector<std::string> labels = choose_labels(options, loaded.model, input, scores.classes, messages);
  const ChosenPreprocessing chosen = choose_preprocessing(options.preprocess, loaded.model, input, scores.classes);
  Inputs inputs(std::move(arguments), options.inputs);
  if (!inputs.all(is_tensor)) {
    if (chosen.guessed_by.empty() || loaded.spec) {
      messages.note("preprocessing " + describe(chosen.preprocessing));
    } else {
      messages.warning(fmt::format("preprocessing guessed {}: {}; --preprocess says otherwise", chosen.guessed_by,
                                   describe(chosen.preprocessing)));
    }
  }
  throw_if_interrupted();

  ThreadPool pool(context.threads());
  ClassifierOptions classify;
  classify.batch_size = options.batch_size;
  classify.top_k = options.topk;
  classify.decode_threads = context.threads();
  classify.preprocessing = chosen.preprocessing;
  classify.max_pixels = options.max_pixels;
  classify.load_tensor = [](const fs::path& file) { return is_tensor(file) ? std::optional(npy::read(file)) : std::nullopt; };
  Classifier classifier(plan, pool, classify);
  messages.detail(fmt::format("{}: ready after {:.0f} ms, {} threads", name, milliseconds(), pool.threads()));

  Answers answers(options, format, std::move(labels), output, messages);
  std::size_t count = 0;
  {
    Progress progress(messages, "images");
    std::vector<Input> part;
    do {
      part.clear();
      output.flush();
      while (part.size() < part_of_list || inputs.total()) {
        if (!part.empty() && !inputs.ready()) break;
        std::optional<Input> found = inputs.next();
        if (!found) break;
        part.push_back(std::move(*found));
      }
      answer(classifier, part, answers, [&](std::size_t done) { progress.update(count + done, inputs.total()); });
      count += part.size();
    } while (!part.empty());
  }
  output.commit();
  messages.detail(fmt::format("{} of {} inputs answered in {:.0f} ms", count - answers.failed(), count, milliseconds()));
  return answers.failed() > 0 ? static_cast<int>(ErrorKind::bad_input) : 0;
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
