#include "lib/base/interrupt.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstring>
#include <string>

#include "lib/base/error.h"

namespace resnet {

namespace {

// What the handlers touch: atomics without locks and plain bytes, nothing else is safe there.
struct Slot {
  enum : int { empty, being_written, in_use };
  std::atomic<int> state = empty;
  std::array<char, 4096> path = {};
};
std::array<Slot, 16> slots;
std::atomic<bool> stop_requested = false;
std::atomic<int> takes_time = 0;
timer_t deadline;
bool has_deadline = false;
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<int>::is_always_lock_free);

[[noreturn]] void end_now() {
  for (const Slot& slot : slots) {
    if (slot.state.load() == Slot::in_use) unlink(slot.path.data());
  }
  _exit(128 + SIGINT);
}

void on_deadline(int) { end_now(); }

void on_interrupt(int) {
  if (stop_requested.exchange(true)) end_now();
  if (!has_deadline || takes_time.load() > 0) return;
  itimerspec time = {};
  time.it_value.tv_nsec = 800'000'000;
  timer_settime(deadline, 0, &time, nullptr);
}

void handle(int signal_number, void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  sigaction(signal_number, &action, nullptr);
}

}  // namespace

void handle_interrupts() {
  handle(SIGALRM, on_deadline);
  sigset_t alarm;
  sigemptyset(&alarm);
  sigaddset(&alarm, SIGALRM);
  pthread_sigmask(SIG_UNBLOCK, &alarm, nullptr);
  sigevent event = {};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGALRM;
  if (!has_deadline) has_deadline = timer_create(CLOCK_MONOTONIC, &event, &deadline) == 0;
  for (const int signal_number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction old = {};
    if (sigaction(signal_number, nullptr, &old) == 0 && old.sa_handler == SIG_IGN) continue;
    handle(signal_number, on_interrupt);
  }
}

bool interrupted() noexcept { return stop_requested.load(std::memory_order_relaxed); }

void throw_if_interrupted() {
  if (interrupted()) throw Error(Fault::interrupted, "interrupted");
}

TakeTimeWhenInterrupted::TakeTimeWhenInterrupted() noexcept { ++takes_time; }
TakeTimeWhenInterrupted::~TakeTimeWhenInterrupted() { --takes_time; }

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

}  // namespace resnet
