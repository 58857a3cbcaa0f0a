#include "lib/base/threads.h"

#include <pthreadpool.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <exception>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <utility>

namespace resnet {

namespace {

// The CPU time that the cgroup grants, in cores; 0 where there is no limit.
double quota_in_cores() {
  std::ifstream unified("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (unified >> quota >> period && quota != "max" && period > 0) return std::stod(quota) / period;
  std::ifstream old_quota("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"), old_period("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  double microseconds = 0;
  if (old_quota >> microseconds && old_period >> period && microseconds > 0 && period > 0) return microseconds / period;
  return 0;
}

int read_number(const std::string& path, int otherwise) {
  std::ifstream file(path);
  int number = otherwise;
  file >> number;
  return number;
}

}  // namespace

std::size_t physical_cores() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  std::set<std::pair<int, int>> cores;  // (package, core): hyperthreads of one core count once
  if (sched_getaffinity(0, sizeof(allowed), &allowed) == 0) {
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (!CPU_ISSET(cpu, &allowed)) continue;
      const std::string topology = "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/";
      cores.emplace(read_number(topology + "physical_package_id", 0), read_number(topology + "core_id", cpu));
    }
  }
  std::size_t count = std::max<std::size_t>(cores.size(), 1);
  if (const double quota = quota_in_cores(); quota > 0) {
    count = std::min(count, std::max<std::size_t>(static_cast<std::size_t>(std::ceil(quota)), 1));
  }
  return count;
}

ThreadPool::ThreadPool(std::size_t threads) : threads_(std::max<std::size_t>(threads, 1)) {
  if (threads_ > 1) pool_ = pthreadpool_create(threads_);
  if (pool_ == nullptr) threads_ = 1;
}

ThreadPool::~ThreadPool() {
  if (pool_ != nullptr) pthreadpool_destroy(pool_);
}

namespace {

// Exceptions (no memory) may not pass through pthreadpool, which is C: the first one waits until the loop is over.
class Guarded {
 public:
  explicit Guarded(const std::function<void(std::size_t, std::size_t)>& body) : body_(body) {}
  void run(std::size_t a, std::size_t b) noexcept {
    if (failed_.load(std::memory_order_relaxed)) return;
    try {
      body_(a, b);
    } catch (...) {
      if (!failed_.exchange(true)) first_ = std::current_exception();
    }
  }
  void rethrow() const {
    if (first_) std::rethrow_exception(first_);
  }

 private:
  const std::function<void(std::size_t, std::size_t)>& body_;
  std::atomic<bool> failed_ = false;
  std::exception_ptr first_;
};

}  // namespace

void ThreadPool::parallel_for(std::size_t count, std::size_t grain, const std::function<void(std::size_t, std::size_t)>& body) {
  if (count == 0) return;
  grain = std::max<std::size_t>(grain, 1);
  if (pool_ == nullptr || count <= grain) {
    for (std::size_t begin = 0; begin < count; begin += grain) body(begin, std::min(begin + grain, count));
    return;
  }
  Guarded guarded(body);
  pthreadpool_parallelize_1d_tile_1d(
      pool_,
      [](void* context, std::size_t begin, std::size_t length) { static_cast<Guarded*>(context)->run(begin, begin + length); },
      &guarded, count, grain, 0);
  guarded.rethrow();
}

void ThreadPool::parallel_for_each(std::size_t count, const std::function<void(std::size_t, std::size_t)>& body) {
  if (pool_ == nullptr) {
    for (std::size_t index = 0; index < count; ++index) body(index, 0);
    return;
  }
  Guarded guarded(body);
  pthreadpool_parallelize_1d_with_thread(
      pool_, [](void* context, std::size_t thread, std::size_t index) { static_cast<Guarded*>(context)->run(index, thread); },
      &guarded, count, 0);
  guarded.rethrow();
}

}  // namespace resnet
