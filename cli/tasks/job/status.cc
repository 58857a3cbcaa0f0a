#include "cli/tasks/job/status.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdint>
#include <map>
#include <set>

#include "cli/tasks/job/claims.h"
#include "cli/tasks/job/input_list.h"
#include "cli/tasks/job/part.h"
#include "cli/tasks/job/worker.h"
#include "formats/table/text.h"
#include "lib/base/counted.h"
#include "lib/base/error.h"

namespace resnet::cli {

namespace {

struct Work {
  std::size_t chunks = 0, inputs = 0;
  double seconds = 0;
};
using WorkOfProcesses = std::map<std::int64_t, Work>;

HostWork sum_of(const std::string& host, const WorkOfProcesses& processes) {
  HostWork sum{.host = host, .workers = processes.size()};
  for (const auto& [process, work] : processes) {
    sum.chunks += work.chunks;
    sum.inputs += work.inputs;
    if (work.seconds > 0) sum.inputs_per_second += static_cast<double>(work.inputs) / work.seconds;
  }
  return sum;
}

}  // namespace

JobStatus status_of_job(const std::filesystem::path& folder) {
  const auto manifest = read_manifest(folder);
  if (!manifest) throw Error(Fault::invalid, fmt::format("{}: holds no job", folder.string()));
  const InputList inputs(folder);
  JobStatus status;
  status.inputs = inputs.inputs();
  status.chunks = inputs.chunks();
  status.versions = {manifest->identity.version};
  if (const auto whole = read_whole(folder)) {
    status.is_whole = true;
    status.failed = whole->failed;
    status.done = status.chunks;
    return status;
  }
  std::map<std::string, WorkOfProcesses> hosts;
  std::set<std::string> versions = {manifest->identity.version};
  const std::vector<ChunkState> states = look(folder, inputs.chunks());
  for (std::size_t i = 0; i < states.size(); ++i) {
    status.done += states[i].is_done ? 1 : 0;
    status.claimed += !states[i].is_done && states[i].generation > 0 && !states[i].was_given_back ? 1 : 0;
    if (!states[i].is_done) continue;
    const auto end = read_part_end(folder, i);
    if (!end) continue;
    status.failed += end->failed;
    if (!end->version.empty()) versions.insert(end->version);
    Work& work = hosts[end->host][end->process];
    ++work.chunks;
    work.inputs += end->inputs;
    work.seconds += end->seconds;
  }
  for (const auto& [host, processes] : hosts) status.hosts.push_back(sum_of(host, processes));
  status.versions.assign(versions.begin(), versions.end());
  return status;
}

std::string to_string(const JobStatus& status) {
  std::string text =
      fmt::format("{}: {} of {} chunks done", status.is_whole ? "whole" : "not whole yet", status.done, status.chunks);
  if (!status.is_whole) text += fmt::format(", {} claimed", status.claimed);
  text += fmt::format("\n{}, {} failed\n", counted(status.inputs, "input"), status.failed);
  double together = 0;
  for (const HostWork& work : status.hosts) {
    together += work.inputs_per_second;
    text += fmt::format("{}: {}, {}, {:.1f} inputs/s\n", table::printable(work.host), counted(work.workers, "worker"),
                        counted(work.chunks, "chunk"), work.inputs_per_second);
  }
  if (status.hosts.size() > 1) text += fmt::format("together: {:.1f} inputs/s\n", together);
  if (status.versions.size() > 1)
    text += fmt::format("mixed versions: {}\n", table::printable(fmt::format("{}", fmt::join(status.versions, ", "))));
  return text;
}

}  // namespace resnet::cli
