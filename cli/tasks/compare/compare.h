// How far two models are from each other, or a model from outputs that were kept, value by value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/tasks/task.h"
#include "lib/base/words.h"
#include "lib/measure/compare.h"

namespace resnet::cli {

// Which difference must be within the tolerance.
enum class CompareBy { max, mean, median };
constexpr auto words_of(CompareBy) {
  return std::to_array<Word<CompareBy>>({{CompareBy::max, "max"}, {CompareBy::mean, "mean"}, {CompareBy::median, "median"}});
}

struct CompareRequest {
  std::string model;                // A
  std::vector<std::string> others;  // B; or what A's outputs should be, .npy or .pb (a TensorProto) files in their order
  // Such files for A's inputs, in their order; those after its last input are expected outputs. None: random inputs, two models.
  std::vector<std::string> inputs;
  std::string arch;         // of weights without a graph, as timm names it; empty: found from their names and shapes
  std::int64_t random = 4;  // images
  std::uint64_t seed = 1;   // of them
  double atol = 1e-4, rtol = 1e-4;
  CompareBy by = CompareBy::max;
  bool layers = false;  // also every value that both models make under one name
};

struct ComparedValue {
  std::string name;
  TensorDifference difference;
  bool within = false;
  std::string other = {};  // what B calls it, where that is another name
};

struct CompareResult {
  std::string a, b;                    // as they were named
  std::vector<ComparedValue> outputs;  // in A's order; B's of the same name, else the next of another
  // B by the executor against a plain evaluator: where both models are run by the executor, its own faults would not show. Empty
  // where the network is too large for it.
  std::vector<ComparedValue> judged;
  std::vector<ComparedValue> layers;            // in A's order
  bool within = true;                           // all of them
  std::optional<std::string> first_divergence;  // of the layers
};

// Whether it is a file of one tensor, by its name.
bool is_tensor_file(const std::string& name);

// Throws Error: of the models and the files, Error(invalid) where they do not fit together, Error(failed) where the models are of
// different kinds, Error(interrupted).
CompareResult compare(const CompareRequest& request, const TaskContext& context);

}  // namespace resnet::cli
