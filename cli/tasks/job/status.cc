#include "cli/tasks/job/status.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

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

void add_work(JobStatus& status, const JobWork& work) {
  status.hosts = by_host(work);
  std::set<std::string> versions(status.versions.begin(), status.versions.end());
  for (const auto& [who, one] : work) {
    if (!one.version.empty()) versions.insert(one.version);
  }
  status.versions.assign(versions.begin(), versions.end());
}

}  // namespace

JobStatus status_of_job(const std::filesystem::path& folder) {
  const auto manifest = read_manifest(folder);
  if (!manifest) throw Error(Fault::invalid, fmt::format("{}: holds no job", folder.string()));
  const InputList inputs(folder, InputList::Size{manifest->inputs, manifest->chunk});
  JobStatus status;
  status.inputs = inputs.inputs();
  status.chunks = inputs.chunks();
  status.failures = manifest->failures;
  status.versions = {manifest->identity.version};
  if (const auto whole = read_whole(folder)) {
    status.is_whole = true;
    status.failed = whole->failed;
    status.done = status.chunks;
    add_work(status, whole->work);
    return status;
  }
  JobWork work;
  const std::vector<ChunkState> states = look(folder, inputs.chunks());
  for (std::size_t i = 0; i < states.size(); ++i) {
    status.done += states[i].is_done ? 1 : 0;
    status.claimed += !states[i].is_done && states[i].generation > 0 && !states[i].was_given_back ? 1 : 0;
    if (!states[i].is_done) continue;
    const auto end = read_part_end(folder, i);
    if (!end) continue;
    status.failed += end->failed;
    add_part(work, *end);
  }
  add_work(status, work);
  return status;
}

std::string to_string(const JobStatus& status) {
  std::string text =
      fmt::format("{}: {} of {} chunks done", status.is_whole ? "whole" : "not whole yet", status.done, status.chunks);
  if (!status.is_whole) text += fmt::format(", {} claimed", status.claimed);
  text += fmt::format("\n{}, {} failed\n", counted(status.inputs, "input"), status.failed);
  for (const std::string& failure : status.failures) text += table::printable(failure) + "\n";
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
