// Threads: how many, and the pool that runs parallel loops.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

struct pthreadpool;

namespace resnet {

// Physical cores that this process may use (its CPU affinity and its cgroup's quota respected), at least 1.
std::size_t physical_cores();

// The pool that XNNPACK's operators and our kernels share: pthreadpool, whose caller takes part. Not for use by two callers at
// once.
class ThreadPool {
 public:
  explicit ThreadPool(std::size_t threads = physical_cores());
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  std::size_t threads() const { return threads_; }
  // Calls body(begin, end) over disjoint parts of [0, count), each of at most `grain`.
  void parallel_for(std::size_t count, std::size_t grain, const std::function<void(std::size_t, std::size_t)>& body);
  // Calls body(index, thread) for each index of [0, count), `thread` below threads(). A thread has neighbouring ones, the same of
  // every loop as long as all are equally fast: what it wrote in one loop it finds in its own caches in the next.
  void parallel_for_each(std::size_t count, const std::function<void(std::size_t index, std::size_t thread)>& body);
  // Null for one thread, as XNNPACK has it.
  pthreadpool* native() const { return pool_; }

 private:
  std::size_t threads_;
  pthreadpool* pool_ = nullptr;
};

}  // namespace resnet
