#include "cli/tasks/job/work.h"

namespace resnet::cli {

void add_part(JobWork& work, const PartEndLine& part) {
  ProcessWork& one = work[{part.host, part.process}];
  ++one.chunks;
  one.inputs += part.inputs;
  one.seconds += part.seconds;
  one.version = part.version;
}

std::vector<HostWork> by_host(const JobWork& work) {
  std::vector<HostWork> hosts;
  for (const auto& [who, one] : work) {
    if (hosts.empty() || hosts.back().host != who.first) hosts.push_back({.host = who.first});
    HostWork& sum = hosts.back();
    ++sum.workers;
    sum.chunks += one.chunks;
    sum.inputs += one.inputs;
    if (one.seconds > 0) sum.inputs_per_second += static_cast<double>(one.inputs) / one.seconds;
  }
  return hosts;
}

}  // namespace resnet::cli
