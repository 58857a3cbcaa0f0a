// A model by its name, looked at: what it is and costs, or how it would be run.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/tasks/inspect/inspection.h"
#include "cli/tasks/open/model.h"
#include "cli/tasks/task.h"
#include "lib/xnnpack/plan.h"

namespace resnet::cli {

struct InspectRequest {
  std::string model;  // a file, or an architecture's name
  ArchOptions arch;
  std::optional<std::int64_t> batch = {};  // images at once; nothing: the file's, 1 where it is open
  Depth depth = Depth::layer;              // what a row of the table stands for
  bool weights = false;                    // also figures of every weight
};
// Throws Error: of the model, Error(interrupted), and what `before_reading` throws.
Inspection inspect(const InspectRequest& request, const TaskContext& context);

// The steps in which the model would be run by the context's threads. Throws as inspect(), and Error(unsupported).
std::vector<xnnpack::StepInfo> plan_of(const InspectRequest& request, xnnpack::Convolutions convolutions,
                                       const TaskContext& context);

}  // namespace resnet::cli
