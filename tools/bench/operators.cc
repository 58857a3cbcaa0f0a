// The operators of ResNet-18 and ResNet-50 one by one, as plans run them: GFLOP/s for what multiplies, GB/s for what moves bytes.
//   resnet_bench_operators --benchmark_filter=conv
// Arguments in the names: batch, threads, then the layer.

#include <benchmark/benchmark.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "lib/base/threads.h"
#include "lib/xnnpack/plan.h"
#include "lib/xnnpack/session.h"

namespace resnet {
namespace {

Tensor random_tensor(Shape shape) {
  Tensor tensor = Tensor::allocate(DType::float32, std::move(shape));
  std::mt19937 generator(1);
  std::uniform_real_distribution<float> uniform(-1, 1);
  for (float& value : tensor.mutable_data<float>()) value = uniform(generator);
  return tensor;
}

Fact float_fact(const Shape& shape) { return Fact::of(DType::float32, Dims(shape.dims().begin(), shape.dims().end())); }

// Runs the one step of a graph's plan again and again; layout changes around it are left out.
void measure(benchmark::State& state, const Graph& graph, const std::string& kind, const std::vector<Shape>& shapes, double work,
             const char* unit) {
  ThreadPool pool(static_cast<std::size_t>(state.range(1)));
  xnnpack::Session session(xnnpack::Plan::make(graph), pool);
  std::vector<Tensor> inputs;
  for (const Shape& shape : shapes) inputs.push_back(random_tensor(shape));
  session.run(inputs);
  std::size_t step = 0;
  while (step < session.step_count() && session.step_info(step).kind != kind) ++step;
  if (step == session.step_count()) return state.SkipWithError(("no step of kind " + kind).c_str());
  for (auto _ : state) session.run_step(step);
  state.counters[unit] = benchmark::Counter(work * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
}

struct Layer {
  std::int64_t inputs, outputs, size, kernel, stride;
};

void convolution(benchmark::State& state, const Layer& layer) {
  const std::int64_t batch = state.range(0), pad = layer.kernel / 2,
                     out = (layer.size + 2 * pad - layer.kernel) / layer.stride + 1;
  const Shape x{batch, layer.inputs, layer.size, layer.size};
  Graph graph;
  const ValueId input = graph.add_input("x", float_fact(x));
  const ValueId weight = graph.add_constant("w", random_tensor({layer.outputs, layer.inputs, layer.kernel, layer.kernel}));
  const ValueId bias = graph.add_constant("b", random_tensor({layer.outputs}));
  Conv op;
  op.pads = {pad, pad, pad, pad};
  op.strides = {layer.stride, layer.stride};
  graph.set_outputs({graph.append(Relu{}, {graph.append(op, {input, weight, bias}, "conv")}, "relu", {"y"})});
  const double multiplications =
      static_cast<double>(batch * out * out * layer.outputs) * static_cast<double>(layer.inputs * layer.kernel * layer.kernel);
  measure(state, graph, "convolution", {x}, 2 * multiplications, "GFLOP/s");
}

void add(benchmark::State& state, std::int64_t channels, std::int64_t size) {
  const Shape x{state.range(0), channels, size, size};
  Graph graph;
  const ValueId a = graph.add_input("a", float_fact(x)), b = graph.add_input("b", float_fact(x));
  graph.set_outputs({graph.append(Relu{}, {graph.append(Add{}, {a, b}, "add")}, "relu", {"y"})});
  measure(state, graph, "add", {x, x}, 12.0 * static_cast<double>(x.elements()), "GB/s");
}

void max_pool(benchmark::State& state) {
  const Shape x{state.range(0), 64, 112, 112};
  Graph graph;
  const ValueId input = graph.add_input("x", float_fact(x));
  MaxPool op;
  op.kernel_shape = {3, 3};
  op.pads = {1, 1, 1, 1};
  op.strides = {2, 2};
  graph.set_outputs({graph.append(op, {input}, "pool", {"y"})});
  measure(state, graph, "max_pool", {x}, 5.0 * static_cast<double>(x.elements()), "GB/s");
}

void global_pool(benchmark::State& state) {
  const Shape x{state.range(0), 2048, 7, 7};
  Graph graph;
  const ValueId input = graph.add_input("x", float_fact(x));
  graph.set_outputs({graph.append(GlobalAveragePool{}, {input}, "pool", {"y"})});
  measure(state, graph, "mean", {x}, 4.0 * static_cast<double>(x.elements()), "GB/s");
}

void fully_connected(benchmark::State& state, std::int64_t inputs) {
  const Shape x{state.range(0), inputs};
  Graph graph;
  const ValueId input = graph.add_input("x", float_fact(x));
  Gemm op;
  op.transB = true;
  graph.set_outputs({graph.append(op, {input, graph.add_constant("w", random_tensor({1000, inputs}))}, "fc", {"y"})});
  measure(state, graph, "product", {x}, 2000.0 * static_cast<double>(state.range(0) * inputs), "GFLOP/s");
}

void register_all() {
  const auto each = [](benchmark::internal::Benchmark* b) {
    b->ArgNames({"batch", "threads"})->ArgsProduct({{1, 8}, {1, 2}})->UseRealTime()->Unit(benchmark::kMicrosecond);
  };
  const std::vector<Layer> layers = {{3, 64, 224, 7, 2},    {64, 64, 56, 3, 1},   {64, 128, 56, 3, 2},  {128, 128, 28, 3, 1},
                                     {256, 256, 14, 3, 1},  {512, 512, 7, 3, 1},  {64, 256, 56, 1, 1},  {256, 64, 56, 1, 1},
                                     {256, 512, 56, 1, 2},  {128, 512, 28, 1, 1}, {512, 128, 28, 1, 1}, {256, 1024, 14, 1, 1},
                                     {1024, 256, 14, 1, 1}, {512, 2048, 7, 1, 1}, {2048, 512, 7, 1, 1}};
  for (const Layer& l : layers) {
    const std::string name = "conv" + std::to_string(l.kernel) + "x" + std::to_string(l.kernel) + "/" + std::to_string(l.inputs) +
                             "to" + std::to_string(l.outputs) + "at" + std::to_string(l.size) + (l.stride == 2 ? "by2" : "");
    each(benchmark::RegisterBenchmark(name.c_str(), [l](benchmark::State& state) { convolution(state, l); }));
  }
  for (const auto& [channels, size] : std::vector<std::pair<std::int64_t, std::int64_t>>{{64, 56}, {256, 56}, {1024, 14}}) {
    const std::string name = "add_relu/" + std::to_string(channels) + "at" + std::to_string(size);
    each(benchmark::RegisterBenchmark(name.c_str(), [c = channels, s = size](benchmark::State& state) { add(state, c, s); }));
  }
  each(benchmark::RegisterBenchmark("max_pool3x3", max_pool));
  each(benchmark::RegisterBenchmark("global_pool", global_pool));
  for (const std::int64_t inputs : {512, 2048}) {
    each(benchmark::RegisterBenchmark(("fc/" + std::to_string(inputs)).c_str(),
                                      [inputs](benchmark::State& state) { fully_connected(state, inputs); }));
  }
}

}  // namespace
}  // namespace resnet

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  resnet::register_all();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
