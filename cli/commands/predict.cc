// `predict MODEL IMAGES...`: the likeliest classes of photos.
#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "cli/commands/commands.h"
#include "cli/commands/exit_codes.h"
#include "cli/commands/jobs.h"
#include "cli/options/cache.h"
#include "cli/options/ending.h"
#include "cli/options/job.h"
#include "cli/options/model.h"
#include "cli/options/network.h"
#include "cli/options/option.h"
#include "cli/options/shard.h"
#include "cli/options/written_files.h"
#include "cli/tasks/job/whole.h"
#include "cli/tasks/predict/predict.h"
#include "cli/tasks/predict/predict_job.h"
#include "cli/terminal/signals.h"
#include "formats/table/table.h"
#include "lib/base/error.h"

namespace resnet::cli {

namespace fs = std::filesystem;

namespace {

// What is told of each image.
enum class OutputType { probability, logit, features, vector };
constexpr auto words_of(OutputType) {
  return std::to_array<Word<OutputType>>({{OutputType::probability, "probability"},
                                          {OutputType::logit, "logit"},
                                          {OutputType::features, "features"},
                                          {OutputType::vector, "vector"}});
}

struct PredictOptions {
  std::vector<std::string> arguments;
  std::string output, resume, shard;
  std::optional<answers::Format> format;
  OutputType output_type = OutputType::probability;
  Crop crop = Crop::center;
  std::size_t topk = 5;
  float min_probability = 0;
  bool fail_fast = false, no_cache = false;
  InputOptions inputs;
  NetworkOptions network;
  JobOptions job;
};

void setup(CLI::App& app, PredictOptions& options) {
  app.add_option("arguments", options.arguments,
                 fmt::format("a model ({}) and images: files, folders, patterns such as ", model_forms) +
                     "'photos/*.jpg', @list.txt (one path per line), - (such a list on stdin), and .npy tensors, which are not "
                     "preprocessed")
      ->type_name("FILE|ARCH")
      ->option_text("MODEL IMAGES...");
  add_network_options(app, options.network);
  add_choice(
      app, "--crop", options.crop,
      "which part of the photo is shown: its centre; four corners and the centre, and their mirror images; all of it and its "
      "mirror image, by a network made fully convolutional")
      ->capture_default_str();
  add_integer(app, "-k,--topk", options.topk, 1, 1'000'000, "how many classes to give for each image")->capture_default_str();
  add_number(app, "--min-probability", options.min_probability, 0, 1, "leave out classes below this probability, 0 to 1");
  add_choice(app, "--output-type", options.output_type,
             "the value that --format text prints for each class; features: what the classifier multiplies, vector: the "
             "output itself, whatever it is, as rows of a .npy file (--output), NaN where an image failed")
      ->capture_default_str();
  add_choice(app, "--format", options.format,
             "format of the answers: jsonl has one object per line, json one list of them (default: by the ending of --output, "
             "else text)");
  add_text(app, "-o,--output", options.output, "FILE",
           "the file for the answers, which is there whole or not at all (default: stdout)");
  add_text(
      app, "--resume", options.resume, "FILE",
      "JSON lines that grow as answers come, in place of --output: where the file holds answers already (of a run that was "
      "interrupted) only the others are given. FILE.job beside it says what they are made with: the "
      "model, the labels and all that decides an answer have to be the same; a FILE or FILE.job of anything else is left as it "
      "is. FILE.owner says which process works on it: a second one is refused");
  add_text(app, "--shard", options.shard, fmt::format("K/N|{}", shard_by_scheduler),
           "only part K of N of the images, for several machines: JSON lines that merge joins; auto: as Slurm (srun, job "
           "arrays), Open MPI, MPICH or another scheduler says");
  add_job_options(app, options.job);
  app.add_flag("-r,--recursive", options.inputs.recursive, "also search folders within folders");
  app.add_flag("-0,--null", options.inputs.null_separated, "paths on stdin end in NUL, as find -print0 writes them");
  app.add_flag("--fail-fast", options.fail_fast, "stop at the first image that fails");
  app.add_flag("--no-cache", options.no_cache,
               "neither use nor keep the network as it runs, which is otherwise kept for the next time (see cache)");
  add_preparation_options(app, options.network);
  app.footer(
      "An image that fails is reported and the others are answered; the exit code is then 5.\n"
      "\n"
      "Examples:\n"
      "  resnet-cli predict dog.jpg                                          # by the built-in network\n"
      "  resnet-cli predict resnet50.onnx dog.jpg\n"
      "  resnet-cli predict resnet50.onnx photos/ --recursive --topk 1 -o answers.csv\n"
      "  find photos -name '*.jpg' -print0 | resnet-cli predict resnet50.onnx -0 - --format jsonl\n"
      "  resnet-cli predict keras.onnx dog.jpg --preprocess caffe --labels classes.txt\n"
      "  resnet-cli predict resnet50.onnx photos --resume answers.jsonl      # again after an interruption\n"
      "  resnet-cli predict --model resnet50.onnx --model resnet152.onnx --crop full --scales 224,256,384,480,640 dog.jpg");
}

// What is asked of the answers contradicts itself. --resume, --shard and --job give lines, which can grow and be joined.
void check_format(const PredictOptions& options) {
  if (options.resume.empty() && options.shard.empty() && options.job.folder.empty()) return;
  const char* asker = !options.job.folder.empty() ? "--job" : options.resume.empty() ? "--shard" : "--resume";
  if (options.format.value_or(answers::Format::jsonl) != answers::Format::jsonl)
    throw Error(Fault::invalid, fmt::format("{} gives JSON lines, expected --format jsonl or none", asker));
  if (!options.resume.empty() && !options.output.empty())
    throw Error(Fault::invalid, "--resume and --output both name the file for the answers, expected one of them");
}

// Rows of numbers in place of answers.
bool is_array(const PredictOptions& options) {
  return options.output_type == OutputType::features || options.output_type == OutputType::vector;
}

answers::Format format_of(const PredictOptions& options) {
  check_ending(options.network.report, {FileFormat::html});
  if (is_array(options)) {
    check_ending(options.output, {FileFormat::npy});
    return answers::Format::text;
  }
  const std::string& output = options.resume.empty() ? options.output : options.resume;
  const bool lines = !options.resume.empty() || !options.shard.empty() || !options.job.folder.empty();
  if (lines) return choose_format(options.format, output, words_of_these({answers::Format::jsonl}));
  return choose_format(options.format, output, words<answers::Format>);
}

void check_features(const PredictOptions& options) {
  if (options.output.empty() || options.output == "-" || !options.resume.empty() || !options.shard.empty())
    throw Error(Fault::invalid,
                fmt::format("--output-type {} is a .npy file, expected --output FILE.npy", word_of(options.output_type)));
}

PredictRequest request_of(const PredictOptions& options, Observer& observer) {
  PredictRequest request;
  request.network = options.network;
  request.models = options.network.models;
  request.images = options.arguments;
  if (request.models.empty()) request.models.push_back(take_model_or_built_in(request.images, observer));
  if (request.images.empty())
    throw Error(Fault::invalid, "no images given; expected files, folders, @list.txt or - after the model");
  request.inputs = options.inputs;
  check_format(options);
  request.views = {options.crop, parse_scales(options.network.scales)};
  request.top_k = options.topk;
  request.min_probability = options.min_probability;
  request.logits = options.output_type == OutputType::logit;
  request.fail_fast = options.fail_fast;
  request.resume = options.resume;
  request.report = options.network.report;
  request.activation_maps = options.network.cam;
  const bool features = is_array(options);
  request.network.vector = options.output_type == OutputType::vector;
  (features ? request.features : request.output) = options.output;
  if (features || !request.activation_maps.empty())
    check_single_view(features ? fmt::format("--output-type {}", word_of(options.output_type)) : "--cam", request.views,
                      request.models.size());
  if (features) check_features(options);
  if (request.network.vector && !request.activation_maps.empty())
    throw Error(Fault::invalid, "--cam shows where a class was seen, and --output-type vector names none; expected one of them");
  if (!options.shard.empty()) request.part = parse_shard(options.shard);
  if (!options.no_cache) request.cache = cache_settings();
  return request;
}

// The files that this run writes; those that it reads besides the photos are checked.
WrittenFiles written_by(const PredictOptions& options, const PredictRequest& request) {
  WrittenFiles written;
  if (options.resume.empty()) written.add_or_stdout("--output", options.output);
  written.add_with_owner("--resume", options.resume);
  if (!options.resume.empty() && options.shard.empty()) written.add("the job file of --resume", options.resume + ".job");
  written.add("--report", options.network.report);
  written.add_numbered_pictures("--cam", options.network.cam);
  for (const std::string& model : request.models) written.check(model);
  check_labels(written, options.network);
  for (const std::string& image : request.images) {
    if (image.starts_with('@')) written.check(image.substr(1));
    if (image == "-") written.check("/dev/stdin");
  }
  return written;
}

int run(const PredictOptions& options, Context& context) {
  PredictRequest request = request_of(options, context.messages);
  context.find_models(request.models);
  const bool on_stdout = options.output.empty() || options.output == "-";
  if (options.format == answers::Format::json && on_stdout) promise_when_interrupted("[]\n");
  const WrittenFiles written = written_by(options, request);
  TaskContext task = context.task();
  task.before_reading = [&written](const fs::path& file) { written.check(file); };
  PredictTask predict(request, task);
  // After the inputs were looked at: what would be written over one of them is told as that.
  request.format = format_of(options);
  return predict.run().failed > 0 ? exit_codes::inputs_failed : 0;
}

// What a job cannot do, because several processes do it.
void check_job(const PredictOptions& options) {
  refuse_in_job({{"--resume", !options.resume.empty()},
                 {"--shard", !options.shard.empty()},
                 {"--report", !options.network.report.empty()},
                 {"--cam", !options.network.cam.empty()},
                 {"--fail-fast", options.fail_fast},
                 {"--output-type features or vector", is_array(options)}});
  refuse_stdout("--output", options.output);
}

// `words`: the options that decide answers.
int run_job(const PredictOptions& options, const JobWords& words, Context& context) {
  check_job(options);
  if (options.output != options.job.folder + "/" + name_of_whole)
    refuse_in_folder(options.job.folder, {{"--output", options.output}});
  PredictOptions with_images = options;
  if (words.are_of_job) with_images.arguments.push_back("-");  // the job has its list: nothing is read
  PredictRequest request = request_of(with_images, context.messages);
  JobRequest job = job_request(options.job, words, request.models, request.images, request.inputs.recursive, context);
  job.output = options.output;
  context.find_models(request.models);
  request.format = format_of(options);
  const WrittenFiles written = written_by(options, request);
  TaskContext task = context.task();
  task.before_reading = [&written](const fs::path& file) { written.check(file); };
  return work_on_job(request, job, task) ? 0 : exit_codes::not_whole;
}

int run_with_job(PredictOptions options, const CLI::App& app, Context& context) {
  check_job_options(options.job);
  options.job.folder = absolute(options.job.folder);
  options.output = absolute(options.output);
  if (options.job.status) return tell_status(options.job.folder);
  const bool is_alone = options.arguments.empty() && options.network.models.empty();
  const JobWords words = words_of_process(
      options.job, "predict", is_alone, words_of_options(app, {"--output", "--model", "--recursive", "--null"}),
      [](const std::string&) { return false; }, context);
  if (is_alone) {
    const std::string output = options.output;
    options = options_of_job(options.job, words, setup);
    options.output = output;
  }
  return run_job(options, words, context);
}

}  // namespace

Command add_predict(CLI::App& program) {
  auto options = std::make_shared<PredictOptions>();
  CLI::App* app = program.add_subcommand("predict", "The likeliest classes of photos, by any network that takes RGB images.");
  setup(*app, *options);
  return {app, [options, app](Context& context) {
            return options->job.any() ? run_with_job(*options, *app, context) : run(*options, context);
          }};
}

}  // namespace resnet::cli
