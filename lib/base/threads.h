// The pool of threads that runs parallel loops.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "lib/base/processors.h"

struct pthreadpool;

namespace resnet {

// The pool that XNNPACK's operators and our kernels share: pthreadpool, whose caller takes part and waits for nobody that has not
// begun (tools/patches): beside other busy processes a loop takes about as long as on one thread, not longer. Not for use by two
// callers at once.
class ThreadPool {
 public:
  // `most`: how many of the threads there are at all, as many as there are processors for; what is asked for still decides how
  // networks are planned. A system that refuses threads is done with fewer.
  explicit ThreadPool(std::size_t threads = physical_cores(), std::size_t most = SIZE_MAX);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  std::size_t threads() const { return threads_; }
  std::size_t asked() const { return asked_; }
  // Calls body(begin, end) over disjoint parts of [0, count), each of at most `grain`.
  void parallel_for(std::size_t count, std::size_t grain, const std::function<void(std::size_t, std::size_t)>& body);
  // Calls body(index, thread) for each index of [0, count), `thread` below threads(). A thread has neighbouring ones, the same of
  // every loop as long as all are equally fast: what it wrote in one loop it finds in its own caches in the next.
  void parallel_for_each(std::size_t count, const std::function<void(std::size_t index, std::size_t thread)>& body);
  // Null for one thread, as XNNPACK has it.
  pthreadpool* native() const { return pool_; }

 private:
  std::size_t asked_, threads_;
  pthreadpool* pool_ = nullptr;
};

}  // namespace resnet
