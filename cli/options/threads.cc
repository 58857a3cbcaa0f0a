#include "cli/options/threads.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "lib/base/parse.h"

namespace resnet::cli {

namespace {

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t"), last = text.find_last_not_of(" \t");
  return first == text.npos ? std::string_view() : text.substr(first, last - first + 1);
}

}  // namespace

bool is_list_of_threads(std::string_view omp_num_threads) {
  const std::vector<std::string> words = split(omp_num_threads, ',');
  return std::all_of(words.begin(), words.end(), [](const std::string& word) {
    const auto number = parse_integer(trimmed(word));
    return number && *number > 0;
  });
}

DefaultThreads default_threads(std::size_t cores, const char* slurm_cpus_per_task, const char* omp_num_threads) {
  DefaultThreads result;
  result.threads = std::max<std::size_t>(cores, 1);
  const auto heed = [&result](const char* name, const char* value, bool is_list) {
    if (value == nullptr || trimmed(value).empty()) return;
    const std::string_view all = value;
    const auto number = parse_integer(std::string(trimmed(is_list ? all.substr(0, all.find(',')) : all)));
    if (number && *number > 0) {
      result.threads = std::min(result.threads, static_cast<std::size_t>(*number));
    } else {
      result.ignored.push_back(fmt::format("{} is '{}', expected a number of threads: ignored", name, all.substr(0, 100)));
    }
  };
  heed("SLURM_CPUS_PER_TASK", slurm_cpus_per_task, false);
  heed("OMP_NUM_THREADS", omp_num_threads, true);
  return result;
}

}  // namespace resnet::cli
