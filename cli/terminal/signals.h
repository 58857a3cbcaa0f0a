// Ctrl-C: asked for politely by long loops, by the Stop that they are handed, enforced within a second where nobody asks.
#pragma once

#include <atomic>

#include "lib/base/stop.h"

namespace resnet::cli {

// From now on SIGINT, SIGTERM and SIGHUP set `flag`, which lives as long as the process. A process that has not ended 0.8 seconds
// after it, or that is signalled a second time, removes the files that RemoveWhenKilled names and exits 130. A signal that was
// ignored when the program started (nohup) stays ignored.
void handle_interrupts(std::atomic<bool>& flag);

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
