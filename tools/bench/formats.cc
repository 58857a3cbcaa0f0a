// How long model files take to open and to be written: ResNet-50 as .resnet and as ONNX, and its weights as safetensors,
// in the page cache.
//   resnet_bench_formats

#include <benchmark/benchmark.h>

#include <filesystem>

#include "formats/native/native.h"
#include "formats/onnx/read.h"
#include "formats/onnx/write.h"
#include "formats/safetensors/safetensors.h"
#include "lib/arch/build.h"

namespace resnet {
namespace {

// Made once, and gone with the program.
class Files {
 public:
  Files() : folder_(std::filesystem::temp_directory_path() / "resnet_bench_formats") {
    std::filesystem::create_directories(folder_);
    model.graph = arch::build(*arch::find_spec("resnet50"), {.seed = 1});
    native::write(model, native());
    onnx::write(model, onnx());
    for (const Node& node : model.graph.nodes()) {
      if (const auto* constant = get_if<Constant>(&node.op)) weights.tensors.push_back({node.outputs[0].name, constant->value});
    }
    safetensors::write(weights, safetensors());
  }
  ~Files() { std::filesystem::remove_all(folder_); }
  std::filesystem::path native() const { return folder_ / "resnet50.resnet"; }
  std::filesystem::path onnx() const { return folder_ / "resnet50.onnx"; }
  std::filesystem::path safetensors() const { return folder_ / "resnet50.safetensors"; }
  std::filesystem::path other(const std::string& name) const { return folder_ / name; }

  Model model;
  Weights weights;

 private:
  std::filesystem::path folder_;
};

const Files& files() {
  static const Files made;
  return made;
}

void open_native_mapped(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(native::read(files().native(), {.verify = false}));
}
void open_native_verified(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(native::read(files().native()));
}
void open_onnx(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(onnx::read(files().onnx()));
}
void open_safetensors(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(safetensors::read(files().safetensors()));
}
void write_native(benchmark::State& state) {
  for (auto _ : state) native::write(files().model, files().other("written.resnet"));
}
void write_onnx(benchmark::State& state) {
  for (auto _ : state) onnx::write(files().model, files().other("written.onnx"));
}
void write_safetensors(benchmark::State& state) {
  for (auto _ : state) safetensors::write(files().weights, files().other("written.safetensors"));
}
BENCHMARK(open_native_mapped)->Unit(benchmark::kMillisecond);
BENCHMARK(open_native_verified)->Unit(benchmark::kMillisecond);
BENCHMARK(open_onnx)->Unit(benchmark::kMillisecond);
BENCHMARK(open_safetensors)->Unit(benchmark::kMillisecond);
BENCHMARK(write_native)->Unit(benchmark::kMillisecond);
BENCHMARK(write_onnx)->Unit(benchmark::kMillisecond);
BENCHMARK(write_safetensors)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace resnet

int main(int argc, char** argv) {
  resnet::files();  // before anything is measured
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
