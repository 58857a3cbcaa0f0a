// What every task is given. A task prints nothing, reads no environment variable and never exits.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

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

}  // namespace resnet::cli
