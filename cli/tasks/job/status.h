// How far a job is, from its folder alone.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cli/tasks/job/manifest.h"
#include "cli/tasks/job/work.h"

namespace resnet::cli {

struct JobStatus {
  bool is_whole = false;
  std::size_t inputs = 0, failed = 0;             // of the whole; failed: of what is done
  std::size_t chunks = 0, done = 0, claimed = 0;  // claimed: and not done
  std::vector<HostWork> hosts;                    // by name
  std::vector<std::string> failures;              // of what was to be listed and gave no input
  std::vector<std::string> versions;              // of the programs that began it and worked on it
};
// Throws Error(invalid) where the folder holds no job, Error(unreadable) where it is damaged.
JobStatus status_of_job(const std::filesystem::path& folder);
// A few lines.
std::string to_string(const JobStatus& status);

}  // namespace resnet::cli
