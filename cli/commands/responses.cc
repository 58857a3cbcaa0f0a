// `responses MODEL... IMAGES`: the paper's Figure 7.
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <memory>
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
#include "cli/tasks/named_file.h"
#include "cli/tasks/respond/respond.h"
#include "cli/terminal/output.h"
#include "formats/chart/responses.h"
#include "formats/table/table.h"
#include "lib/base/error.h"

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
                 "models and images, as predict takes them; NAME=MODEL names one in the answer and the legend")
      ->type_name("FILE|ARCH")
      ->option_text("MODEL... IMAGES...");
  app.add_option("-m,--model", options.models, "a model file of any name, or NAME=FILE; may be repeated")
      ->type_name("FILE|ARCH")
      ->check(name_of_file("FILE|ARCH"))
      ->allow_extra_args(false);
  add_integer(app, "--random", options.random, 1, 1'000'000, "this many images of noise instead (normal, deviation 1)");
  add_integer(app, "--batch-size", options.batch_size, 1, 4096, "how many images run at once")->capture_default_str();
  add_choice(app, "--format", options.format,
             "tables, or the plot of Figure 7: in the original order and sorted (default: by the ending of --output, else text)");
  add_text(app, "-o,--output", options.output, "FILE", "the file to write, whole or not at all (default: stdout)");
  app.add_flag("-r,--recursive", options.inputs.recursive, "also search folders within folders");
  app.add_flag("-0,--null", options.inputs.null_separated, "paths on stdin end in NUL, as find -print0 writes them");
  add_text(app, "--input-shape", options.arch.input_shape, "SHAPE", "the input's dims in place of the model's");
  add_preprocess_options(app, options.preprocess, "Preprocessing");
  add_weights_option(app, options.arch);
  add_arch_options(app, options.arch, inits_with_weights, "Where MODEL is an architecture's name");
  app.footer(
      "A response is the output of a 3x3 layer after its batch norm and before the non-linearity and the addition; its\n"
      "strength is its standard deviation over all images, channels and positions (section 4.2 of the paper).\n"
      "\n"
      "Examples:\n"
      "  resnet-cli responses resnet20.onnx resnet56.onnx photos/ -o figure7.svg\n"
      "  resnet-cli responses plain-20=a.onnx ResNet-20=b.onnx photos/ -o figure7.svg\n"
      "  resnet-cli responses plain20 resnet20 --random 64 --seed 1 --format csv");
}

table::Table table_of(const std::vector<RespondRow>& rows) {
  table::Table table({{"model", table::Align::left, {}},
                      {"layer", table::Align::right, {}},
                      {"name", table::Align::left, {}},
                      {"std", table::Align::right, 4},
                      {"mean", table::Align::right, 4},
                      {"rank", table::Align::right, {}},
                      {"plain", table::Align::left, {}}});
  for (const RespondRow& row : rows) {
    for (std::size_t i = 0; i < row.responses.size(); ++i) {
      const LayerResponse& r = row.responses[i];
      const auto rank = 1 + std::count_if(row.responses.begin(), row.responses.end(),
                                          [&](const LayerResponse& other) { return other.deviation > r.deviation; });
      table.add(
          {row.model, static_cast<std::int64_t>(i + 1), r.name, r.deviation, r.mean, static_cast<std::int64_t>(rank), row.plain});
    }
  }
  return table;
}

std::string figure_of(const std::vector<RespondRow>& rows) {
  std::vector<chart::Responses> networks;
  for (const RespondRow& row : rows) {
    networks.push_back({row.model, {}, row.plain});
    for (const LayerResponse& r : row.responses) networks.back().deviations.push_back(r.deviation);
  }
  return chart::responses_svg(networks);
}

std::string text_of(const RespondResult& result, ResponsesFormat format) {
  switch (format) {
    case ResponsesFormat::text: return table_of(result.rows).render(table::Format::text);
    case ResponsesFormat::csv: return table_of(result.rows).render(table::Format::csv);
    case ResponsesFormat::json: return table_of(result.rows).render(table::Format::json);
    case ResponsesFormat::svg: return figure_of(result.rows);
  }
  __builtin_unreachable();
}

void add_model(const NamedFile& model, RespondRequest& request) {
  request.names.push_back(model.name.value_or(""));
  request.models.push_back(model.file);
}

RespondRequest request_of(const ResponsesOptions& options) {
  RespondRequest request;
  for (const std::string& model : options.models) add_model(named_file(model), request);
  for (const std::string& argument : options.arguments) {
    const NamedFile named = named_file(argument);
    if (is_model(named.file)) {
      add_model(named, request);
    } else {
      request.images.push_back(argument);
    }
  }
  if (request.models.empty()) refuse_without_model(request.images);
  if (request.images.empty() && options.random == 0)
    throw Error(Fault::invalid, "no images given; expected files, folders, @list.txt, - or --random N");
  if (!request.images.empty() && options.random > 0)
    throw Error(Fault::invalid, fmt::format("--random and images ('{}') exclude each other", request.images[0]));
  request.arch = options.arch;
  request.preprocess = options.preprocess;
  request.inputs = options.inputs;
  request.random = options.random;
  request.batch_size = options.batch_size;
  return request;
}

int run(const ResponsesOptions& options, Context& context) {
  RespondRequest request = request_of(options);
  context.find_models(request.models);
  const auto format_of_output = [&] { return choose_format(options.format, options.output, words<ResponsesFormat>); };
  // What is there may be one of the photos, which is told when they are read.
  std::error_code none;
  if (!fs::exists(options.output, none)) format_of_output();
  WrittenFiles written;
  written.add("--output", options.output);
  for (const auto& files : {request.models, request.images}) {
    for (const std::string& file : files) written.check(file);
  }
  Output output(options.output);
  TaskContext task = context.task();
  task.before_reading = [&written](const fs::path& file) { written.check(file); };
  const RespondResult result = respond(request, task);
  output.write(text_of(result, format_of_output()));
  output.commit();
  return result.failed > 0 ? exit_codes::inputs_failed : 0;
}

}  // namespace

Command add_responses(CLI::App& program) {
  auto options = std::make_shared<ResponsesOptions>();
  CLI::App* app = program.add_subcommand(
      "responses", "How strongly each 3x3 layer responds: the paper's Figure 7, for one or several networks.");
  setup(*app, *options);
  return {app, [options](Context& context) { return run(*options, context); }};
}

}  // namespace resnet::cli
