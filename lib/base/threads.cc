#include "lib/base/threads.h"

#include <pthreadpool.h>

#include <algorithm>

namespace resnet {

ThreadPool::ThreadPool(std::size_t threads, std::size_t most)
    : asked_(std::max<std::size_t>(threads, 1)), threads_(std::min(asked_, std::max<std::size_t>(most, 1))) {
  if (threads_ > 1) pool_ = pthreadpool_create(threads_);
  if (pool_ == nullptr) threads_ = 1;
}

ThreadPool::~ThreadPool() {
  if (pool_ != nullptr) pthreadpool_destroy(pool_);
}

void ThreadPool::parallel_for(std::size_t count, std::size_t grain, const std::function<void(std::size_t, std::size_t)>& body) {
  if (count == 0) return;
  grain = std::max<std::size_t>(grain, 1);
  if (pool_ == nullptr || count <= grain) {
    for (std::size_t begin = 0; begin < count; begin += grain) body(begin, std::min(begin + grain, count));
    return;
  }
  pthreadpool_parallelize_1d_tile_1d(
      pool_,
      [](void* context, std::size_t begin, std::size_t length) {
        (*static_cast<const std::function<void(std::size_t, std::size_t)>*>(context))(begin, begin + length);
      },
      const_cast<std::function<void(std::size_t, std::size_t)>*>(&body), count, grain, 0);
}

void ThreadPool::parallel_for_each(std::size_t count, const std::function<void(std::size_t, std::size_t)>& body) {
  if (pool_ == nullptr) {
    for (std::size_t index = 0; index < count; ++index) body(index, 0);
    return;
  }
  pthreadpool_parallelize_1d_with_thread(
      pool_,
      [](void* context, std::size_t thread, std::size_t index) {
        (*static_cast<const std::function<void(std::size_t, std::size_t)>*>(context))(index, thread);
      },
      const_cast<std::function<void(std::size_t, std::size_t)>*>(&body), count, 0);
}

}  // namespace resnet
