// `inspect MODEL`: what a network is, and what each layer costs; `inspect A B`: two side by side.
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cli/commands/commands.h"
#include "cli/options/ending.h"
#include "cli/options/model.h"
#include "cli/options/network.h"
#include "cli/options/option.h"
#include "cli/options/written_files.h"
#include "cli/tasks/inspect/inspect.h"
#include "cli/tasks/inspect/paper_table.h"
#include "cli/tasks/prepare/networks.h"
#include "cli/terminal/output.h"
#include "formats/graphviz/render.h"
#include "formats/html/page.h"
#include "lib/base/error.h"
#include "lib/base/parse.h"
#include "lib/xnnpack/plan.h"

namespace resnet::cli {

namespace {

enum class InspectFormat { text, json, csv, markdown, dot, svg, html };
constexpr auto words_of(InspectFormat) {
  return std::to_array<Word<InspectFormat>>({{InspectFormat::text, "text"},
                                             {InspectFormat::json, "json"},
                                             {InspectFormat::csv, "csv"},
                                             {InspectFormat::markdown, "md"},
                                             {InspectFormat::dot, "dot"},
                                             {InspectFormat::svg, "svg"},
                                             {InspectFormat::html, "html"}});
}

bool is_picture(InspectFormat format) { return format == InspectFormat::dot || format == InspectFormat::svg; }

// Nothing for what is more than tables.
std::optional<table::Format> table_format(InspectFormat format) {
  switch (format) {
    case InspectFormat::text: return table::Format::text;
    case InspectFormat::json: return table::Format::json;
    case InspectFormat::csv: return table::Format::csv;
    case InspectFormat::markdown: return table::Format::markdown;
    case InspectFormat::dot:
    case InspectFormat::svg:
    case InspectFormat::html: return std::nullopt;
  }
  __builtin_unreachable();
}

struct InspectOptions {
  std::vector<std::string> arguments;
  std::string model, output, columns, sort;
  std::optional<InspectFormat> format;
  std::optional<Depth> depth;
  std::optional<std::int64_t> batch;
  bool paper = false, plan = false;
  Extra extra;
  xnnpack::Convolutions convolution = xnnpack::Convolutions::automatic;
  ArchOptions arch;
};

void setup(CLI::App& app, InspectOptions& options) {
  app.add_option("arguments", options.arguments, std::string(model_forms) + "; two are shown side by side")
      ->type_name("FILE|ARCH")
      ->option_text("MODEL [MODEL]");
  add_text(app, "-m,--model", options.model, "FILE|ARCH", "the model, a file of any name");
  add_choice(
      app, "--format", options.format,
      "text and md: summary and tables; csv: the layer table; dot, svg: a picture; html: a page with both (default: by the "
      "ending of --output, else text)");
  add_text(app, "-o,--output", options.output, "FILE", "the file to write, whole or not at all (default: stdout)");
  add_choice(app, "--depth", options.depth,
             "what a line of the table, or a box of the picture, stands for (default: layer; of pictures block)");
  add_text(app, "--columns", options.columns, "COLUMNS",
           fmt::format("columns of the layer table, from: {}", fmt::join(column_names(), ",")));
  add_text(app, "--sort", options.sort, "COLUMN", "sort the layer table by this column: numbers from the largest, texts from A");
  add_integer(app, "--batch", options.batch, 1, 1'000'000,
              "count for this many images (default: the file's batch; 1 where it is open, N)");
  app.add_flag("--weights", options.extra.weights, "statistics of every weight: min, max, mean, std, zeros, NaN, Inf");
  app.add_flag("--quantization", options.extra.quantization,
               "types, scales and zero points of every quantized layer; csv: these alone");
  app.add_flag(
      "--plan", options.plan,
      "how it would be run instead of what it is: the steps, and how each convolution is computed (for --batch images at "
      "once)");
  add_convolution_option(app, options.convolution);
  app.add_flag("--paper", options.paper,
               "Table 1 of the paper instead of a model, with the exact counts (--variant, default v1)");
  add_text(app, "--input-shape", options.arch.input_shape, "SHAPE",
           "the input's dims in place of the model's, such as 1x3x224x224 or name:1,3,224,224");
  add_weights_option(app, options.arch);
  add_arch_options(app, options.arch, words<arch::Init>, "Where MODEL is an architecture's name");
  app.footer(
      "MACs are multiply-adds of convolutions and matrix products; what the paper calls FLOPs. Others call twice as many FLOPs.\n"
      "\n"
      "Examples:\n"
      "  resnet-cli inspect resnet50.onnx\n"
      "  resnet-cli inspect resnet50 --variant v1 --depth stage\n"
      "  resnet-cli inspect resnet50.onnx --sort macs --columns name,output,macs,share | head\n"
      "  resnet-cli inspect model.onnx -o model.html\n"
      "  resnet-cli inspect model.onnx resnet50\n"
      "  resnet-cli inspect resnet50 --plan --batch 8\n"
      "  resnet-cli inspect --paper");
}

// Columns of the terminal that will show the output; nothing where none does.
std::optional<std::size_t> terminal_width(const Output& output) {
  if (!output.is_terminal()) return std::nullopt;
  if (const char* columns = std::getenv("COLUMNS"); columns != nullptr) {
    if (const auto number = parse_integer(columns); number && *number > 20) return static_cast<std::size_t>(*number);
  }
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20) return size.ws_col;
  return 100;
}

std::size_t widest_line(const std::string& text) {
  std::size_t widest = 0, begin = 0;
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    widest = std::max(widest, table::display_width(std::string_view(text).substr(begin, end - begin)));
    begin = end + 1;
  }
  return widest;
}

// The table as text of at most this width: the least informative columns go first.
std::string fitted(const Inspection& inspection, std::vector<std::string> columns, const std::string& sort,
                   std::optional<std::size_t> width) {
  std::string text = layer_table(inspection, columns, sort).render(table::Format::text);
  for (const char* dispensable : {"pads", "input", "share", "stride", "parameters", "kernel", "op"}) {
    if (!width || widest_line(text) <= *width || columns.size() <= 2) break;
    std::erase(columns, dispensable);
    text = layer_table(inspection, columns, sort).render(table::Format::text);
  }
  return text;
}

// The usual columns, but for those that are the same for all rows.
std::vector<std::string> usual_columns(Depth depth) {
  if (depth == Depth::layer) return {"name", "op", "input", "output", "kernel", "stride", "pads", "parameters", "macs", "share"};
  return {"name", "input", "output", "parameters", "activations", "macs", "share"};
}

void write_paper(const InspectOptions& options, InspectFormat format, Output& output) {
  const arch::Variant variant = options.arch.variant.value_or(arch::Variant::v1);
  if (is_picture(format)) throw Error(Fault::invalid, "--paper is a table: text, json, csv, md or html");
  const table::Table table = paper_table(variant, format != InspectFormat::text);
  if (format == InspectFormat::html) {
    html::Page page("Deep Residual Learning for Image Recognition, Table 1");
    page.add_table(table);
    output.write(page.render());
  } else {
    output.write(table.render(table_format(format).value()));
  }
}

void write_tables(const InspectOptions& options, const Inspection& inspection, const std::vector<std::string>& columns,
                  bool markdown, Output& output) {
  const auto format = markdown ? table::Format::markdown : table::Format::text;
  for (const SummaryLine& line : summary_of(inspection))
    output.write((markdown ? "    " : "") + table::pad(line.what, 13) + " " + line.text + "\n");
  output.write(std::string("\n"));
  if (markdown) {
    output.write(layer_table(inspection, columns, options.sort).render(format));
  } else {
    output.write(fitted(inspection, columns, options.sort, terminal_width(output)));
  }
  output.write("\n" + convention_table(inspection).render(format));
  if (options.extra.quantization) output.write("\n" + quantization_table(inspection).render(format));
  if (options.extra.weights) output.write("\n" + weight_table(inspection).render(format));
}

InspectRequest request_of(const InspectOptions& options, const std::string& model, Depth depth) {
  return {.model = model, .arch = options.arch, .batch = options.batch, .depth = depth, .weights = options.extra.weights};
}

// Files that hold a model's data beside it are not replaced by the output.
TaskContext task_of(const InspectOptions& options, Context& context) {
  TaskContext task = context.task();
  task.before_reading = [&options](const std::filesystem::path& file) {
    const std::string path = file.string();
    check_not_an_input("--output", options.output, std::span(&path, 1));
  };
  return task;
}

void write_plan(const InspectOptions& options, InspectFormat format, Context& context, Output& output) {
  const auto kind = table_format(format);
  if (!kind) throw Error(Fault::invalid, "--plan is a table: text, json, csv or md");
  const InspectRequest request =
      request_of(options, context.find_model(one_model(options.model, options.arguments)), Depth::layer);
  table::Table table({{"layer"}, {"kind"}, {"method"}});
  for (const xnnpack::StepInfo& step : plan_of(request, options.convolution, context.task()))
    table.add({step.node, step.kind, step.method});
  output.write(table.render(*kind));
}

// Two models, side by side.
void write_pair(const InspectOptions& options, const std::vector<std::string>& names, InspectFormat format, Depth depth,
                Context& context, Output& output) {
  if (is_picture(format)) {
    throw Error(Fault::invalid,
                fmt::format("{} is a picture of one model; expected text, json, csv, md or html for two", word_of(format)));
  }
  for (const auto& [name, given] : {std::pair{"--columns", !options.columns.empty()},
                                    {"--sort", !options.sort.empty()},
                                    {"--weights", options.extra.weights},
                                    {"--quantization", options.extra.quantization},
                                    {"--plan", options.plan}}) {
    if (given) throw Error(Fault::invalid, fmt::format("{} is of one model; unexpected argument '{}'", name, names[1]));
  }
  const TaskContext task = task_of(options, context);
  const auto inspect_one = [&](const std::string& name) {
    InspectRequest request = request_of(options, context.find_model(name), depth);
    request.arch = options_of_one(name, request.arch, names);
    return inspect(request, task);
  };
  const Inspection a = inspect_one(names[0]), b = inspect_one(names[1]);
  if (format == InspectFormat::json) return output.write(to_json(a, b));
  if (format == InspectFormat::html) return output.write(to_html(a, b));
  const table::Format kind = table_format(format).value();
  if (kind != table::Format::csv) output.write(pair_table(a, b).render(kind) + "\n");
  output.write(pair_layers(a, b).render(kind));
}

void write_one(const InspectOptions& options, InspectFormat format, Depth depth, Context& context, Output& output) {
  // A picture shows layers even where the network is none of the family.
  const std::string model = context.find_model(one_model(options.model, options.arguments));
  const Inspection inspection =
      inspect(request_of(options, model, is_picture(format) ? Depth::layer : depth), task_of(options, context));
  // Where there is no room for it in what is written.
  const bool is_bare = is_picture(format) || format == InspectFormat::csv;
  if (const std::string text = is_bare ? not_run_text(inspection) : ""; !text.empty())
    context.messages.note(fmt::format("{}: cannot run {}", model, table::printable(text)));
  if (const std::string text = format == InspectFormat::csv ? left_out_text(inspection) : ""; !text.empty())
    context.messages.note(fmt::format("{}: not counted: {}", model, table::printable(text)));
  std::vector<std::string> columns = usual_columns(depth);
  if (!options.columns.empty()) columns = split(options.columns, ',');
  switch (format) {
    case InspectFormat::text:
    case InspectFormat::markdown: return write_tables(options, inspection, columns, format == InspectFormat::markdown, output);
    case InspectFormat::csv:
      if (options.extra.quantization) return output.write(quantization_table(inspection).render(table::Format::csv));
      if (options.columns.empty()) columns = column_names();
      return output.write(layer_table(inspection, columns, options.sort).render(table::Format::csv));
    case InspectFormat::json: return output.write(to_json(inspection, options.extra));
    case InspectFormat::html: return output.write(to_html(inspection, depth, options.extra));
    case InspectFormat::dot: return output.write(graphviz::to_dot(diagram_of(inspection, depth)));
    case InspectFormat::svg: return output.write(graphviz::to_svg(diagram_of(inspection, depth)));
  }
}

void write_models(const InspectOptions& options, InspectFormat format, Context& context, Output& output) {
  std::vector<std::string> names = options.arguments;
  if (!options.model.empty()) names.insert(names.begin(), options.model);
  if (options.plan && names.size() < 2) return write_plan(options, format, context, output);
  if (names.size() > 2) throw Error(Fault::invalid, fmt::format("unexpected argument '{}'", names[2]));
  const Depth depth = options.depth.value_or(is_picture(format) ? Depth::block : Depth::layer);
  if (names.size() == 2) return write_pair(options, names, format, depth, context, output);
  write_one(options, format, depth, context, output);
}

int run(const InspectOptions& options, Context& context) {
  const InspectFormat format = choose_format(options.format, options.output, words<InspectFormat>);
  check_not_an_input("--output", options.output, options.arguments);
  check_not_an_input("--output", options.output, std::span(&options.model, 1));
  Output output(options.output);
  if (options.paper) {
    if (!options.model.empty() || !options.arguments.empty()) throw Error(Fault::invalid, "--paper takes no model");
    write_paper(options, format, output);
  } else {
    write_models(options, format, context, output);
  }
  output.commit();
  return 0;
}

}  // namespace

Command add_inspect(CLI::App& program) {
  auto options = std::make_shared<InspectOptions>();
  CLI::App* app = program.add_subcommand(
      "inspect", "What a network is, layer by layer: shapes, parameters, multiply-adds, as tables, as data or as a picture.");
  setup(*app, *options);
  return {app, [options](Context& context) { return run(*options, context); }};
}

}  // namespace resnet::cli
