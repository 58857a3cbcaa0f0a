#include "cli/commands/context.h"

#include <fmt/format.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "cli/options/threads.h"
#include "cli/terminal/output.h"
#include "cli/terminal/signals.h"
#include "lib/base/counted.h"
#include "lib/base/processors.h"

namespace resnet::cli {

TaskContext Context::task() {
  return {.observer = messages,
          .stop = stop,
          .threads = {threads(), most_threads()},
          .open = [](const std::string& file) { return std::make_unique<Output>(file); },
          .take_time = [] { return std::make_shared<TakeTimeWhenInterrupted>(); }};
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
  // OpenMP's library is loaded later; what it cannot read was told above, or nobody asked for it.
  if (const char* omp = std::getenv("OMP_NUM_THREADS"); omp != nullptr && !is_list_of_threads(omp)) unsetenv("OMP_NUM_THREADS");
  if (const std::size_t processors = usable_processors(); threads_ > processors) {
    messages.warning(fmt::format("{} threads are asked for, more than the {} that this process may use", threads_,
                                 counted(processors, "processor")));
  }
  return threads_;
}

std::size_t Context::most_threads() const { return usable_processors(); }

}  // namespace resnet::cli
