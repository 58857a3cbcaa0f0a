// Work that is to be apart from other work: what it does to memory and threads is not to be seen in the others' measurements.
#pragma once

#include <functional>
#include <memory>
#include <string>

namespace resnet::cli {

// Answers questions, one after the other: in a process of its own, where the caller has one to give.
class Worker {
 public:
  virtual ~Worker() = default;
  // Throws what the answer threw.
  virtual std::string ask(const std::string& question) = 0;
};

// How a task starts one. `answer` is called by the worker alone, in ask().
using StartWorker = std::function<std::unique_ptr<Worker>(std::function<std::string(const std::string&)> answer)>;

}  // namespace resnet::cli
