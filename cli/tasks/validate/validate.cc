#include "cli/tasks/validate/validate.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <span>
#include <system_error>
#include <utility>

#include "cli/tasks/open/built_in.h"
#include "cli/tasks/open/checkpoint.h"
#include "formats/onnx/opset.h"
#include "formats/onnx/write.h"
#include "lib/analysis/batch_axis.h"
#include "lib/analysis/not_run.h"
#include "lib/arch/recognize.h"
#include "lib/base/error.h"
#include "lib/classify/endpoints.h"

namespace resnet::cli {

namespace {

using onnx::Finding;

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
    if (found->kind == Kind::fixed) {
      findings.push_back({Finding::Level::note, "batch", name_of(node),
                          fmt::format("the batch is open, but only one image can be given: {}; `convert --dynamic-batch` may "
                                      "change that",
                                      found->what)});
      return;
    }
    const std::string consequence =
        input.batch ? fmt::format("its batch is fixed to {}", *input.batch) : "photos are run one at a time";
    findings.push_back({found->kind == Kind::mixed ? Finding::Level::warning : Finding::Level::note, "batch", name_of(node),
                        fmt::format("{} {}: the answer for a photo would depend on the others of its batch; {}", type_of(node.op),
                                    found->what, consequence)});
  } catch (const Error& error) {
    if (error.fault() != Fault::unsupported) throw;  // no classifier of images
  }
}

// Operators that are not known here: a file of them can be looked at, cut and written, but not run.
void check_operators(const Graph& graph, std::vector<Finding>& findings) {
  for (const auto& [op, count, first] : analysis::find_not_run(graph).kinds) {
    const Node& node = graph.node(first);
    findings.push_back(
        {Finding::Level::warning, "not-run", name_of(node),
         fmt::format("{} cannot be run here{}; `resnet-cli ops` lists what can, and `inspect` says where it could be cut", op,
                     count == 1 ? "" : fmt::format(" ({} nodes)", count))});
  }
}

std::vector<Finding> lint_file(const std::string& name, const ArchOptions& arch, const TaskContext& context) {
  const Source source(name);
  refuse_arch_options(source, arch);
  if (!source.is_native() && !holds_weights(source) && !is_published_folder(name)) {
    onnx::Examined examined;
    std::vector<Finding> findings =
        source.is_built_in() ? onnx::lint(built_in_model(), name, {}, &examined) : onnx::lint(name, &examined);
    for (const std::string& file : examined.data_files) context.before_reading(std::filesystem::path(name).parent_path() / file);
    if (examined.model) {
      check_operators(examined.model->graph, findings);
      check_images_alone(examined.model->graph, findings);
    }
    return findings;
  }
  try {
    const Model model =
        source.is_native() ? read_native_file(source, !arch.no_verify) : read_model_file(source, arch, context.observer);
    std::vector<Finding> findings = lint_model(model, name);
    check_operators(model.graph, findings);
    check_images_alone(model.graph, findings);
    return findings;
  } catch (const Error& error) {
    if (error.fault() != Fault::malformed && error.fault() != Fault::unreadable) throw;
    return {{Finding::Level::error, "file", "", error.what()}};
  }
}

// The options of the model itself. Of a file, variant, shortcut, zero channels and classes say what is expected.
ArchOptions arch_of_model(const ValidateRequest& request) {
  ArchOptions options = request.arch;
  const bool is_named = is_arch(request.model);
  if (is_named && request.as_paper && !options.variant) options.variant = arch::Variant::v1;
  if (is_named || request.expect.empty()) return options;
  options.variant = std::nullopt;
  options.shortcut = std::nullopt;
  options.zero_channels = std::nullopt;
  options.classes = 0;
  return options;
}

}  // namespace

ValidateTask::ValidateTask(const ValidateRequest& request, const TaskContext& context)
    : request_(request), context_(context), arch_(arch_of_model(request)) {
  const std::string& name = request.model;
  if (!request.expect.empty() && !arch::find_spec(request.expect))
    throw Error(Fault::invalid, "--expect: " + unknown_arch(request.expect));
  std::error_code ignored;
  const bool is_there = std::filesystem::exists(name, ignored);
  if (const auto spec = is_there ? std::nullopt : find_arch(name, arch_)) {
    Model model;
    model.graph = arch::build(*spec, {.init = arch::Init::he, .seed = request.arch.seed});
    findings_ = lint_model(model, name);
  } else {
    if (!is_there && !is_built_in(name)) load_model(name, arch_, context.observer);  // says what is wrong with the name
    findings_ = lint_file(name, arch_, context);
  }
}

std::vector<Finding> ValidateTask::run() {
  context_.stop.check();
  check_expectations();
  return std::move(findings_);
}

void ValidateTask::fail(const char* rule, const std::string& node, const std::string& message) {
  findings_.push_back({Finding::Level::error, rule, node, message});
}

void ValidateTask::check_expectations() {
  const std::string& name = request_.model;
  if (request_.expect.empty() && request_.expect_macs == 0 && request_.expect_parameters == 0) return;
  try {
    LoadedModel loaded = load_for_examination(name, arch_, false, context_.observer);
    context_.stop.check();
    const Inspection inspection = inspect(name, std::move(loaded.model), 1, Depth::layer);
    const std::string left_out = left_out_text(inspection);
    if ((request_.expect_macs > 0 || request_.expect_parameters > 0) && !left_out.empty())
      fail("expect-macs", "", "not everything can be counted: " + left_out);
    if (request_.expect_macs > 0 && inspection.total.macs != request_.expect_macs) {
      fail("expect-macs", "", fmt::format("{} multiply-adds, expected {}", inspection.total.macs, request_.expect_macs));
    }
    if (request_.expect_parameters > 0 && inspection.total.parameters != request_.expect_parameters) {
      fail("expect-params", "",
           fmt::format("{} parameters, expected {}", inspection.total.parameters, request_.expect_parameters));
    }
    if (!request_.expect.empty()) check_expected_arch(inspection);
  } catch (const Error& error) {
    if (error.fault() == Fault::invalid || error.fault() == Fault::interrupted) throw;
    fail("expect", "", error.what());
  }
}

void ValidateTask::check_expected_arch(const Inspection& inspection) {
  const auto spec = arch::find_spec(request_.expect);
  if (!inspection.recognition) {
    fail("expect", "", fmt::format("expected {}, found none of this family: {}", request_.expect, inspection.not_recognized));
    return;
  }
  const arch::Recognition& found = *inspection.recognition;
  arch::SpecOptions asked;
  asked.variant = request_.arch.variant.value_or(found.spec.variant);
  asked.shortcut = request_.arch.shortcut;
  asked.classes = request_.arch.classes > 0 ? request_.arch.classes : found.spec.classes;
  arch::Spec expected = arch::with_options(*spec, asked);
  if (request_.arch.zero_channels) {
    expected = arch::with_options(expected, {.zero_channels = request_.arch.zero_channels});
  } else {
    expected.zero_channels = found.spec.zero_channels;  // of which the paper does not speak
  }
  const std::string wanted = arch::describe(expected), is = arch::describe(found.spec);
  if (wanted != is) fail("expect", "", fmt::format("is {}, expected {}", is, wanted));
  for (const arch::Difference& difference : found.differences) {
    const std::string what = difference.found.empty() ? "missing after it: " + difference.expected
                             : difference.expected.empty()
                                 ? difference.found + " too many"
                                 : fmt::format("found {}, expected {}", difference.found, difference.expected);
    fail("expect", difference.node, what);
  }
}

std::size_t PaperReport::missed() const {
  return static_cast<std::size_t>(
      std::count_if(checks.begin(), checks.end(), [](const PaperCheck& check) { return !check.passed; }));
}

PaperReport compare_with_paper(arch::Variant variant) {
  PaperReport report;
  report.checks = check_paper(variant);
  return report;
}

PaperReport compare_with_paper(const ValidateRequest& request, const TaskContext& context) {
  PaperReport report;
  report.model = request.model;
  LoadedModel loaded = load_for_examination(request.model, arch_of_model(request), false, context.observer);
  context.stop.check();
  const Inspection inspection = inspect(request.model, std::move(loaded.model), 1, Depth::layer);
  report.checks = check_paper(inspection);
  report.network = inspection.recognition ? inspection.recognition->to_string() : inspection.not_recognized;
  if (!report.checks.empty()) report.compared_with = "Table 1's " + report.checks.front().net + " network";
  return report;
}

}  // namespace resnet::cli
