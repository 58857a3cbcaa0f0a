// `validate MODEL`: everything that is wrong or odd, at once; and whether a model is what somebody expects.
#include <fmt/format.h>

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cli/commands/commands.h"
#include "cli/commands/exit_codes.h"
#include "cli/options/ending.h"
#include "cli/options/model.h"
#include "cli/options/option.h"
#include "cli/options/written_files.h"
#include "cli/tasks/inspect/inspection.h"
#include "cli/tasks/inspect/paper_table.h"
#include "cli/tasks/open/model.h"
#include "cli/terminal/output.h"
#include "formats/native/native.h"
#include "formats/onnx/lint.h"
#include "formats/onnx/opset.h"
#include "formats/onnx/write.h"
#include "formats/table/table.h"
#include "lib/analysis/batch_axis.h"
#include "lib/arch/recognize.h"
#include "lib/base/error.h"
#include "lib/base/interrupt.h"
#include "lib/classify/endpoints.h"

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
  app.add_option("arguments", options.arguments, "a file *.onnx or *.resnet, or an architecture's name")
      ->type_name("FILE|ARCH")
      ->option_text("MODEL");
  add_text(app, "-m,--model", options.model, "FILE|ARCH", "the model, whatever its name");
  add_text(app, "--expect", options.expect, "ARCH",
           "an error unless it is really that network: resnet50, or with --variant and --shortcut a certain one");
  add_integer(app, "--expect-macs", options.expect_macs, 1, INT64_MAX, "an error unless one image costs so many multiply-adds");
  add_integer(app, "--expect-params", options.expect_parameters, 1, INT64_MAX, "an error unless it has so many parameters");
  app.add_flag(
      "--paper", options.paper,
      "each stage's multiply-adds against the blocks of the paper's Table 1, their sum against its row of FLOPs: of MODEL, or of "
      "the five networks themselves (--variant, default v1)");
  app.add_flag("--strict", options.strict, "warnings count as errors");
  add_choice(app, "--format", options.format, report_formats, "of the findings (default: by the ending of --output, else text)");
  add_text(app, "-o,--output", options.output, "FILE", "the file to write, whole or not at all (default: stdout)");
  add_text(app, "--input-shape", options.arch.input_shape, "SHAPE", "the input's dims in place of the model's");
  add_arch_options(app, options.arch, words<arch::Init>, "Where MODEL or --expect is an architecture's name");
  app.footer(
      "The exit code is 1 where a finding is an error, else 0.\n"
      "\n"
      "Examples:\n"
      "  resnet-cli validate model.onnx\n"
      "  resnet-cli validate model.onnx --expect resnet50 --expect-macs 4089184256 --format json\n"
      "  resnet-cli validate --paper\n"
      "  resnet-cli validate model.onnx --paper");
}

const char* name_of(Finding::Level level) {
  switch (level) {
    case Finding::Level::note: return "note";
    case Finding::Level::warning: return "warning";
    case Finding::Level::error: return "error";
  }
  __builtin_unreachable();
}

// Of a model, or the five networks themselves.
struct PaperReport {
  std::vector<PaperCheck> checks;
  std::string model, network;  // empty: none was named
  std::string compared_with;   // empty: Table 1 has no such network
};

PaperReport compare_with_paper(const ValidateOptions& options, Context& context) {
  PaperReport report;
  if (options.model.empty() && options.arguments.empty()) {
    report.checks = check_paper(options.arch.variant.value_or(arch::Variant::v1));
    return report;
  }
  report.model = one_model(options.model, options.arguments);
  ArchOptions arch = options.arch;
  if (!arch.variant && arch::find_spec(report.model)) arch.variant = arch::Variant::v1;  // the paper's
  LoadedModel loaded = load_for_examination(report.model, arch, false, context.messages);
  const Inspection inspection = inspect(report.model, std::move(loaded.model), 1, Depth::layer);
  report.checks = check_paper(inspection);
  report.network = inspection.recognition ? inspection.recognition->to_string() : inspection.not_recognized;
  if (!report.checks.empty()) report.compared_with = "Table 1's " + report.checks.front().net + " network";
  return report;
}

nlohmann::ordered_json json_of(const PaperReport& report, bool passed) {
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
  result["passed"] = passed;
  result["checks"] = list;
  return result;
}

std::string text_of(const PaperReport& report, std::size_t missed) {
  const std::string who = report.model.empty() ? "" : table::printable(fmt::format("{}: {}", report.model, report.network));
  if (report.checks.empty()) {
    return fmt::format(
        "{}; Table 1 has no such network (its blocks are those of 18, 34, 50, 101 and 152 layers): nothing to compare\n", who);
  }
  table::Table table({{"net", table::Align::left, {}},
                      {"stage", table::Align::left, {}},
                      {"multiply-adds", table::Align::right, {}},
                      {"expected", table::Align::right, {}},
                      {"result", table::Align::left, {}},
                      {"expected by", table::Align::left, {}}});
  for (const PaperCheck& c : report.checks) {
    table.add({c.net, c.stage, c.counted, c.expected, std::string(c.passed ? "ok" : "MISS"), c.expected_by});
  }
  std::string text = table.render(table::Format::text);
  if (!who.empty()) {
    text += fmt::format("{}\ncompared with {} (v1: a bottleneck has its stride in its first 1x1; option B; 224x224)\n", who,
                        report.compared_with);
  }
  return text + fmt::format("{} of {} as the paper's Table 1 has them\n", report.checks.size() - missed, report.checks.size());
}

int write_paper(const PaperReport& report, table::Format format, Output& output) {
  std::size_t missed = 0;
  for (const PaperCheck& check : report.checks) missed += check.passed ? 0 : 1;
  const bool passed = missed == 0 && !report.checks.empty();
  if (format == table::Format::json) {
    output.write(json_of(report, passed).dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
  } else {
    output.write(text_of(report, missed));
  }
  output.commit();
  return passed ? 0 : exit_codes::check_failed;
}

// What the user expects, as findings.
void check_expectations(const ValidateOptions& options, Context& context, std::vector<Finding>& findings) {
  if (options.expect.empty() && options.expect_macs == 0 && options.expect_parameters == 0) return;
  const auto fail = [&](const char* rule, const std::string& node, const std::string& message) {
    findings.push_back({Finding::Level::error, rule, node, message});
  };
  ArchOptions arch = options.arch;
  const std::string name = one_model(options.model, options.arguments);
  // The variant and the shortcut say what is expected, unless the model is itself a name.
  if (!arch::find_spec(name)) {
    arch.variant = std::nullopt;
    arch.shortcut = std::nullopt;
    arch.classes = 0;
  }
  try {
    LoadedModel loaded = load_for_examination(name, arch, false, context.messages);
    const Inspection inspection = inspect(name, std::move(loaded.model), 1, Depth::layer);
    if (options.expect_macs > 0 && inspection.total.macs != options.expect_macs) {
      fail("expect-macs", "", fmt::format("{} multiply-adds, expected {}", inspection.total.macs, options.expect_macs));
    }
    if (options.expect_parameters > 0 && inspection.total.parameters != options.expect_parameters) {
      fail("expect-params", "",
           fmt::format("{} parameters, expected {}", inspection.total.parameters, options.expect_parameters));
    }
    if (options.expect.empty()) return;
    const auto spec = arch::find_spec(options.expect);
    if (!inspection.recognition) {
      fail("expect", "", fmt::format("expected {}, found none of this family: {}", options.expect, inspection.not_recognized));
      return;
    }
    const arch::Recognition& found = *inspection.recognition;
    arch::SpecOptions asked;
    asked.variant = options.arch.variant.value_or(found.spec.variant);
    asked.shortcut = options.arch.shortcut;
    asked.classes = options.arch.classes > 0 ? options.arch.classes : found.spec.classes;
    const arch::Spec expected = arch::with_options(*spec, asked);
    const std::string wanted = arch::describe(expected), is = arch::describe(found.spec);
    if (wanted != is) fail("expect", "", fmt::format("is {}, expected {}", is, wanted));
    for (const arch::Difference& difference : found.differences) {
      const std::string what = difference.found.empty() ? "missing behind it: " + difference.expected
                               : difference.expected.empty()
                                   ? difference.found + " too many"
                                   : fmt::format("found {}, expected {}", difference.found, difference.expected);
      fail("expect", difference.node, what);
    }
  } catch (const Error& error) {
    if (error.fault() == Fault::invalid) throw;
    fail("expect", "", error.what());
  }
}

// A graph that was read is sound; what it holds is examined as ONNX would have it, at the newest opset that can express it.
std::vector<Finding> lint_model(const Model& model, const std::string& name) {
  for (const std::int64_t opset : {onnx::newest_opset, onnx::newest_opset_with_old_softmax}) {
    try {
      const std::string bytes = onnx::serialize(model, {.opset = static_cast<int>(opset)});
      return onnx::lint(std::as_bytes(std::span(bytes)), name, {});
    } catch (const Error& error) {
      if (error.fault() != Fault::unsupported) throw;
      if (opset == onnx::newest_opset_with_old_softmax) return {{Finding::Level::note, "export", "", error.what()}};
    }
  }
  __builtin_unreachable();
}

// A network of images in whose batches one would change the answer for another.
void check_images_alone(const Graph& graph, std::vector<Finding>& findings) {
  using Kind = analysis::BatchMixing::Kind;
  try {
    const ImageInput input = find_image_input(graph);
    const ValueId scores = graph.outputs()[find_score_output(graph).index];
    const auto found = analysis::find_batch_mixing(graph, std::span(&scores, 1));
    if (!found || found->kind == Kind::unknown) return;
    const Node& node = graph.node(found->node);
    const std::string consequence =
        input.batch ? fmt::format("its batch is fixed to {}", *input.batch) : "photos are run one at a time";
    findings.push_back({found->kind == Kind::mixed ? Finding::Level::warning : Finding::Level::note, "batch",
                        node.name.empty() ? node.outputs[0].name : node.name,
                        fmt::format("{} {}: the answer for a photo would depend on the others of its batch; {}", type_of(node.op),
                                    found->what, consequence)});
  } catch (const Error& error) {
    if (error.fault() != Fault::unsupported) throw;  // no classifier of images
  }
}

std::vector<Finding> lint_file(const std::string& name, const ArchOptions& arch, const WrittenFiles& written) {
  const Source source(name);
  if (!source.is_native()) {
    onnx::Examined examined;
    std::vector<Finding> findings = onnx::lint(name, &examined);
    for (const std::string& file : examined.data_files) written.check(std::filesystem::path(name).parent_path() / file);
    if (examined.model) check_images_alone(examined.model->graph, findings);
    return findings;
  }
  try {
    const Model model = read_native_file(source, !arch.no_verify);
    std::vector<Finding> findings = lint_model(model, name);
    check_images_alone(model.graph, findings);
    return findings;
  } catch (const Error& error) {
    if (error.fault() != Fault::malformed && error.fault() != Fault::unreadable) throw;
    return {{Finding::Level::error, "file", "", error.what()}};
  }
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

int run(const ValidateOptions& options, Context& context) {
  WrittenFiles written;
  written.add("--output", options.output);
  for (const std::string& argument : options.arguments) written.check(argument);
  written.check(options.model);
  const auto format_of_output = [&] { return choose_format(options.format, options.output, report_formats); };
  Output output(options.output);
  if (options.paper) return write_paper(compare_with_paper(options, context), format_of_output(), output);
  const std::string name = one_model(options.model, options.arguments);
  if (!options.expect.empty() && !arch::find_spec(options.expect))
    throw Error(Fault::invalid, "--expect: " + unknown_arch(options.expect));
  std::vector<Finding> findings;
  std::error_code ignored;
  if (const auto spec = std::filesystem::exists(name, ignored) ? std::nullopt : find_arch(name, options.arch)) {
    Model model;
    model.graph = arch::build(*spec, {.init = arch::Init::he, .seed = options.arch.seed});
    findings = lint_model(model, name);
  } else {
    if (!std::filesystem::exists(name, ignored))
      load_model(name, options.arch, context.messages);  // says what is wrong with the name
    findings = lint_file(name, options.arch, written);
  }
  const table::Format format = format_of_output();  // inputs that the output would replace were named before
  throw_if_interrupted();
  check_expectations(options, context, findings);
  std::size_t errors = 0, warnings = 0, notes = 0;
  for (const Finding& finding : findings) {
    errors += finding.level == Finding::Level::error ? 1 : 0;
    warnings += finding.level == Finding::Level::warning ? 1 : 0;
    notes += finding.level == Finding::Level::note ? 1 : 0;
  }
  const bool failed = errors > 0 || (options.strict && warnings > 0);
  if (format == table::Format::json) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const Finding& f : findings)
      list.push_back({{"level", name_of(f.level)}, {"rule", f.rule}, {"node", f.node}, {"message", f.message}});
    const nlohmann::ordered_json result = {{"model", name},        {"valid", !failed}, {"errors", errors},
                                           {"warnings", warnings}, {"notes", notes},   {"findings", list}};
    output.write(result.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
  } else {
    output.write(text_of(findings));
    output.write(fmt::format("{}: {} error{}, {} warning{}, {} note{}\n", table::printable(name), errors, errors == 1 ? "" : "s",
                             warnings, warnings == 1 ? "" : "s", notes, notes == 1 ? "" : "s"));
  }
  output.commit();
  return failed ? exit_codes::check_failed : 0;
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
