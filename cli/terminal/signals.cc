#include "cli/terminal/signals.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <cstring>
#include <string_view>

#include "lib/base/remove_when_killed.h"

namespace resnet::cli {

namespace {

// What the handlers touch: atomics without locks, nothing else is safe there.
std::atomic<bool> nobody_asks = false;  // until handle_interrupts() is called
std::atomic<std::atomic<bool>*> stop_requested = &nobody_asks;
std::atomic<int> takes_time = 0;
std::atomic<bool> has_told = false;
std::atomic<const char*> promised = nullptr;
timer_t deadline;
bool has_deadline = false;
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<std::atomic<bool>*>::is_always_lock_free &&
              std::atomic<int>::is_always_lock_free);

[[noreturn]] void end_now() {
  remove_files_of_killed();
  keep_promise();
  if (tells_interruption()) {
    constexpr std::string_view line = "resnet-cli: interrupted\n",
                               at_its_begin = "\r\x1b[K";  // of a terminal, in place of the progress
    if (isatty(STDERR_FILENO) == 1) static_cast<void>(!write(STDERR_FILENO, at_its_begin.data(), at_its_begin.size()));
    static_cast<void>(!write(STDERR_FILENO, line.data(), line.size()));
  }
  _exit(128 + SIGINT);
}

void on_deadline(int) { end_now(); }

void on_interrupt(int) {
  if (stop_requested.load()->exchange(true)) end_now();
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

void promise_when_interrupted(const char* text) noexcept { promised = text; }
void forget_promise() noexcept { promised = nullptr; }
void keep_promise() noexcept {
  if (const char* text = promised.exchange(nullptr)) static_cast<void>(!write(STDOUT_FILENO, text, std::strlen(text)));
}

bool tells_interruption() noexcept { return !has_told.exchange(true); }

void handle_interrupts(std::atomic<bool>& flag) {
  stop_requested = &flag;
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

Stop stop_of_process() noexcept { return Stop(*stop_requested.load(std::memory_order_relaxed)); }

TakeTimeWhenInterrupted::TakeTimeWhenInterrupted() noexcept { ++takes_time; }
TakeTimeWhenInterrupted::~TakeTimeWhenInterrupted() { --takes_time; }

}  // namespace resnet::cli
