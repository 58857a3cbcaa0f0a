// The answers of all parts of a list, as one run would have given them.
#pragma once

#include <string>
#include <vector>

#include "cli/tasks/task.h"

namespace resnet::cli {

struct MergeRequest {
  std::vector<std::string> parts;  // files, in any order
  std::string output;              // appears whole; "": what the caller takes for it
};

struct MergeResult {
  std::size_t parts = 0, answers = 0;
};

// Opens the output once the parts are known to be whole and to belong together. Throws Error(Role::input) with the file where one
// is not what `predict` wrote as a part, is missing, there twice, not complete, of another list or made with something else;
// Error(unwritable), Error(interrupted).
MergeResult merge(const MergeRequest& request, const TaskContext& context);

}  // namespace resnet::cli
