#include "lib/base/processors.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <memory>
#include <set>
#include <sstream>
#include <string>

namespace resnet {

namespace fs = std::filesystem;

namespace {

std::string first_line(const fs::path& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line;
}

// Where a hierarchy of cgroups is mounted, and which of its groups is there.
struct Mount {
  std::string group, point;
};

bool has_word(const std::string& list, const std::string& word) { return ("," + list + ",").find("," + word + ",") != list.npos; }

// The mount that limits processors: of version 2, or of version 1's controller "cpu".
std::optional<Mount> find_mount(const fs::path& root, bool version_2) {
  std::ifstream in(root / "proc/self/mountinfo");
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    Mount mount;
    std::string number, parent, device, word, type, source, options;
    words >> number >> parent >> device >> mount.group >> mount.point;
    while (words >> word && word != "-") {
    }
    words >> type >> source >> options;
    if (version_2 ? type == "cgroup2" : type == "cgroup" && has_word(options, "cpu")) return mount;
  }
  return std::nullopt;
}

// The process's own group, a path from the hierarchy's top: "/system.slice/x".
std::optional<std::string> own_group(const fs::path& root, bool version_2) {
  std::ifstream in(root / "proc/self/cgroup");
  for (std::string line; std::getline(in, line);) {
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == line.npos || second == line.npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (version_2 ? line.starts_with("0:") && controllers.empty() : has_word(controllers, "cpu")) return line.substr(second + 1);
  }
  return std::nullopt;
}

// What one group grants.
std::optional<double> quota_of(const fs::path& group, bool version_2) {
  std::string quota, period;
  if (version_2) {
    std::istringstream(first_line(group / "cpu.max")) >> quota >> period;
  } else {
    quota = first_line(group / "cpu.cfs_quota_us");
    period = first_line(group / "cpu.cfs_period_us");
  }
  const auto number = [](const std::string& text) { return std::strtod(text.c_str(), nullptr); };  // "max", "-1": no limit
  const double granted = number(quota), of = number(period);
  return granted > 0 && of > 0 ? std::optional(granted / of) : std::nullopt;
}

std::optional<double> least_quota(const fs::path& root, bool version_2) {
  const auto mount = find_mount(root, version_2);
  const auto own = own_group(root, version_2);
  if (!mount || !own) return std::nullopt;
  // A container may see its own group as the mount's top, or the path that the group has outside.
  std::string below = mount->group == "/" ? *own : own->starts_with(mount->group) ? own->substr(mount->group.size()) : "";
  if (below.find("..") != below.npos) below.clear();
  const fs::path top = root / fs::path(mount->point).relative_path();
  std::optional<double> least;
  for (fs::path group = fs::path(below).relative_path();; group = group.parent_path()) {
    if (const auto quota = quota_of(top / group, version_2); quota && (!least || *quota < *least)) least = quota;
    if (group.empty()) return least;
  }
}

}  // namespace

std::vector<int> allowed_processors() {
  std::vector<int> processors;
  for (int most = CPU_SETSIZE; most <= 1 << 18; most *= 4) {  // the kernel refuses a set that is too small for the machine
    const std::unique_ptr<cpu_set_t, void (*)(cpu_set_t*)> set(CPU_ALLOC(static_cast<std::size_t>(most)),
                                                               [](cpu_set_t* s) { CPU_FREE(s); });
    const std::size_t size = CPU_ALLOC_SIZE(static_cast<std::size_t>(most));
    if (set == nullptr) break;
    CPU_ZERO_S(size, set.get());
    if (sched_getaffinity(0, size, set.get()) != 0) continue;
    for (int processor = 0; processor < most; ++processor) {
      if (CPU_ISSET_S(static_cast<std::size_t>(processor), size, set.get())) processors.push_back(processor);
    }
    break;
  }
  return processors;
}

std::size_t cores_of(std::span<const int> processors, const fs::path& root) {
  std::set<std::string> cores;  // each as the list of its hyperthreads
  for (const int processor : processors) {
    const fs::path topology = root / "sys/devices/system/cpu" / ("cpu" + std::to_string(processor)) / "topology";
    std::string siblings = first_line(topology / "core_cpus_list");
    if (siblings.empty()) siblings = first_line(topology / "thread_siblings_list");
    cores.insert(siblings.empty() ? std::to_string(processor) : siblings);
  }
  return cores.size();
}

std::optional<double> processor_quota(const fs::path& root) {
  const auto one = least_quota(root, false), two = least_quota(root, true);
  return one && two ? std::min(one, two) : one ? one : two;
}

std::size_t physical_cores() {
  std::size_t count = std::max<std::size_t>(cores_of(allowed_processors()), 1);
  if (const auto quota = processor_quota()) count = std::min(count, static_cast<std::size_t>(std::max(std::round(*quota), 1.0)));
  return count;
}

std::size_t usable_processors() {
  std::size_t count = std::max<std::size_t>(allowed_processors().size(), 1);
  if (const auto quota = processor_quota()) count = std::min(count, static_cast<std::size_t>(std::max(std::ceil(*quota), 1.0)));
  return count;
}

}  // namespace resnet
