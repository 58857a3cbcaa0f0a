// `responses MODEL... IMAGES`: the paper's Figure 7.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "cli/commands/commands.h"
#include "cli/commands/exit_codes.h"
#include "cli/options/ending.h"
#include "cli/options/model.h"
#include "cli/options/option.h"
#include "cli/options/preprocess.h"
#include "cli/options/written_files.h"
#include "cli/tasks/feed/inputs.h"
#include "cli/tasks/feed/photo_files.h"
#include "cli/tasks/named.h"
#include "cli/tasks/open/model.h"
#include "cli/tasks/prepare/preprocess.h"
#include "cli/tasks/progress.h"
#include "cli/terminal/output.h"
#include "formats/chart/chart.h"
#include "formats/npy/npy.h"
#include "formats/table/table.h"
#include "lib/base/error.h"
#include "lib/base/interrupt.h"
#include "lib/image/image.h"
#include "lib/measure/responses.h"

namespace resnet::cli {

namespace fs = std::filesystem;

namespace {

// Tables, or the figure.
enum class ResponsesFormat { text, csv, json, svg };
constexpr auto words_of(ResponsesFormat) {
  return std::to_array<Word<ResponsesFormat>>({{ResponsesFormat::text, "text"},
                                               {ResponsesFormat::csv, "csv"},
                                               {ResponsesFormat::json, "json"},
                                               {ResponsesFormat::svg, "svg"}});
}

struct ResponsesOptions {
  std::vector<std::string> arguments, models;
  std::string output;
  std::optional<ResponsesFormat> format;
  std::int64_t random = 0, batch_size = 8;
  InputOptions inputs;
  PreprocessOptions preprocess;
  ArchOptions arch;
};

void setup(CLI::App& app, ResponsesOptions& options) {
  app.add_option("arguments", options.arguments,
                 "models (files *.onnx or architectures' names) and images, as predict takes them")
      ->type_name("FILE")
      ->option_text("MODEL... IMAGES...");
  app.add_option("-m,--model", options.models, "a model, whatever its name; may be given several times")
      ->type_name("FILE|ARCH")
      ->allow_extra_args(false);
  add_integer(app, "--random", options.random, 1, 1'000'000, "this many images of noise instead (normal, deviation 1)");
  add_integer(app, "--batch-size", options.batch_size, 1, 4096, "how many images run at once")->capture_default_str();
  add_choice(app, "--format", options.format,
             "tables, or the plot of Figure 7: in the original order and sorted (default: by the ending of --output, else text)");
  add_text(app, "-o,--output", options.output, "FILE", "the file to write, whole or not at all (default: stdout)");
  app.add_flag("-r,--recursive", options.inputs.recursive, "look into folders within folders");
  app.add_flag("-0,--null", options.inputs.null_separated,
               "the list on stdin has a NUL behind each path, as find -print0 writes it");
  add_text(app, "--input-shape", options.arch.input_shape, "SHAPE", "the input's dims in place of the model's");
  add_preprocess_options(app, options.preprocess, "Preprocessing");
  add_arch_options(app, options.arch, inits_with_weights, "Where MODEL is an architecture's name");
  app.footer(
      "A response is the output of a 3x3 layer behind its batch norm, in front of the non-linearity and the addition; its "
      "strength is\n"
      "its standard deviation over all images, channels and positions (section 4.2 of the paper).\n"
      "\n"
      "Examples:\n"
      "  resnet-cli responses resnet20.onnx resnet56.onnx photos/ -o figure7.svg\n"
      "  resnet-cli responses plain20 resnet20 --random 64 --seed 1 --format csv");
}

// One model with what it is fed.
struct Measured {
  std::string name;
  std::vector<LayerResponse> responses;
};

// Fills a batch in the order of axes that the network has.
class Batch {
 public:
  Batch(const ImageInput& input, std::int64_t count, std::int64_t height, std::int64_t width)
      : channels_last_(input.channels_last),
        tensor_(
            Tensor::allocate(DType::float32, channels_last_ ? Shape{count, height, width, 3} : Shape{count, 3, height, width})),
        size_(static_cast<std::size_t>(3 * height * width)) {}

  std::span<float> slot(std::size_t index) { return tensor_.mutable_data<float>().subspan(index * size_, size_); }
  void fill(std::size_t index, const image::Pixels& pixels, const Preprocessing& preprocessing) {
    (channels_last_ ? image::normalize_nhwc : image::normalize_nchw)(pixels, preprocessing, slot(index));
  }
  const Tensor& tensor() const { return tensor_; }

 private:
  bool channels_last_;
  Tensor tensor_;
  std::size_t size_;
};

class Measurement {
 public:
  Measurement(const ResponsesOptions& options, Context& context) : options_(options), context_(context) {
    written_.add("--output", options.output);
  }

  Measured measure(const std::string& name, const std::vector<std::string>& images) {
    LoadedModel loaded = load_model(name, options_.arch, context_.messages);
    for (const std::string& file : loaded.model.data_files) written_.check(std::filesystem::path(name).parent_path() / file);
    const ImageInput input = find_image_input(loaded.model.graph);
    if (input.dtype != DType::float32) throw Error(Fault::unsupported, name + ": takes no floats, and so is not measured");
    const ChosenPreprocessing chosen =
        choose_preprocessing(options_.preprocess, loaded.model, input, classes_of(loaded.model.graph));
    ThreadPool pool(context_.threads(), context_.most_threads());
    return named(name, [&]() -> Measured {
      ResponseMeter meter(std::move(loaded.model.graph), pool);
      choose_batch(meter, input, name);
      if (options_.random > 0) {
        feed_noise(meter, input);
      } else {
        feed_images(meter, input, chosen, images);
      }
      return {name, meter.responses()};
    });
  }

  std::size_t failed() const { return failed_; }

 private:
  static std::optional<std::int64_t> classes_of(const Graph& graph) {
    const Fact& scores = graph.fact(graph.outputs()[0]);
    if (!scores.dims || scores.dims->empty() || !scores.dims->back().is_number()) return std::nullopt;
    return scores.dims->back().number();
  }

  // A fixed batch is kept; what does not fill it is not measured, so that nothing else is in the figures.
  std::int64_t batch_of(const ImageInput& input) const { return input.batch.value_or(alone_ ? 1 : options_.batch_size); }
  void choose_batch(const ResponseMeter& meter, const ImageInput& input, const std::string& name) {
    using Kind = analysis::BatchMixing::Kind;
    alone_ = meter.mixing() && !input.batch;
    if (!meter.mixing()) return;
    const std::string what = meter.mixing()->to_string();
    if (input.batch && meter.mixing()->kind == Kind::mixed) {
      throw Error(Fault::unsupported,
                  fmt::format("the responses to an image would depend on the others of its fixed batch of {}: {}; expected a "
                              "network whose batch is 1 or open",
                              *input.batch, what));
    }
    if (alone_ && (meter.mixing()->kind == Kind::mixed || options_.batch_size > 1)) {
      context_.messages.note(fmt::format(
          "{}: images are run one at a time, for in a batch the responses to one would depend on the others: {}", name, what));
    }
  }

  void feed_noise(ResponseMeter& meter, const ImageInput& input) {
    std::mt19937_64 generator(options_.arch.seed);
    std::normal_distribution<float> normal;
    const std::int64_t height = input.height.value_or(224), width = input.width.value_or(224);
    Progress progress(context_.messages, "images");
    for (std::int64_t done = 0; done < options_.random;) {
      const std::int64_t count = input.batch ? *input.batch : std::min(batch_of(input), options_.random - done);
      Batch batch(input, count, height, width);
      for (std::int64_t i = 0; i < count; ++i) {
        for (float& value : batch.slot(static_cast<std::size_t>(i))) value = normal(generator);
      }
      meter.add(batch.tensor());
      done += count;
      progress.update(static_cast<std::size_t>(std::min(done, options_.random)), static_cast<std::size_t>(options_.random));
      throw_if_interrupted();
    }
  }

  void feed_images(ResponseMeter& meter, const ImageInput& input, const ChosenPreprocessing& chosen,
                   const std::vector<std::string>& images) {
    for (const std::string& image : images) {
      if (image.starts_with('@')) written_.check(image.substr(1));
      if (image == "-") written_.check("/dev/stdin");
    }
    Inputs inputs(images, options_.inputs, context_.stop);
    std::atomic<std::size_t> turned = 0;
    std::vector<image::Pixels> waiting;
    std::size_t measured = 0, seen = 0;
    Progress progress(context_.messages, "images");
    const auto run = [&] {
      Batch batch(input, static_cast<std::int64_t>(waiting.size()), waiting[0].height, waiting[0].width);
      for (std::size_t i = 0; i < waiting.size(); ++i) batch.fill(i, waiting[i], chosen.preprocessing);
      meter.add(batch.tensor());
      measured += waiting.size();
      waiting.clear();
    };
    while (const auto next = inputs.next()) {
      throw_if_interrupted();
      written_.check(next->path);
      ++seen;
      try {
        if (!next->error.empty()) throw Error(Fault::unreadable, Frame::file(Role::input), next->error);
        image::DecodeOptions decode;
        decode.exif = chosen.preprocessing.exif;
        decode.unheeded_orientations = &turned;
        image::Pixels pixels = image::prepare(image::decode(next->path, decode), chosen.preprocessing);
        const bool fits = (!input.height || *input.height == pixels.height) && (!input.width || *input.width == pixels.width);
        if (!fits) {
          throw Error(Fault::unreadable, Frame::file(Role::input),
                      fmt::format("has {}x{} pixels after the preprocessing '{}', expected {}", pixels.width, pixels.height,
                                  chosen.preprocessing.name, input.to_string()));
        }
        // Images of different sizes do not share a batch.
        if (!waiting.empty() && !input.batch && (waiting[0].width != pixels.width || waiting[0].height != pixels.height)) run();
        waiting.push_back(std::move(pixels));
      } catch (const Error& error) {
        if (error.role() != Role::input) throw;
        context_.messages.error(next->path.string() + ": " + error.without_file());
        ++failed_;
        continue;
      }
      if (static_cast<std::int64_t>(waiting.size()) == batch_of(input)) run();
      progress.update(seen, inputs.total());
    }
    if (!waiting.empty() && !input.batch) run();
    if (!waiting.empty()) {
      context_.messages.warning(
          fmt::format("the last {} images do not fill the network's batch of {} and are left out", waiting.size(), *input.batch));
    }
    if (std::exchange(told_, true)) return check_count(measured);
    if (const std::string note = inputs.take_note(); !note.empty()) context_.messages.note(note);
    tell_orientations(turned, context_.messages);
    check_count(measured);
  }

  static void check_count(std::size_t measured) {
    if (measured == 0) throw Error(Fault::unreadable, Frame::file(Role::input), "no image could be measured");
  }

  const ResponsesOptions& options_;
  WrittenFiles written_;
  Context& context_;
  std::size_t failed_ = 0;
  bool alone_ = false;  // whether images are run one at a time: in a batch they would change each other's responses
  bool told_ = false;   // what is said once, however many networks there are
};

table::Table table_of(const std::vector<Measured>& all) {
  table::Table table({{"model", table::Align::left, {}},
                      {"layer", table::Align::right, {}},
                      {"name", table::Align::left, {}},
                      {"std", table::Align::right, 4},
                      {"mean", table::Align::right, 4},
                      {"rank", table::Align::right, {}}});
  for (const Measured& measured : all) {
    for (std::size_t i = 0; i < measured.responses.size(); ++i) {
      const LayerResponse& r = measured.responses[i];
      const auto rank = 1 + std::count_if(measured.responses.begin(), measured.responses.end(),
                                          [&](const LayerResponse& other) { return other.deviation > r.deviation; });
      table.add({measured.name, static_cast<std::int64_t>(i + 1), r.name, r.deviation, r.mean, static_cast<std::int64_t>(rank)});
    }
  }
  return table;
}

std::string figure_of(const std::vector<Measured>& all) {
  chart::Chart original{"Standard deviations of layer responses", "3x3 layer, in the original order", "std", {}};
  chart::Chart sorted{"Sorted by magnitude", "3x3 layer, sorted", "std", {}};
  for (const Measured& measured : all) {
    std::vector<double> deviations;
    for (const LayerResponse& r : measured.responses) deviations.push_back(r.deviation);
    const auto series = [&](const std::vector<double>& values) {
      chart::Series s{fs::path(measured.name).filename().string(), {}, measured.name.find("plain") != std::string::npos};
      for (std::size_t i = 0; i < values.size(); ++i) s.points.emplace_back(static_cast<double>(i + 1), values[i]);
      return s;
    };
    original.series.push_back(series(deviations));
    std::sort(deviations.rbegin(), deviations.rend());
    sorted.series.push_back(series(deviations));
  }
  const chart::Chart charts[] = {original, sorted};
  return chart::to_svg(charts);
}

std::string rendered(const std::vector<Measured>& all, ResponsesFormat format) {
  switch (format) {
    case ResponsesFormat::text: return table_of(all).render(table::Format::text);
    case ResponsesFormat::csv: return table_of(all).render(table::Format::csv);
    case ResponsesFormat::json: return table_of(all).render(table::Format::json);
    case ResponsesFormat::svg: return figure_of(all);
  }
  __builtin_unreachable();
}

int run(const ResponsesOptions& options, Context& context) {
  std::vector<std::string> models = options.models, images;
  for (const std::string& argument : options.arguments) (is_model(argument) ? models : images).push_back(argument);
  if (models.empty()) refuse_without_model(images);
  if (images.empty() && options.random == 0)
    throw Error(Fault::invalid, "no images; expected files, folders, @list.txt, - or --random N");
  if (!images.empty() && options.random > 0)
    throw Error(Fault::invalid, fmt::format("--random and images ('{}') exclude each other", images[0]));
  const auto format_of_output = [&] { return choose_format(options.format, options.output, words<ResponsesFormat>); };
  // What is there may be one of the photos, which is told when they are read.
  std::error_code none;
  if (!std::filesystem::exists(options.output, none)) format_of_output();
  for (const auto& read : {models, images}) check_not_an_input("--output", options.output, read);
  Output output(options.output);
  Measurement measurement(options, context);
  std::vector<Measured> all;
  for (const std::string& name : models) all.push_back(measurement.measure(name, images));
  output.write(rendered(all, format_of_output()));
  output.commit();
  return measurement.failed() > 0 ? exit_codes::inputs_failed : 0;
}

}  // namespace

Command add_responses(CLI::App& program) {
  auto options = std::make_shared<ResponsesOptions>();
  CLI::App* app = program.add_subcommand(
      "responses", "How strong each 3x3 layer responds: the paper's Figure 7, for one or several networks.");
  setup(*app, *options);
  return {app, [options](Context& context) { return run(*options, context); }};
}

}  // namespace resnet::cli
