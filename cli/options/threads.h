// How many threads compute where nobody says it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace resnet::cli {

struct DefaultThreads {
  std::size_t threads = 1;
  std::vector<std::string> ignored;  // what could not be read, a note each
};

// `cores`, or fewer where SLURM_CPUS_PER_TASK or OMP_NUM_THREADS (of a list the first number) say so; a null or empty one says
// nothing. At least 1.
DefaultThreads default_threads(std::size_t cores, const char* slurm_cpus_per_task, const char* omp_num_threads);

// Whether OpenMP's library can read this OMP_NUM_THREADS: whole numbers from 1 on with commas between them. Of another it says so
// on stderr in a line of its own.
bool is_list_of_threads(std::string_view omp_num_threads);

}  // namespace resnet::cli
