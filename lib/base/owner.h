// One process at a time works on a file: a second one is refused by name, and one that comes after a crash takes over.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "lib/base/stop.h"

namespace resnet {

// Holds FILE by a file FILE.owner beside it, which says who the owner is: host, boot, pid namespace, process, its start time, and
// a token drawn at random. It is made by link(2), which lets only one win on every file system that has it (else by O_EXCL), and
// its last line is counted up every few seconds. Where an owner is found
//   - of the same boot and pid namespace, the system says whether the process still runs;
//   - of another machine or container, its count does: unchanged for 60 s by this process's own clock, it is gone. No clock of
//     another machine and no file's time is looked at.
// Taken over is what is gone: whoever links the file that is named after the dead owner's token may replace FILE.owner, nobody
// else. Removed by the destructor, and where a signal ends the process.
class Owner {
 public:
  // Injected by tests.
  struct Timing {
    std::chrono::milliseconds beat{5'000}, silence{60'000};
    std::function<std::chrono::steady_clock::time_point()> now = std::chrono::steady_clock::now;
    std::function<void(std::chrono::milliseconds)> wait = {};  // none: sleeps
    bool links = true;                                         // false: as on file systems that have no link(2)
  };
  using Note = std::function<void(const std::string&)>;

  // Links are followed to the file itself. `note` is told where an owner has to be watched. Throws Error(invalid) "FILE: process
  // 17 on host a works on it ..." where another one has it, where FILE.owner is not a file of ours (which is left alone) and
  // where FILE exists and is not a regular file; Error(unwritable) where FILE.owner cannot be written; Error(interrupted).
  explicit Owner(const std::filesystem::path& file, const Note& note = {}, const Stop& stop = {});
  Owner(const std::filesystem::path& file, const Note& note, const Timing& timing, const Stop& stop = {});
  ~Owner();
  Owner(const Owner&) = delete;
  Owner& operator=(const Owner&) = delete;

  // Before something is written to FILE. Throws Error(unwritable) where another process has taken over, because this one stood
  // still for longer than the silence. Costs nothing as long as the count advances.
  void check();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace resnet
