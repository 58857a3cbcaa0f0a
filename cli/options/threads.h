// How many threads compute where nobody says it.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace resnet::cli {

struct DefaultThreads {
  std::size_t threads = 1;
  std::vector<std::string> ignored;  // what could not be read, a note each
};

// `cores`, or fewer where SLURM_CPUS_PER_TASK or OMP_NUM_THREADS (of a list the first number) say so; a null or empty one says
// nothing. At least 1.
DefaultThreads default_threads(std::size_t cores, const char* slurm_cpus_per_task, const char* omp_num_threads);

}  // namespace resnet::cli
