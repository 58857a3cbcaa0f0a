#include "tests/random/exchange.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "formats/npy/npy.h"
#include "formats/onnx/write.h"
#include "lib/base/error.h"
#include "tests/random/generate.h"
#include "tests/random/judge.h"

namespace resnet::random {

namespace {

namespace fs = std::filesystem;

// The graph with all that was rounded among its outputs.
Model drawn(std::uint64_t seed, Settings& settings) {
  settings = draw_settings(seed);
  Model model;
  model.graph = generate(seed, settings, {.portable = true});
  std::vector<ValueId> outputs(model.graph.outputs().begin(), model.graph.outputs().end());
  for (ValueId id : requantized(model.graph)) {
    if (std::find(outputs.begin(), outputs.end(), id) == outputs.end()) outputs.push_back(id);
  }
  model.graph.set_outputs(std::move(outputs));
  return model;
}

fs::path file_of(const fs::path& folder, std::uint64_t seed, const std::string& ending) {
  return folder / fmt::format("{}.{}", seed, ending);
}

}  // namespace

void write_graphs(const fs::path& folder, std::uint64_t first_seed, std::uint64_t graphs) {
  for (std::uint64_t seed = first_seed; seed < first_seed + graphs; ++seed) {
    Settings settings;
    const Model model = drawn(seed, settings);
    try {
      onnx::write(model, file_of(folder, seed, "onnx"), {.opset = model.graph.nodes().size() % 2 == 0 ? 17 : 22});
    } catch (const Error&) {
      onnx::write(model, file_of(folder, seed, "onnx"), {.opset = 22});
    }
    const auto inputs = make_inputs(model.graph, settings.batch, seed);
    for (std::size_t i = 0; i < inputs.size(); ++i)
      npy::write(file_of(folder, seed, model.graph.value(model.graph.inputs()[i]).name + ".npy"), inputs[i]);
  }
}

Verdict judge_answers(const fs::path& folder, std::uint64_t first_seed, std::uint64_t graphs) {
  Verdict verdict;
  for (std::uint64_t seed = first_seed; seed < first_seed + graphs; ++seed) {
    if (std::ifstream error(file_of(folder, seed, "error")); error) {
      std::string line;
      std::getline(error, line);
      std::printf("seed %llu: not run: %.160s\n", static_cast<unsigned long long>(seed), line.c_str());
      ++verdict.not_run;
      continue;
    }
    Settings settings;
    const Model model = drawn(seed, settings);
    std::vector<Tensor> outputs;
    for (ValueId id : model.graph.outputs()) {
      const Value& value = model.graph.value(id);
      outputs.push_back(npy::read(file_of(folder, seed, value.name + ".out.npy")));
    }
    const auto wrong = judge(model.graph, make_inputs(model.graph, settings.batch, seed), outputs, {.steps = 1});
    ++(wrong ? verdict.wrong : verdict.right);
    if (wrong)
      std::printf("seed %llu: DIFFERS: %s\n%s\n", static_cast<unsigned long long>(seed), wrong->c_str(),
                  print(model.graph).c_str());
  }
  return verdict;
}

}  // namespace resnet::random
