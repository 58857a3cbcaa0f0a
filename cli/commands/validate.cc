// `validate MODEL`: everything that is wrong or odd, at once; and whether a model is what somebody expects.
#include <fmt/format.h>

#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/commands/commands.h"
#include "cli/commands/exit_codes.h"
#include "cli/options/ending.h"
#include "cli/options/model.h"
#include "cli/options/option.h"
#include "cli/options/written_files.h"
#include "cli/tasks/validate/validate.h"
#include "cli/terminal/output.h"
#include "formats/table/table.h"
#include "lib/base/counted.h"
#include "lib/base/error.h"

namespace resnet::cli {

namespace {

using onnx::Finding;

struct ValidateOptions {
  std::vector<std::string> arguments;
  std::string model, output, expect;
  std::optional<table::Format> format;
  std::int64_t expect_macs = 0, expect_parameters = 0;
  bool paper = false, strict = false;
  ArchOptions arch;
};

void setup(CLI::App& app, ValidateOptions& options) {
  app.add_option("arguments", options.arguments, model_forms)->type_name("FILE|ARCH")->option_text("MODEL");
  add_text(app, "-m,--model", options.model, "FILE|ARCH", "the model, a file of any name");
  add_text(app, "--expect", options.expect, "ARCH",
           "an error unless it is really that network: resnet50, or with --variant and --shortcut a certain one");
  add_integer(app, "--expect-macs", options.expect_macs, 1, INT64_MAX, "an error unless one image costs this many multiply-adds");
  add_integer(app, "--expect-params", options.expect_parameters, 1, INT64_MAX, "an error unless it has this many parameters");
  app.add_flag("--paper", options.paper,
               "also each stage's multiply-adds against the blocks of the paper's Table 1, their sum against its row of FLOPs; "
               "without MODEL "
               "those of the five networks themselves (--variant, default v1)");
  app.add_flag("--strict", options.strict, "warnings count as errors");
  add_choice(app, "--format", options.format, table_formats,
             "format of the findings (default: by the ending of --output, else text)");
  add_text(app, "-o,--output", options.output, "FILE", "the file to write, whole or not at all (default: stdout)");
  add_text(app, "--input-shape", options.arch.input_shape, "SHAPE", "the input's dims in place of the model's");
  add_weights_option(app, options.arch);
  add_arch_options(app, options.arch, words<arch::Init>, "Where MODEL or --expect is an architecture's name");
  app.footer(
      "The exit code is 1 where a finding is an error, else 0.\n"
      "\n"
      "Examples:\n"
      "  resnet-cli validate model.onnx\n"
      "  resnet-cli validate model.onnx --expect resnet50 --expect-macs 4089184256 --format json\n"
      "  resnet-cli validate --paper --format md\n"
      "  resnet-cli validate model.onnx --paper");
}

table::Format format_of(const ValidateOptions& options) { return choose_format(options.format, options.output, table_formats); }

const char* name_of(Finding::Level level) {
  switch (level) {
    case Finding::Level::note: return "note";
    case Finding::Level::warning: return "warning";
    case Finding::Level::error: return "error";
  }
  __builtin_unreachable();
}

nlohmann::ordered_json json_of(const PaperReport& report) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array(), result;
  for (const PaperCheck& c : report.checks) {
    list.push_back({{"net", c.net},
                    {"stage", c.stage},
                    {"macs", c.counted},
                    {"expected", c.expected},
                    {"expected_by", c.expected_by},
                    {"passed", c.passed}});
  }
  if (!report.model.empty()) {
    result["model"] = report.model;
    result["network"] = report.network;
    result["compared_with"] =
        report.compared_with.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(report.compared_with);
  }
  result["passed"] = report.passed();
  result["checks"] = list;
  return result;
}

std::string network_of(const PaperReport& report) {
  return report.model.empty() ? "" : table::printable(fmt::format("{}: {}", report.model, report.network));
}

table::Table table_of(const PaperReport& report) {
  table::Table table({{"net", table::Align::left, {}},
                      {"stage", table::Align::left, {}},
                      {"multiply-adds", table::Align::right, {}},
                      {"expected", table::Align::right, {}},
                      {"result", table::Align::left, {}},
                      {"expected by", table::Align::left, {}}});
  for (const PaperCheck& c : report.checks) {
    table.add({c.net, c.stage, c.counted, c.expected, std::string(c.passed ? "ok" : "MISS"), c.expected_by});
  }
  return table;
}

// As text or Markdown.
std::string text_of(const PaperReport& report, table::Format format) {
  const std::string who = network_of(report), end = format == table::Format::markdown ? "\n" : "";
  if (report.checks.empty()) {
    return fmt::format(
        "{}; Table 1 has no such network (its blocks are those of 18, 34, 50, 101 and 152 layers): nothing to compare\n{}", who,
        end);
  }
  std::string text = table_of(report).render(format) + end;
  if (!who.empty()) {
    text += fmt::format("{}\ncompared with {} (v1: a bottleneck has its stride in its first 1x1; option B; 224x224)\n", who,
                        report.compared_with);
  }
  return text + fmt::format("{} of {} as the paper's Table 1 has them\n{}", report.checks.size() - report.missed(),
                            report.checks.size(), end);
}

// A line for each, of one rule no more than `most` and how many more there are. JSON has them all.
std::string text_of(const std::vector<Finding>& findings) {
  constexpr std::size_t most = 20, longest = 2000;
  std::map<std::pair<Finding::Level, std::string>, std::size_t> all, shown;
  for (const Finding& f : findings) ++all[{f.level, f.rule}];
  std::string text;
  for (const Finding& f : findings) {
    const auto key = std::pair(f.level, f.rule);
    const std::size_t count = ++shown[key];
    if (count <= most) {
      const std::string node = f.node.empty() ? "" : "node '" + f.node + "': ";
      text +=
          fmt::format("{}: {} [{}]\n", name_of(f.level), table::shortened(table::printable(node + f.message), longest), f.rule);
    } else if (count == most + 1) {
      text += fmt::format("{}: ... and {} more [{}] (--format json lists them all)\n", name_of(f.level), all[key] - most, f.rule);
    }
  }
  return text;
}

// How many there are of each level.
struct Count {
  std::size_t errors = 0, warnings = 0, notes = 0;
};

Count count_of(const std::vector<Finding>& findings) {
  Count count;
  for (const Finding& finding : findings) {
    count.errors += finding.level == Finding::Level::error ? 1 : 0;
    count.warnings += finding.level == Finding::Level::warning ? 1 : 0;
    count.notes += finding.level == Finding::Level::note ? 1 : 0;
  }
  return count;
}

nlohmann::ordered_json json_of(const std::string& model, bool valid, const std::vector<Finding>& findings) {
  const Count count = count_of(findings);
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Finding& f : findings)
    list.push_back({{"level", name_of(f.level)}, {"rule", f.rule}, {"node", f.node}, {"message", f.message}});
  return {{"model", model},       {"valid", valid},  {"errors", count.errors}, {"warnings", count.warnings},
          {"notes", count.notes}, {"findings", list}};
}

// "a.onnx: 1 error, 2 warnings, 0 notes"
std::string summary_of(const std::string& model, const std::vector<Finding>& findings) {
  const auto [errors, warnings, notes] = count_of(findings);
  return fmt::format("{}: {}, {}, {}\n", table::printable(model), counted(errors, "error"), counted(warnings, "warning"),
                     counted(notes, "note"));
}

ValidateRequest request_of(const ValidateOptions& options, Context& context) {
  ValidateRequest request;
  request.model = context.find_model(one_model(options.model, options.arguments));
  request.arch = options.arch;
  request.expect = options.expect;
  request.expect_macs = options.expect_macs;
  request.expect_parameters = options.expect_parameters;
  request.as_paper = options.paper;
  return request;
}

bool is_of_a_model(const ValidateOptions& options) { return !options.model.empty() || !options.arguments.empty(); }

// What is asked of a model besides, where there is none.
void refuse_with_paper_alone(const ValidateOptions& options) {
  const ArchOptions& arch = options.arch;
  for (const auto& [option, given] : {std::pair{"--expect", !options.expect.empty()},
                                      {"--expect-macs", options.expect_macs > 0},
                                      {"--expect-params", options.expect_parameters > 0},
                                      {"--strict", options.strict},
                                      {"--input-shape", !arch.input_shape.empty()},
                                      {"--shortcut", arch.shortcut.has_value()},
                                      {"--zero-channels", arch.zero_channels.has_value()},
                                      {"--classes", arch.classes > 0}}) {
    if (given)
      throw Error(Fault::invalid, fmt::format("{} is of a model; expected MODEL besides --paper, or --paper alone", option));
  }
}

// What is found of a model, and Table 1 beside it where that is asked for, too.
struct Outcome {
  std::vector<Finding> findings;
  std::optional<PaperReport> paper;
};

// A row for each; what Table 1 says of the model is one, too.
table::Table table_of(const Outcome& outcome, bool with_paper) {
  table::Table table({{"level"}, {"rule"}, {"node"}, {"message"}});
  for (const Finding& f : outcome.findings) table.add({std::string(name_of(f.level)), f.rule, f.node, f.message});
  if (!outcome.paper || !with_paper) return table;
  for (const PaperCheck& c : outcome.paper->checks) {
    table.add({std::string(c.passed ? "ok" : "error"), std::string("paper"), c.stage,
               fmt::format("{} multiply-adds, expected {} by {}", c.counted, c.expected, c.expected_by)});
  }
  return table;
}

std::string report_of(const std::string& model, const Outcome& outcome, bool valid, table::Format format) {
  switch (format) {
    case table::Format::csv: return table_of(outcome, true).render(format);
    case table::Format::markdown:
      return (outcome.paper ? text_of(*outcome.paper, format) : "") + table_of(outcome, false).render(format) + "\n" +
             summary_of(model, outcome.findings);
    case table::Format::text:
      return (outcome.paper ? text_of(*outcome.paper, format) : "") + text_of(outcome.findings) +
             summary_of(model, outcome.findings);
    case table::Format::json:
    case table::Format::jsonl: break;
  }
  nlohmann::ordered_json result = json_of(model, valid, outcome.findings);
  if (outcome.paper) result.update(json_of(*outcome.paper));
  return result.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

std::string report_of(const PaperReport& report, table::Format format) {
  switch (format) {
    case table::Format::text:
    case table::Format::markdown: return text_of(report, format);
    case table::Format::csv: return table_of(report).render(format);
    case table::Format::json:
    case table::Format::jsonl: break;
  }
  return json_of(report).dump(2) + "\n";
}

int write_paper(const ValidateOptions& options, Output& output) {
  refuse_with_paper_alone(options);
  const PaperReport report = compare_with_paper(options.arch.variant.value_or(arch::Variant::v1));
  output.write(report_of(report, format_of(options)));
  output.commit();
  return report.passed() ? 0 : exit_codes::check_failed;
}

int run(const ValidateOptions& options, Context& context) {
  WrittenFiles written;
  written.add("--output", options.output);
  for (const std::string& argument : options.arguments) written.check(argument);
  written.check(options.model);
  Output output(options.output);
  if (options.paper && !is_of_a_model(options)) return write_paper(options, output);
  const ValidateRequest request = request_of(options, context);
  TaskContext task = context.task();
  task.before_reading = [&written](const std::filesystem::path& file) { written.check(file); };
  ValidateTask validate(request, task);
  const table::Format format = format_of(options);  // inputs that the output would replace were named before
  Outcome outcome{validate.run(), std::nullopt};
  const Count count = count_of(outcome.findings);
  const bool valid = count.errors == 0 && (!options.strict || count.warnings == 0);
  if (options.paper) outcome.paper = compare_with_paper(request, task);
  output.write(report_of(request.model, outcome, valid, format));
  output.commit();
  return valid && (!outcome.paper || outcome.paper->passed()) ? 0 : exit_codes::check_failed;
}

}  // namespace

Command add_validate(CLI::App& program) {
  auto options = std::make_shared<ValidateOptions>();
  CLI::App* app =
      program.add_subcommand("validate", "Everything that is wrong or odd in a model, at once; whether it is what you expect.");
  setup(*app, *options);
  return {app, [options](Context& context) { return run(*options, context); }};
}

}  // namespace resnet::cli
