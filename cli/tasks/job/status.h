// How far a job is, from its folder alone.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cli/tasks/job/manifest.h"

namespace resnet::cli {

// What the processes of a machine have published.
struct HostWork {
  std::string host;
  std::size_t workers = 0, chunks = 0, inputs = 0;
  double inputs_per_second = 0;  // of its workers together, while they computed
};

struct JobStatus {
  bool is_whole = false;
  std::size_t inputs = 0, failed = 0;             // of the whole; failed: of what is done
  std::size_t chunks = 0, done = 0, claimed = 0;  // claimed: and not done
  std::vector<HostWork> hosts;                    // by name, as long as the parts are there
  std::vector<std::string> versions;              // of the programs that began it and worked on it
};
// Throws Error(invalid) where the folder holds no job, Error(unreadable).
JobStatus status_of_job(const std::filesystem::path& folder);
// A few lines.
std::string to_string(const JobStatus& status);

}  // namespace resnet::cli
