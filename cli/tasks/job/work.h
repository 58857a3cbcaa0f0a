// Who has computed how much of a job, as the ends of its parts say.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "cli/tasks/job/part.h"

namespace resnet::cli {

struct ProcessWork {
  std::size_t chunks = 0, inputs = 0;
  double seconds = 0;        // that the inputs took
  std::string version = {};  // of the program; empty: not known
};
// By the machine's name and the process's number there.
using JobWork = std::map<std::pair<std::string, std::int64_t>, ProcessWork>;
void add_part(JobWork& work, const PartEndLine& part);

// What the processes of a machine have published.
struct HostWork {
  std::string host;
  std::size_t workers = 0, chunks = 0, inputs = 0;
  double inputs_per_second = 0;  // of its workers together, while they computed
};
// By name.
std::vector<HostWork> by_host(const JobWork& work);

}  // namespace resnet::cli
