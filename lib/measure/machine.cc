#include "lib/measure/machine.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include <fstream>

#include "lib/base/threads.h"
#include "lib/kernels/isa.h"

namespace resnet {

Machine this_machine() {
  Machine machine;
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    const bool names_it = line.starts_with("model name") || line.starts_with("Model");
    const std::size_t colon = line.find(": ");
    if (!names_it || colon == line.npos) continue;
    machine.processor = line.substr(colon + 2);
    break;
  }
  machine.cores = physical_cores();
  machine.instruction_set = kernels::instruction_set();
  utsname names{};
  if (uname(&names) == 0) machine.system = fmt::format("{} {} {}", names.sysname, names.release, names.machine);
  return machine;
}

double peak_rss_mib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

}  // namespace resnet
