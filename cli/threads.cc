#include "cli/threads.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "cli/context.h"
#include "cli/parse.h"
#include "lib/base/processors.h"

namespace resnet::cli {

namespace {

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t"), last = text.find_last_not_of(" \t");
  return first == text.npos ? std::string_view() : text.substr(first, last - first + 1);
}

}  // namespace

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

std::size_t Context::threads() {
  if (threads_ > 0) return threads_;
  threads_ = options.threads;
  if (threads_ == 0) {
    const DefaultThreads found =
        default_threads(physical_cores(), std::getenv("SLURM_CPUS_PER_TASK"), std::getenv("OMP_NUM_THREADS"));
    for (const std::string& ignored : found.ignored) messages.note(ignored);
    threads_ = found.threads;
  }
  if (const std::size_t processors = usable_processors(); threads_ > processors) {
    messages.warning(fmt::format("{} threads are asked for, more than the {} that this process may use", threads_,
                                 processors == 1 ? "1 processor" : fmt::format("{} processors", processors)));
  }
  return threads_;
}

std::size_t Context::most_threads() const { return usable_processors(); }

}  // namespace resnet::cli
