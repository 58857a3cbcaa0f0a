#include "cli/tasks/convert/convert.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <utility>

#include "cli/tasks/prepare/networks.h"
#include "formats/labels/labels.h"
#include "formats/native/native.h"
#include "formats/onnx/read.h"
#include "lib/arch/parameters.h"
#include "lib/arch/recognize.h"
#include "lib/base/error.h"
#include "lib/base/threads.h"
#include "lib/classify/endpoints.h"

namespace resnet::cli {

namespace fs = std::filesystem;

namespace {

Graph simplify(Graph graph, PassLog& log) {
  graph = fold_constants(graph, log, {.dequantize = false});
  graph = remove_no_ops(graph, log);
  graph = merge_transposes(graph, log);
  graph = merge_pads(graph, log);
  return remove_dead_nodes(graph, log);
}

void rewrite(LoadedModel& loaded, const ConvertRequest& request, PassLog& log) {
  Graph& graph = loaded.model.graph;
  if (request.seed) {
    if (!loaded.spec && graph.inputs().size() < 2)
      throw Error(Fault::invalid,
                  fmt::format("--seed initialises weights that are inputs, but {} has all its weights", loaded.name));
    graph = arch::make_weights(graph, *request.seed);
  }
  if (request.dynamic_batch) graph = open_batch(graph, log);
  if (request.simplify) graph = simplify(std::move(graph), log);
  if (request.rename) graph = arch::rename_as_built(graph, arch::recognize(graph));
  if (request.fold_batch_norm) graph = remove_dead_nodes(fold_batch_norm(graph, log), log);
  if (request.dtype == DType::float32) {
    graph = remove_dead_nodes(fold_constants(graph, log), log);
  } else if (request.dtype) {
    graph = store_weights(graph, *request.dtype, log);
  }
  if (request.strip_weights) graph = strip_weights(graph, log);
}

// Of a network that the graph is without a difference.
std::optional<arch::Spec> spec_of(const Graph& graph) {
  try {
    arch::Recognition recognition = arch::recognize(graph);
    if (recognition.is_exact()) return std::move(recognition.spec);
  } catch (const Error&) {  // there is nothing in it to recognise
  }
  return std::nullopt;
}

// `check` is given the whole file before it has its name.
void write_file(const Model& model, const ConvertRequest& request, const std::function<void(int descriptor)>& check) {
  const fs::path file = request.output;
  if (request.native) {
    for (const auto& [name, given] :
         {std::pair{"--external-data", request.external_data}, {"--strip-metadata", request.strip_metadata}}) {
      if (given) throw Error(Fault::invalid, fmt::format("{} is for ONNX files, but {} is a .resnet file", name, request.output));
    }
    return native::write(model, file, check);
  }
  onnx::WriteOptions write;
  write.opset = request.opset;
  write.strip_metadata = request.strip_metadata;
  if (request.external_data) write.external_data = file.filename().string() + ".data";
  write.before_naming = check;
  onnx::write(model, file, write);
}

// Nothing where the graph gives no scores of classes.
std::optional<std::int64_t> classes_of(const Graph& graph) {
  try {
    return find_score_output(graph).classes;
  } catch (const Error&) {
    return std::nullopt;
  }
}

Tolerance tolerance_of(const ConvertRequest& request, const Graph& graph) {
  if (request.tolerance) return {*request.tolerance, *request.tolerance};
  Tolerance tolerance;
  tolerance.of_scale =
      std::max(rounding_of_scale(request.dtype.value_or(DType::float32)), rounding_of_scale(coarsest_type(graph)));
  return tolerance;
}

void add_differences(const ConvertRequest& request, const Graph& graph, const std::string& inputs, const std::vector<Tensor>& a,
                     const std::vector<Tensor>& b, ConvertResult& result) {
  const Tolerance tolerance = tolerance_of(request, graph);
  for (std::size_t i = 0; i < b.size(); ++i) {
    CheckedOutput checked{inputs, graph.value(graph.outputs()[i]).name, difference_of(a.at(i), b[i], tolerance)};
    result.within = result.within && checked.difference.within();
    result.checks.push_back(std::move(checked));
  }
}

// Both networks are run by the executor, which must not be its own judge: some images of the model are also computed by the plain
// evaluator.
void check(const ConvertRequest& request, const Graph& before, int written, const TaskContext& context, ConvertResult& result) {
  const Model model = request.native ? native::read(written, request.output) : onnx::read(written, request.output);
  tell_notes(model, request.output, context.observer);
  const Graph& after = model.graph;
  ThreadPool pool(context.threads.asked, context.threads.at_once);
  const std::vector<Tensor> inputs = random_inputs(before, request.check, 1);
  if (inputs.size() != after.inputs().size())
    throw Error(Fault::unsupported, "--check: the two have different inputs (--strip-weights?)");
  const auto count = [](const std::vector<Tensor>& given) { return fmt::format("{} random inputs", given[0].shape()[0]); };
  add_differences(request, before, count(inputs), run_graph(after, inputs, pool), run_graph(before, inputs, pool), result);
  context.stop.check();
  const auto reference = reference_of(before, inputs, reference_macs);
  if (!reference) {
    context.observer.note("--check: the network is too large for the plain evaluator; the executor ran both files");
    return;
  }
  add_differences(request, before, count(reference->inputs) + " by the plain evaluator",
                  run_graph(after, reference->inputs, pool), reference->outputs, result);
}

// Of a file the seed is that of its inputs.
ArchOptions arch_of(const ConvertRequest& request) {
  ArchOptions arch = request.arch;
  if (!is_arch(request.model)) arch.seed = 0;
  return arch;
}

}  // namespace

ConvertTask::ConvertTask(const ConvertRequest& request, const TaskContext& context)
    : request_(request),
      context_(context),
      loaded_(load_for_examination(request.model, arch_of(request), true, context.observer)) {
  for (const std::string& file : loaded_.model.data_files) context.before_reading(fs::path(request.model).parent_path() / file);
}

ConvertResult ConvertTask::run() {
  context_.stop.check();
  Model& model = loaded_.model;
  const Graph before = request_.check > 0 ? model.graph : Graph();
  if (!request_.labels.empty()) model.labels = load_labels(request_.labels, classes_of(model.graph));
  if (request_.preprocess) model.preprocessing = preprocessing_of(*request_.preprocess);
  ConvertResult result;
  bool checks = false;  // what it finds names the files that it is of
  const auto check_written = [&](int written) {
    checks = true;
    if (request_.check > 0) check(request_, before, written, context_, result);
    checks = false;
    context_.stop.check();
  };
  try {
    rewrite(loaded_, request_, result.log);
    model.spec = spec_of(model.graph);
    context_.stop.check();
    write_file(model, request_, check_written);
  } catch (Error& error) {
    if (!checks && error.fault() != Fault::unwritable && error.fault() != Fault::invalid)
      error.in(Frame::file(Role::model, request_.model));
    throw;
  }
  result.nodes = model.graph.nodes().size();
  return result;
}

}  // namespace resnet::cli
