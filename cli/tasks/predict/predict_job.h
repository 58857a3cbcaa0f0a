// `predict --job FOLDER`: one of the processes that answer a list of photos together (cli/tasks/job).
#pragma once

#include <optional>

#include "cli/tasks/job/job.h"
#include "cli/tasks/predict/predict.h"
#include "cli/tasks/task.h"

namespace resnet::cli {

// Of `request` what decides answers is read, and the inputs where nobody has listed them. Throws as PredictTask and the other
// work_on_job.
std::optional<WholeJob> work_on_job(const PredictRequest& request, const JobRequest& job, const TaskContext& context);

}  // namespace resnet::cli
