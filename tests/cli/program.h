// Runs the program and reports what it did.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace resnet::test {

struct RunOptions {
  std::string input;  // on stdin
  // Besides the test's own, without what says how many threads, RESNET_CLI_CACHE and NO_COLOR; offline unless this says
  // otherwise.
  std::map<std::string, std::string> environment;
  std::filesystem::path folder;  // the current one; empty: the test's
  bool terminal = false;         // stdout and stderr are one terminal: both come as `out`
};

struct Finished {
  int exit_code = -1;  // 1000 + the signal that ended it
  std::string out, err;
  long peak_kibibytes = 0;  // of memory at once
  double cpu_seconds = 0;   // of all its threads
};

// A program that runs, with pipes to it. Killed where it is destroyed before its end.
class Running {
 public:
  Running(const std::vector<std::string>& command, const RunOptions& options);
  ~Running();
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  void send_signal(int signal_number) const;
  pid_t process() const { return process_; }
  // Bytes to stdin, which stays open until wait().
  void write(const std::string& bytes) const;
  // Waits for some more of stdout; empty at its end.
  std::string read_out();
  // From now on nobody reads stdout.
  void close_out();
  // To the end of the program; a program that does not end within two minutes is killed.
  Finished wait();

 private:
  pid_t process_ = -1;
  int in_ = -1, out_ = -1, err_ = -1;
  Finished finished_;
};

// Paths to the program itself.
std::string program();
// resnet-cli with these arguments.
Finished run(const std::vector<std::string>& arguments, const RunOptions& options = {});
// Any command.
Finished run_command(const std::vector<std::string>& command, const RunOptions& options = {});

}  // namespace resnet::test
