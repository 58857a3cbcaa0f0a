// The machine that figures were measured on.
#pragma once

#include <cstddef>
#include <string>

namespace resnet {

struct Machine {
  std::string processor;        // as the system calls it
  std::size_t cores = 0;        // physical ones that this process may use
  std::string instruction_set;  // that lib/kernels uses
  std::string system;           // "Linux 6.1.0 x86_64"
};
Machine this_machine();

// The largest resident set that this process has had, in MiB.
double peak_rss_mib();

}  // namespace resnet
