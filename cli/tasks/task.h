// What every task is given. A task prints nothing, reads no environment variable and never exits.
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "lib/base/stop.h"

namespace resnet::cli {

// Who hears of what happens while a task works. Thread-safe.
class Observer {
 public:
  virtual ~Observer() = default;

  // One line each: an input that failed while the others are done; what makes an answer doubtful; what was assumed; what is
  // only worth knowing where something is looked into.
  virtual void error(std::string_view text) = 0;
  virtual void warning(std::string_view text) = 0;
  virtual void note(std::string_view text) = 0;
  virtual void detail(std::string_view text) = 0;

  // How far it is: "37/100 photos"; an empty line when it is over. Nobody has to look.
  virtual void progress(std::string_view line) = 0;
  virtual bool shows_progress() const = 0;
};

class Sink;
// How a task opens the files that it is asked to write: the caller may have other places than files. An empty name is where
// answers go that no file is named for. Throws Error(unwritable).
using OpenSink = std::function<std::unique_ptr<Sink>(const std::string& file)>;

struct Threads {
  std::size_t asked = 1;    // that compute: what is computed depends on how many there are
  std::size_t at_once = 1;  // of them, as many as there are processors
  // That decode photos.
  std::size_t decoding() const { return std::min(asked, at_once); }
};

// What a task is given besides its request; all of it outlives the task.
struct TaskContext {
  Observer& observer;
  Stop stop = {};
  Threads threads = {};
  OpenSink open = {};
  // Told of each input, and of files that a model or a list names, before they are read: what it throws ends the task, so that no
  // output replaces an input.
  std::function<void(const std::filesystem::path&)> before_reading = [](const std::filesystem::path&) {};
  // While what it gives is kept, a task that is asked to stop has all the time that it needs to write down what it has done.
  std::function<std::shared_ptr<void>()> take_time = [] { return nullptr; };
};

}  // namespace resnet::cli
