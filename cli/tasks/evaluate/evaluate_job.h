// `evaluate --job FOLDER`: one of the processes that evaluate networks on the same photos together (cli/tasks/job).
#pragma once

#include <optional>

#include "cli/tasks/evaluate/evaluate.h"
#include "cli/tasks/job/job.h"
#include "cli/tasks/task.h"

namespace resnet::cli {

// The rows of all photos, as one process would have counted them; EvaluateRow::seconds is the time of all workers together. Of
// `request` what decides answers is read, and the data where nobody has listed them. Nothing where the job is not whole and the
// worker does not wait. Throws as EvaluateTask and work_on_job.
std::optional<EvaluateResult> evaluate_job(const EvaluateRequest& request, const JobRequest& job, const TaskContext& context);

}  // namespace resnet::cli
