#include "tests/random/examine.h"

#include <fmt/format.h>

#include <cstring>
#include <map>
#include <memory>

#include "formats/native/native.h"
#include "formats/onnx/read.h"
#include "formats/onnx/write.h"
#include "lib/base/error.h"
#include "lib/passes/passes.h"
#include "lib/reference/reference.h"
#include "lib/xnnpack/session.h"
#include "tests/random/generate.h"
#include "tests/random/judge.h"
#include "tests/support/temporary_folder.h"

namespace resnet::random {

namespace {

using Tensors = std::vector<Tensor>;

ThreadPool& pool_of(std::size_t threads) {
  static std::map<std::size_t, std::unique_ptr<ThreadPool>> pools;
  auto& pool = pools[threads];
  if (!pool) pool = std::make_unique<ThreadPool>(threads);
  return *pool;
}

Graph through_native(const Graph& graph) {
  static const test::TemporaryFolder folder;
  const auto file = folder.path() / "graph.resnet";
  Model model;
  model.graph = graph;
  native::write(model, file);
  return native::read(file).graph;
}

Graph through_onnx(const Graph& graph) {
  Model model;
  model.graph = graph;
  std::string bytes;
  try {
    bytes = onnx::serialize(model, {.opset = graph.nodes().size() % 2 == 0 ? 17 : 22});
  } catch (const Error&) {
    // Some operators are there later alone: a dilated AveragePool, a mean of bfloat16.
    bytes = onnx::serialize(model, {.opset = 22});
  }
  return onnx::read(std::as_bytes(std::span(bytes)), "graph.onnx", {}).graph;
}

Graph through(Route route, const Graph& graph) {
  switch (route) {
    case Route::as_made: return graph;
    case Route::native: return through_native(graph);
    case Route::onnx: return through_onnx(graph);
  }
  __builtin_unreachable();
}

std::shared_ptr<const xnnpack::Plan> make_plan(const Graph& graph, const Settings& settings, const Tensors& inputs) {
  xnnpack::PlanOptions options;
  options.optimize = settings.optimize;
  options.job.convolutions = settings.convolutions;
  options.job.batch = settings.batch;
  options.pool = &pool_of(settings.threads);
  if (settings.job_shapes) {
    for (const Tensor& input : inputs) options.job.input_shapes.push_back(input.shape());
  }
  auto plan = xnnpack::Plan::make(through(settings.route, graph), options);
  if (!settings.packed) return plan;
  const auto packed = plan->packed_weights();
  if (!packed) return plan;
  options.optimize = false;
  options.packed = *packed;
  return xnnpack::Plan::make(plan->graph(), options);
}

// The image at `place` of each tensor whose first axis is the batch.
Tensor image_of(const Tensor& tensor, std::int64_t place, bool has_batch) {
  if (!has_batch) return tensor;
  std::vector<std::int64_t> dims(tensor.shape().dims().begin(), tensor.shape().dims().end());
  const std::size_t size = tensor.size_bytes() / static_cast<std::size_t>(dims[0]);
  dims[0] = 1;
  Tensor image = Tensor::allocate(tensor.dtype(), Shape(dims));
  if (size > 0) std::memcpy(image.mutable_bytes().data(), tensor.bytes().data() + static_cast<std::size_t>(place) * size, size);
  return image;
}

bool has_batch(const Graph& graph, ValueId id) {
  const auto& dims = graph.fact(id).dims;
  return dims && !dims->empty() && !dims->front().is_number();
}

std::optional<std::string> first_difference(const Graph& graph, const Tensors& a, const Tensors& b, bool of_images = false) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    // What has no batch may be of its size.
    if (of_images && !has_batch(graph, graph.outputs()[i])) continue;
    if (a[i] != b[i]) return graph.value(graph.outputs()[i]).name;
  }
  return std::nullopt;
}

// Each image alone gives the bits that it gives in the batch.
std::optional<std::string> compare_places(const Graph& graph, xnnpack::Session& session, const Tensors& inputs,
                                          const Tensors& outputs, std::int64_t batch) {
  for (std::int64_t place = 0; place < batch; ++place) {
    Tensors alone, expected;
    for (std::size_t i = 0; i < inputs.size(); ++i)
      alone.push_back(image_of(inputs[i], place, has_batch(graph, graph.inputs()[i])));
    for (std::size_t i = 0; i < outputs.size(); ++i)
      expected.push_back(image_of(outputs[i], place, has_batch(graph, graph.outputs()[i])));
    if (const auto name = first_difference(graph, session.run(alone), expected, true)) {
      return fmt::format("output '{}': image {} of {} has other bits than the image alone", *name, place, batch);
    }
  }
  return std::nullopt;
}

// Where pairs become operators on integers: the executor's numbers are those of these operators, and these are within some steps
// of what the pairs give.
std::optional<std::string> judge_integers(const Graph& graph, const Tensors& inputs, const Tensors& outputs) {
  constexpr std::int64_t most_steps = 3;
  PassLog log;
  const Graph integers = integer_arithmetic(graph, log);
  if (auto wrong = judge(integers, inputs, outputs)) return wrong;
  if (log.done.empty()) return std::nullopt;
  if (auto wrong = judge(graph, inputs, reference::evaluate(integers, inputs), {.steps = most_steps}))
    return "as integers: " + *wrong;
  return std::nullopt;
}

std::optional<std::string> run(const Graph& graph, const Settings& settings, std::uint64_t seed) {
  const Tensors inputs = make_inputs(graph, settings.batch, seed);
  const auto plan = make_plan(graph, settings, inputs);
  xnnpack::Session session(plan, pool_of(settings.threads));
  const Tensors outputs = session.run(inputs);
  if (settings.optimize) {
    if (auto wrong = judge_integers(graph, inputs, outputs)) return wrong;
  } else if (auto wrong = judge(graph, inputs, outputs)) {
    return wrong;
  }
  session.run(make_inputs(graph, settings.batch, seed + 1));
  if (const auto name = first_difference(graph, session.run(inputs), outputs))
    return fmt::format("output '{}' has other bits after other inputs", *name);
  if (settings.other_threads) {
    const std::size_t others = settings.threads > 1 ? 1 : 2;
    xnnpack::Session again(plan, pool_of(others));
    if (const auto name = first_difference(graph, again.run(inputs), outputs))
      return fmt::format("output '{}' has other bits with {} threads than with {}", *name, others, settings.threads);
  }
  if (settings.open_batch && settings.batch > 1) {
    xnnpack::Session one(plan, pool_of(1));
    return compare_places(graph, one, inputs, outputs, settings.batch);
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> examine(const Graph& graph, const Settings& settings, std::uint64_t seed) {
  try {
    return run(graph, settings, seed);
  } catch (const std::exception& error) {
    return fmt::format("an error: {}", error.what());
  }
}

}  // namespace resnet::random
