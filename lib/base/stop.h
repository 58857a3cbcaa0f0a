// Whether work is to stop: handed down to everything that takes long, which asks now and then.
#pragma once

#include <atomic>

#include "lib/base/error.h"

namespace resnet {

// A look at a flag that somebody else owns and that outlives it: Ctrl-C's in the program, a test's own. Cheap to copy, and safe
// in any thread.
class Stop {
 public:
  Stop() = default;  // is never asked for
  explicit Stop(const std::atomic<bool>& flag) noexcept : flag_(&flag) {}

  bool requested() const noexcept { return flag_ != nullptr && flag_->load(std::memory_order_relaxed); }
  // Throws Error(interrupted) where it is.
  void check() const {
    if (requested()) throw Error(Fault::interrupted, "interrupted");
  }

 private:
  const std::atomic<bool>* flag_ = nullptr;
};

}  // namespace resnet
