#include "lib/base/threads.h"

#include <pthreadpool.h>

#include <algorithm>
#include <atomic>
#include <exception>

namespace resnet {

ThreadPool::ThreadPool(std::size_t threads, std::size_t most)
    : asked_(std::max<std::size_t>(threads, 1)), threads_(std::min(asked_, std::max<std::size_t>(most, 1))) {
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
