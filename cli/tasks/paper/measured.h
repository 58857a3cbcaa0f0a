// What was measured here, as other commands wrote it: evaluate's and responses' JSON, train's logs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/tasks/task.h"
#include "cli/tasks/train/files.h"
#include "lib/analysis/printed.h"
#include "lib/arch/spec.h"

namespace resnet::cli {

// One row of `evaluate`.
struct MeasuredError {
  std::string file;
  std::string network;  // the architecture that it was recognised as; empty: another, or an ensemble
  arch::Shortcut shortcut = arch::Shortcut::none;
  arch::Variant variant = arch::Variant::v1;
  std::optional<analysis::Testing> testing;  // one of the paper's ways, or none of them
  double top1 = 0;                           // errors in per cent
  std::optional<double> top5 = {};
  std::int64_t count = 0;  // photos
};

// Standard deviations of the 3x3 layers' responses, in the layers' order.
struct MeasuredResponses {
  std::string model;
  bool plain = false;
  std::vector<double> deviations;
};

struct MeasuredRun {
  std::string file;
  NamedRun run;
};

struct Measured {
  std::vector<MeasuredError> errors;
  std::vector<MeasuredRun> runs;
  std::vector<MeasuredResponses> responses;
};

// `files`: .json and .csv, a log as NAME=FILE where its name is not its network's. `folder`: every .json and .csv in it, by name;
// empty: none. What is of another kind is an Error of a file and a warning of a folder's. Throws Error(unreadable),
// Error(malformed) "FILE: expected ...", and what `before_reading` throws.
Measured read_measured(const std::vector<std::string>& files, const std::string& folder, const TaskContext& context);

}  // namespace resnet::cli
