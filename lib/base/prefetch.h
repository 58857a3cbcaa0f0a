// Work done ahead of its consumer by threads of its own, delivered in order.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

namespace resnet {

// Calls make(0), make(1), ... make(count - 1) on `threads` threads, at most `ahead` of them before they are taken. No threads:
// each is made when it is taken.
template <typename T>
class Prefetch {
 public:
  Prefetch(std::size_t count, std::function<T(std::size_t)> make, std::size_t threads, std::size_t ahead)
      : count_(count), ahead_(std::max<std::size_t>(1, ahead)), make_(std::move(make)) {
    threads_.reserve(std::min(threads, count));
    while (threads_.size() < std::min(threads, count)) threads_.emplace_back([this](const std::stop_token& stop) { work(stop); });
  }
  // Waits for what is being made, and makes no more.
  ~Prefetch() {
    for (std::jthread& thread : threads_) thread.request_stop();
  }
  Prefetch(const Prefetch&) = delete;
  Prefetch& operator=(const Prefetch&) = delete;

  // The next one in order, waited for; nothing after the last one, or where cancelled() has become true, which is asked every few
  // milliseconds. Throws what make() has thrown.
  std::optional<T> next(const std::function<bool()>& cancelled) {
    if (taken_ == count_ || cancelled()) return std::nullopt;
    if (threads_.empty()) return make_(taken_++);
    std::unique_lock lock(mutex_);
    while (made_.empty() || !made_.front().done) {
      if (cancelled()) return std::nullopt;
      changed_.wait_for(lock, std::chrono::milliseconds(20));
    }
    Slot slot = std::move(made_.front());
    made_.pop_front();
    ++taken_;
    lock.unlock();
    changed_.notify_all();
    if (slot.error) std::rethrow_exception(slot.error);
    return std::move(slot.value);
  }

 private:
  struct Slot {
    bool done = false;
    std::optional<T> value;
    std::exception_ptr error;
  };

  void work(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    for (;;) {
      if (!changed_.wait(lock, stop, [this] { return started_ == count_ || made_.size() < ahead_; })) return;
      if (stop.stop_requested() || started_ == count_) return;
      const std::size_t index = started_++;
      made_.emplace_back();
      lock.unlock();
      Slot slot;
      try {
        slot.value.emplace(make_(index));
      } catch (...) {
        slot.error = std::current_exception();
      }
      slot.done = true;
      lock.lock();
      // Those before it may have been taken meanwhile.
      made_[index - taken_] = std::move(slot);
      changed_.notify_all();
    }
  }

  const std::size_t count_, ahead_;
  const std::function<T(std::size_t)> make_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Slot> made_;  // from index taken_ to started_ - 1
  std::size_t started_ = 0, taken_ = 0;
  std::vector<std::jthread> threads_;  // last: they use all of the above
};

}  // namespace resnet
