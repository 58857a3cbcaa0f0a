// Random graphs for another program to run, and what it answered.
#pragma once

#include <cstdint>
#include <filesystem>

namespace resnet::random {

// Writes `graphs` graphs that onnxruntime can run: SEED.onnx, SEED.NAME.npy for each input.
void write_graphs(const std::filesystem::path& folder, std::uint64_t first_seed, std::uint64_t graphs);

// Judges the answers: SEED.NAME.out.npy for each output of a graph, or SEED.error where it could not be run. Prints a line for
// each that is wrong, and the graph.
struct Verdict {
  std::uint64_t right = 0, wrong = 0, not_run = 0;
};
Verdict judge_answers(const std::filesystem::path& folder, std::uint64_t first_seed, std::uint64_t graphs);

}  // namespace resnet::random
