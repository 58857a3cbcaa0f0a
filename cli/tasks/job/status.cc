#include "cli/tasks/job/status.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>

#include "cli/tasks/job/claims.h"
#include "cli/tasks/job/input_list.h"
#include "cli/tasks/job/part.h"
#include "cli/tasks/job/worker.h"
#include "lib/base/counted.h"
#include "lib/base/error.h"

namespace resnet::cli {

JobStatus status_of_job(const std::filesystem::path& folder) {
  if (!read_manifest(folder)) throw Error(Fault::invalid, fmt::format("{}: holds no job", folder.string()));
  const InputList inputs(folder);
  JobStatus status;
  status.inputs = inputs.inputs();
  status.chunks = inputs.chunks();
  if (const auto whole = read_whole(folder)) {
    status.is_whole = true;
    status.failed = whole->failed;
    status.done = status.chunks;
    return status;
  }
  struct Work {
    std::size_t inputs = 0;
    double seconds = 0;
  };
  std::map<std::string, Work> hosts;
  const std::vector<ChunkState> states = look(folder, inputs.chunks());
  for (std::size_t i = 0; i < states.size(); ++i) {
    status.done += states[i].is_done ? 1 : 0;
    status.claimed += !states[i].is_done && states[i].generation > 0 && !states[i].was_given_back ? 1 : 0;
    if (!states[i].is_done) continue;
    const auto end = read_part_end(folder, i);
    if (!end) continue;
    status.failed += end->failed;
    hosts[end->host].inputs += end->inputs;
    hosts[end->host].seconds += end->seconds;
  }
  for (const auto& [host, work] : hosts) {
    status.hosts.push_back(host);
    if (work.seconds > 0) status.inputs_per_second += static_cast<double>(work.inputs) / work.seconds;
  }
  return status;
}

std::string to_string(const JobStatus& status) {
  std::string text =
      fmt::format("{}: {} of {} chunks done", status.is_whole ? "whole" : "not whole yet", status.done, status.chunks);
  if (!status.is_whole) text += fmt::format(", {} claimed", status.claimed);
  text += fmt::format("\n{}, {} failed\n", counted(status.inputs, "input"), status.failed);
  if (!status.hosts.empty())
    text += fmt::format("{:.1f} inputs/s by a worker of each of {}\n", status.inputs_per_second, fmt::join(status.hosts, ", "));
  return text;
}

}  // namespace resnet::cli
