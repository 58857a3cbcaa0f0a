// Ctrl-C: asked for politely by long loops, by the Stop that they are handed, enforced within a second where nobody asks.
#pragma once

#include <atomic>

#include "lib/base/stop.h"

namespace resnet::cli {

// From now on SIGINT, SIGTERM and SIGHUP set `flag`, which lives as long as the process. A process that has not ended 0.8 seconds
// after it, or that is signalled a second time, removes the files that RemoveWhenKilled names, says so and exits 130. A signal
// that was ignored when the program started (nohup) stays ignored.
void handle_interrupts(std::atomic<bool>& flag);

// True for the first who asks: whoever ends the process says once "resnet-cli: interrupted".
bool tells_interruption() noexcept;

// What an interrupted process writes to stdout where it has written nothing there yet: `text`, which lives as long as the
// process.
void promise_when_interrupted(const char* text) noexcept;
// Before the first byte of stdout: from now on nothing is written but what the program itself writes.
void forget_promise() noexcept;
// Writes it, once. May be called where a signal is handled.
void keep_promise() noexcept;

// That flag, for the rest of cli/terminal: everybody else is handed a Stop.
Stop stop_of_process() noexcept;

// While one exists a process that is signalled has all the time it needs: for work that asks its Stop and then writes down
// what it has done. A second signal still ends it at once.
class TakeTimeWhenInterrupted {
 public:
  TakeTimeWhenInterrupted() noexcept;
  ~TakeTimeWhenInterrupted();
  TakeTimeWhenInterrupted(const TakeTimeWhenInterrupted&) = delete;
  TakeTimeWhenInterrupted& operator=(const TakeTimeWhenInterrupted&) = delete;
};

}  // namespace resnet::cli
