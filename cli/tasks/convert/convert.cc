#include "cli/tasks/convert/convert.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <utility>

#include "cli/tasks/convert/check.h"
#include "cli/tasks/convert/cut.h"
#include "cli/tasks/named.h"
#include "cli/tasks/prepare/networks.h"
#include "formats/labels/labels.h"
#include "formats/native/native.h"
#include "lib/arch/parameters.h"
#include "lib/arch/recognize.h"
#include "lib/base/error.h"
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

// Says how much of it has kept its form.
Graph in_other_form(const Graph& graph, QuantizedForm form, const std::string& model, PassLog& log, Observer& observer) {
  const std::size_t done = log.done.size(), declined = log.declined.size();
  Graph result = in_form(graph, form, log);
  if (const std::size_t kept = log.declined.size() - declined; kept > 0) {
    observer.note(fmt::format("{}: {} node{} no form as {}, and stay{} as {}; --explain names {}", model, kept,
                              kept == 1 ? " has" : "s have", word_of(form), kept == 1 ? "s" : "",
                              kept == 1 ? "it is" : "they are", kept == 1 ? "it" : "them"));
  } else if (log.done.size() == done) {
    observer.note(fmt::format("{}: nothing in it has another form to be written as {}", model, word_of(form)));
  }
  return result;
}

void rewrite(LoadedModel& loaded, const ConvertRequest& request, PassLog& log, Observer& observer) {
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
  if (request.form) graph = in_other_form(graph, *request.form, request.model, log, observer);
  if (request.dtype == DType::float32) {
    graph = remove_dead_nodes(fold_constants(graph, log), log);
    if (last_place(coarsest_type(graph), 1) > 0) graph = remove_no_ops(widen_floats(graph, log), log);
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

// Thrown out of the writing of a file that is not to be.
struct NotTheSame {};

// Nothing where the graph gives no scores of classes.
std::optional<std::int64_t> classes_of(const Graph& graph) {
  try {
    return find_score_output(graph).classes;
  } catch (const Error&) {
    return std::nullopt;
  }
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
  ConvertResult result;
  if (!request_.inputs.empty() || !request_.outputs.empty())
    named(request_.model, [&] { cut_model(model, request_.inputs, request_.outputs, result.log); });
  const Graph before = request_.check > 0 ? model.graph : Graph();
  if (!request_.labels.empty()) model.labels = load_labels(request_.labels, classes_of(model.graph));
  if (request_.preprocess) model.preprocessing = preprocessing_of(*request_.preprocess);
  bool checks = false;  // what it finds names the files that it is of
  const auto check = [&](int written) {
    checks = true;
    if (request_.check > 0) check_written_file(request_, before, written, context_, result);
    checks = false;
    context_.stop.check();
    if (!result.within) throw NotTheSame{};
  };
  try {
    rewrite(loaded_, request_, result.log, context_.observer);
    model.spec = spec_of(model.graph);
    context_.stop.check();
    write_file(model, request_, check);
  } catch (const NotTheSame&) {  // what was found is the result
  } catch (Error& error) {
    if (!checks && error.fault() != Fault::unwritable && error.fault() != Fault::invalid)
      error.in(Frame::file(Role::model, request_.model));
    throw;
  }
  result.nodes = model.graph.nodes().size();
  return result;
}

}  // namespace resnet::cli
