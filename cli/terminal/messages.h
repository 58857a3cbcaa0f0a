// Everything that goes to stderr: errors, warnings, notes, and the progress line that they must not tear apart.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "cli/tasks/task.h"
#include "lib/base/words.h"

namespace resnet::cli {

enum class ProgressMode { automatic, on, off };
constexpr auto words_of(ProgressMode) {
  return std::to_array<Word<ProgressMode>>(
      {{ProgressMode::automatic, "auto"}, {ProgressMode::on, "on"}, {ProgressMode::off, "off"}});
}

// Thread-safe. Each message is one line "resnet-cli: ..."; what cannot be written to stderr is lost and nothing else.
class Messages : public Observer {
 public:
  // Warnings, notes and progress are not shown where `quiet`; details are where `verbosity` is 1 or more. Progress is shown on a
  // terminal, or always, or never; colours on a terminal where NO_COLOR is not set (or empty).
  void configure(bool quiet, int verbosity, ProgressMode progress);

  void error(std::string_view text) override;
  void warning(std::string_view text) override;
  void note(std::string_view text) override;
  void detail(std::string_view text) override;

  // Replaces the line under the messages; an empty one takes it away.
  void progress(std::string_view line) override;
  bool shows_progress() const override;

 private:
  void say(std::string_view tag, std::string_view color, std::string_view text);

  bool quiet_ = false;
  int verbosity_ = 0;
  ProgressMode progress_ = ProgressMode::automatic;
};

// Calls `write`, which writes whole lines to stdout. Where the progress line is on the same terminal, it is erased before and
// drawn again after them.
void write_beside_progress(const std::function<void()>& write);

}  // namespace resnet::cli
