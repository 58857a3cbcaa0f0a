// `--retry-failed`: inputs of a whole job that failed are computed once more, by all processes that are told to, and the answers
// get what that gives.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "cli/tasks/feed/inputs.h"
#include "cli/tasks/job/input_list.h"
#include "cli/tasks/job/worker.h"
#include "cli/tasks/task.h"

namespace resnet::cli {

// What the lines of answers call an input.
using NameOfInput = std::function<std::string(const Input&)>;

// Of a job that is whole. Joins the round that is not over, else begins one where inputs have failed that can be read again. An
// argument that gave no input, and an image of a file that holds several, stay as they are. Nothing where the round is not done
// and this process does not wait. Throws as JobWorker::run, Error(unreadable) where the answers are not of these inputs.
std::optional<WholeJob> retry_failed(const std::filesystem::path& folder, const InputList& inputs, const NameOfInput& name_of,
                                     const JobWorker::Compute& compute, const JobWorker::Options& options,
                                     const TaskContext& context);

}  // namespace resnet::cli
