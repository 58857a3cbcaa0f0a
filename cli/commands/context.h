// What every command is given besides its own options.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>

#include "cli/terminal/messages.h"
#include "lib/kernels/isa.h"

namespace resnet::cli {

// The options that every command has.
struct CommonOptions {
  std::size_t threads = 0;                     // 0: see Context::threads()
  std::optional<kernels::InstructionSet> isa;  // nothing: the best that the processor has
  bool quiet = false;
  int verbosity = 0;
  ProgressMode progress = ProgressMode::automatic;
};

struct Context {
  explicit Context(Stop stop_asked) : stop(stop_asked) {}

  CommonOptions options;
  Messages messages;
  Stop stop;  // Ctrl-C

  // What a task is given: threads() as below, files and stdout to write to.
  TaskContext task();

  // How many threads are asked for, by --threads or by what the environment and the machine say; at least 1. What is odd about
  // them is told when it is called first.
  std::size_t threads();
  // How many there are processors for: what a ThreadPool of threads() is given besides.
  std::size_t most_threads() const;
  // How many of them decode photos.
  std::size_t decode_threads() { return std::min(threads(), most_threads()); }

 private:
  std::size_t threads_ = 0;
};

}  // namespace resnet::cli
