// What was said when a model was opened is not said again where it is opened once more.
#pragma once

#include <string_view>

#include "cli/tasks/task.h"

namespace resnet::cli {

// Errors and progress are told as they are, all else as detail.
class ErrorsAlone : public Observer {
 public:
  explicit ErrorsAlone(Observer& told) : told_(told) {}
  void error(std::string_view text) override { told_.error(text); }
  void warning(std::string_view text) override { told_.detail(text); }
  void note(std::string_view text) override { told_.detail(text); }
  void detail(std::string_view text) override { told_.detail(text); }
  void progress(std::string_view line) override { told_.progress(line); }
  bool shows_progress() const override { return told_.shows_progress(); }

 private:
  Observer& told_;
};

}  // namespace resnet::cli
