#include "lib/base/remove_when_killed.h"

#include <unistd.h>

#include <array>
#include <atomic>
#include <cstring>
#include <string>

namespace resnet {

namespace {

// What a signal's handler looks at: atomics without locks and plain bytes, nothing else is safe there.
struct Slot {
  enum : int { empty, being_written, in_use };
  std::atomic<int> state = empty;
  std::array<char, 4096> path = {};
};
std::array<Slot, 16> slots;
static_assert(std::atomic<int>::is_always_lock_free);

}  // namespace

RemoveWhenKilled::RemoveWhenKilled(const std::filesystem::path& path) noexcept {
  const std::string& name = path.native();
  if (name.size() >= slots[0].path.size()) return;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    int expected = Slot::empty;
    if (!slots[i].state.compare_exchange_strong(expected, Slot::being_written)) continue;
    std::memcpy(slots[i].path.data(), name.c_str(), name.size() + 1);
    slots[i].state.store(Slot::in_use);
    slot_ = i;
    return;
  }
}

RemoveWhenKilled::~RemoveWhenKilled() {
  if (slot_ != none) slots[slot_].state.store(Slot::empty);
}

void remove_files_of_killed() noexcept {
  for (const Slot& slot : slots) {
    if (slot.state.load() == Slot::in_use) unlink(slot.path.data());
  }
}

}  // namespace resnet
