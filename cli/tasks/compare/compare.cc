#include "cli/tasks/compare/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <span>
#include <type_traits>
#include <utility>

#include "cli/tasks/named.h"
#include "cli/tasks/open/checkpoint.h"
#include "cli/tasks/open/model.h"
#include "cli/tasks/open/runnable.h"
#include "formats/npy/npy.h"
#include "formats/onnx/read.h"
#include "lib/analysis/batch_axis.h"
#include "lib/base/error.h"
#include "lib/base/threads.h"
#include "lib/measure/common_layers.h"
#include "lib/passes/passes.h"

namespace resnet::cli {

namespace {

Tensor read_tensor(const std::string& name) { return name.ends_with(".pb") ? onnx::read_tensor(name) : npy::read(name); }

std::vector<Tensor> read_tensors(std::span<const std::string> names) {
  std::vector<Tensor> tensors;
  for (const std::string& name : names) tensors.push_back(read_tensor(name));
  return tensors;
}

[[noreturn]] void refuse_alone() { throw Error(Fault::invalid, "expected two models, or a model and its expected outputs"); }

class Comparison {
 public:
  Comparison(const CompareRequest& request, const TaskContext& context)
      : request_(request), context_(context), pool_(context.threads.asked, context.threads.at_once) {}

  CompareResult run() {
    const Graph a = load(request_.model);
    take_back_outputs(a);
    if (request_.others.empty() && request_.inputs.size() <= a.inputs().size()) refuse_alone();
    inputs_ = inputs_of(a);
    result_.a = request_.model;
    result_.b = request_.others[0];
    if (is_tensor_file(result_.b)) {
      compare_with_files(a);
    } else {
      compare_with_model(a);
    }
    for (const auto* values : {&result_.outputs, &result_.judged, &result_.layers}) {
      for (const ComparedValue& value : *values) result_.within = result_.within && value.within;
    }
    const auto first = std::find_if_not(result_.layers.begin(), result_.layers.end(), [](const auto& v) { return v.within; });
    if (first != result_.layers.end()) result_.first_divergence = first->name;
    return std::move(result_);
  }

 private:
  Graph load(const std::string& name) {
    ArchOptions options;
    if (is_weights_file(name) || is_published_folder(name)) options.arch = request_.arch;
    LoadedModel loaded = load_for_examination(name, options, true, context_.observer);
    for (const std::string& file : loaded.model.data_files)
      context_.before_reading(std::filesystem::path(name).parent_path() / file);
    context_.stop.check();
    refuse_what_cannot_run(loaded.model.graph, loaded.model.graph, name);
    return std::move(loaded.model.graph);
  }

  // The tensors after the model's own inputs are expected outputs, where it has so many.
  void take_back_outputs(const Graph& graph) {
    const std::size_t count = graph.inputs().size(), given = request_.others.size();
    const bool stored = std::all_of(request_.others.begin(), request_.others.end(), is_tensor_file);
    std::vector<std::string>& inputs = request_.inputs;
    if (!stored || inputs.size() <= count || inputs.size() - count + given > graph.outputs().size()) return;
    const auto first = inputs.begin() + static_cast<std::ptrdiff_t>(count);
    request_.others.insert(request_.others.end(), first, inputs.end());
    inputs.erase(first, inputs.end());
  }

  std::int64_t images_of(const Graph& a) const {
    const auto why = request_.random > 1 ? analysis::why_one_alone(a) : std::nullopt;
    if (!why) return request_.random;
    context_.observer.note(fmt::format("{}: compared by one image, for it takes no more: {}", request_.model, why->to_string()));
    return 1;
  }

  std::vector<Tensor> inputs_of(const Graph& a) const {
    std::vector<Tensor> inputs = read_tensors(request_.inputs);
    if (inputs.empty()) inputs = named(request_.model, [&] { return random_inputs(a, images_of(a), request_.seed); });
    if (inputs.size() != a.inputs().size()) {
      throw Error(Fault::invalid, fmt::format("{} inputs given, {} has {}", inputs.size(), request_.model, a.inputs().size()));
    }
    return inputs;
  }

  static std::vector<std::string> names_of_outputs(const Graph& graph) {
    std::vector<std::string> names;
    for (const ValueId id : graph.outputs()) names.push_back(graph.value(id).name);
    return names;
  }

  // Which of B's outputs each of A's is compared with: the one of its name, else the next that has no other.
  static std::vector<std::size_t> partners_of(const std::vector<std::string>& names, const std::vector<std::string>& others) {
    constexpr std::size_t none = static_cast<std::size_t>(-1);
    std::vector<std::size_t> partners(names.size(), none);
    std::vector<bool> taken(others.size(), false);
    for (std::size_t i = 0; i < names.size(); ++i) {
      const auto same = std::find(others.begin(), others.end(), names[i]);
      if (same == others.end() || taken[static_cast<std::size_t>(same - others.begin())]) continue;
      partners[i] = static_cast<std::size_t>(same - others.begin());
      taken[partners[i]] = true;
    }
    for (std::size_t& partner : partners) {
      if (partner != none) continue;
      partner = static_cast<std::size_t>(std::find(taken.begin(), taken.end(), false) - taken.begin());
      taken[partner] = true;
    }
    return partners;
  }

  std::vector<Tensor> run_one(const std::string& name, const Graph& graph, bool optimize) {
    context_.stop.check();
    return named(name, [&] { return run_graph(graph, inputs_for(graph, inputs_), pool_, optimize); });
  }

  bool is_within(const TensorDifference& d) const {
    if (!d.problem.empty()) return false;
    const double most = std::max(request_.atol + request_.rtol * d.scale, d.last_place);
    switch (request_.by) {
      case CompareBy::max: return d.within();
      case CompareBy::mean: return d.mean <= most;
      case CompareBy::median: return d.median <= most;
    }
    __builtin_unreachable();
  }

  std::vector<ComparedValue> compare_all(const std::vector<std::string>& names, const std::vector<Tensor>& a,
                                         const std::vector<Tensor>& b, double of_scale = 0) const {
    std::vector<ComparedValue> values;
    for (std::size_t i = 0; i < names.size(); ++i) {
      ComparedValue value{names[i], difference_of(a[i], b[i], {request_.atol, request_.rtol, of_scale}), false};
      value.within = is_within(value.difference);
      values.push_back(std::move(value));
    }
    return values;
  }

  void compare_with_files(const Graph& a) {
    if (request_.layers) throw Error(Fault::invalid, "--layers is for two models");
    if (request_.inputs.empty()) throw Error(Fault::invalid, "stored outputs need the inputs that they are of: --input");
    std::vector<Tensor> expected = read_tensors(request_.others);
    std::vector<std::string> names = names_of_outputs(a);
    if (expected.size() > names.size()) {
      throw Error(Fault::invalid, fmt::format("{} expected outputs, {} has {}", expected.size(), request_.model, names.size()));
    }
    names.resize(expected.size());
    const std::vector<Tensor> found = run_one(request_.model, a, true);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      // NumPy's files have no bfloat16: it is kept as float32.
      const bool stands_for = found[i].dtype() == DType::bfloat16 && expected[i].dtype() == DType::float32;
      if (stands_for && request_.others[i].ends_with(".npy")) expected[i] = converted(expected[i], DType::bfloat16);
    }
    result_.outputs = compare_all(names, found, expected);
  }

  void compare_with_model(const Graph& a) {
    if (request_.others.size() > 1) throw Error(Fault::invalid, fmt::format("unexpected argument '{}'", request_.others[1]));
    const std::string& name = request_.others[0];
    const Graph b = load(name);
    if (a.outputs().size() != b.outputs().size()) {
      throw Error(Fault::failed,
                  fmt::format("{} has {} output{} and {} has {}: the models are of different kinds", request_.model,
                              a.outputs().size(), a.outputs().size() == 1 ? "" : "s", name, b.outputs().size()));
    }
    const std::vector<std::string> names = names_of_outputs(a), others = names_of_outputs(b);
    const std::vector<std::size_t> partners = partners_of(names, others);
    const std::vector<Tensor> of_a = run_one(request_.model, a, true);
    std::vector<Tensor> of_b;
    for (const std::vector<Tensor> found = run_one(name, b, true); const std::size_t partner : partners)
      of_b.push_back(found[partner]);
    result_.outputs = compare_all(names, of_a, of_b);
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (others[partners[i]] != names[i]) result_.outputs[i].other = others[partners[i]];
    }
    result_.judged = judge_executor(name, b, others);
    if (!request_.layers) return;
    const CommonLayers common = common_layers(a, b);
    // Node by node, but in the arithmetic that quantized networks have when they run.
    const auto layers_of = [&](const std::string& model, const Graph& graph) {
      PassLog log;
      return run_one(model, integer_arithmetic(graph, log), false);
    };
    result_.layers = compare_all(common.names, layers_of(request_.model, common.a), layers_of(name, common.b));
  }

  std::vector<ComparedValue> judge_executor(const std::string& name, const Graph& graph, const std::vector<std::string>& names) {
    context_.stop.check();
    const auto reference = named(name, [&] { return reference_of(graph, inputs_for(graph, inputs_), reference_macs); });
    if (!reference) {
      context_.observer.note(name + ": too large for the plain evaluator; the executor ran both models");
      return {};
    }
    return compare_all(names, named(name, [&] { return run_graph(graph, reference->inputs, pool_); }), reference->outputs,
                       rounding_of_scale(coarsest_type(graph)));
  }

  CompareRequest request_;
  const TaskContext& context_;
  ThreadPool pool_;
  std::vector<Tensor> inputs_;
  CompareResult result_;
};

}  // namespace

bool is_tensor_file(const std::string& name) { return name.ends_with(".npy") || name.ends_with(".pb"); }

CompareResult compare(const CompareRequest& request, const TaskContext& context) {
  if (request.others.empty() && request.inputs.empty()) refuse_alone();
  return Comparison(request, context).run();
}

}  // namespace resnet::cli
