// Whether a network can be run here, and what a user can do where it cannot.
#pragma once

#include <cstdint>
#include <string>

#include "lib/analysis/not_run.h"
#include "lib/graph/graph.h"

namespace resnet::cli {

// "Frobnicate x 49; without them: resnet-cli convert net.onnx --outputs features -o OUT.onnx": the operators that cannot run, and
// the command that leaves them out where there is one. `graph` is the one that `not_run` was found in, `name` the model's.
std::string to_string(const analysis::NotRun& not_run, const Graph& graph, const std::string& name);

// Throws Error(unsupported) with the model's name where a node that the outputs need is of an operator that cannot run, and names
// the command that cuts it off. `run`: the graph as it is to run; `file`: as it was read, whose values the command names.
void refuse_what_cannot_run(const Graph& run, const Graph& file, const std::string& name);

// Throws Error(unsupported) with the model's name where its open batch allows one image and not `batch`, and names the command
// that may change that. `asked`: by what so many were asked for, "--batch-size 8".
void refuse_batch(const Graph& graph, std::int64_t batch, const std::string& asked, const std::string& name);

}  // namespace resnet::cli
