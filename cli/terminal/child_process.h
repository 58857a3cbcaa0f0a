// A copy of this process that answers line commands: what it loads and allocates is its own, and goes with it.
#pragma once

#include <functional>
#include <string>

#include "cli/tasks/worker.h"

namespace resnet::cli {

class ChildProcess : public Worker {
 public:
  // `answer` is called in the child only, with one command at a time; what it throws is thrown by ask(). To be made before this
  // process has threads. Throws Error(exhausted) where there is no room for a process.
  explicit ChildProcess(std::function<std::string(const std::string& command)> answer);
  // The child ends when nobody asks any more, and with this process, however that ends.
  ~ChildProcess() override;
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // A line without its end, and the answer to it. Throws Error as the child did, Error(exhausted) "the measuring process
  // was killed by ...", Error(interrupted).
  std::string ask(const std::string& command) override;

 private:
  int pid_ = -1, to_ = -1, from_ = -1;
};

}  // namespace resnet::cli
