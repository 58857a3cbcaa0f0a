#include "tests/cli/program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string_view>
#include <thread>

namespace resnet::test {

namespace {

using Clock = std::chrono::steady_clock;
constexpr auto patience = std::chrono::minutes(2);

struct Pipe {
  int read = -1, write = -1;
  Pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe2 failed");
    read = ends[0];
    write = ends[1];
  }
};

void close_once(int& descriptor) {
  if (descriptor >= 0) close(descriptor);
  descriptor = -1;
}

std::vector<std::string> environment_with(const RunOptions& options) {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (equals != std::string_view::npos) variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  for (const char* name : {"RESNET_CLI_THREADS", "OMP_NUM_THREADS", "SLURM_CPUS_PER_TASK"}) variables.erase(name);
  variables.erase("NO_COLOR");
  variables["TERM"] = "xterm";
  variables["RESNET_CLI_CACHE"] = "/dev/null/none";  // nothing is kept, unless a test says where
  variables["HF_HUB_OFFLINE"] = "1";                 // nobody is asked but by tests of that
  for (const auto& [name, value] : options.environment) variables[name] = value;
  std::vector<std::string> result;
  for (const auto& [name, value] : variables) result.push_back(name + "=" + value);
  return result;
}

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> result;
  for (const std::string& word : words) result.push_back(const_cast<char*>(word.c_str()));
  result.push_back(nullptr);
  return result;
}

}  // namespace

Running::Running(const std::vector<std::string>& command, const RunOptions& options) {
  Pipe in, out, err;
  int terminal = -1, terminal_end = -1;
  if (options.terminal) {
    terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (terminal < 0 || grantpt(terminal) != 0 || unlockpt(terminal) != 0) throw std::runtime_error("no pseudo-terminal");
    terminal_end = open(ptsname(terminal), O_RDWR | O_NOCTTY | O_CLOEXEC);
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in.read, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, options.terminal ? terminal_end : out.write, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, options.terminal ? terminal_end : err.write, STDERR_FILENO);
  if (!options.folder.empty()) posix_spawn_file_actions_addchdir_np(&actions, options.folder.c_str());
  // Signals that whoever runs the tests ignores are not ignored there.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t signals;
  sigemptyset(&signals);
  posix_spawnattr_setsigmask(&attributes, &signals);
  for (const int signal_number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGALRM}) sigaddset(&signals, signal_number);
  posix_spawnattr_setsigdefault(&attributes, &signals);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);

  const std::vector<std::string> environment = environment_with(options);
  const int error =
      posix_spawnp(&process_, command[0].c_str(), &actions, &attributes, pointers(command).data(), pointers(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  close(in.read);
  close(out.write);
  close(err.write);
  in_ = in.write;
  err_ = err.read;
  out_ = out.read;
  if (options.terminal) {
    close(terminal_end);
    close(out_);
    out_ = terminal;
  }
  if (error != 0) throw std::runtime_error(command[0] + ": " + std::strerror(error));
  signal(SIGPIPE, SIG_IGN);  // a program need not read what it is given
  write(options.input);
}

Running::~Running() {
  for (int* descriptor : {&in_, &out_, &err_}) close_once(*descriptor);
  if (process_ < 0) return;
  kill(process_, SIGKILL);
  waitpid(process_, nullptr, 0);
}

void Running::send_signal(int signal_number) const { kill(process_, signal_number); }

void Running::write(const std::string& bytes) const {
  std::string_view rest = bytes;
  while (!rest.empty()) {
    const ssize_t written = ::write(in_, rest.data(), rest.size());
    if (written <= 0) return;
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
}

std::string Running::read_out() {
  std::array<char, 65536> bytes;
  const ssize_t count = read(out_, bytes.data(), bytes.size());
  const std::string text(bytes.data(), count > 0 ? static_cast<std::size_t>(count) : 0);
  finished_.out += text;
  return text;
}

void Running::close_out() { close_once(out_); }

Finished Running::wait() {
  close_once(in_);
  const auto deadline = Clock::now() + patience;
  std::array<pollfd, 2> descriptors = {{{out_, POLLIN, 0}, {err_, POLLIN, 0}}};
  while ((descriptors[0].fd >= 0 || descriptors[1].fd >= 0) && Clock::now() < deadline) {
    if (poll(descriptors.data(), descriptors.size(), 100) <= 0) continue;
    for (std::size_t i = 0; i < descriptors.size(); ++i) {
      if (descriptors[i].fd < 0 || descriptors[i].revents == 0) continue;
      std::array<char, 65536> bytes;
      const ssize_t count = read(descriptors[i].fd, bytes.data(), bytes.size());
      if (count > 0) {
        (i == 0 ? finished_.out : finished_.err).append(bytes.data(), static_cast<std::size_t>(count));
      } else if (count == 0 || errno != EINTR) {  // a terminal's end is EIO
        descriptors[i].fd = -1;
      }
    }
  }
  int status = 0;
  rusage usage{};
  while (wait4(process_, &status, WNOHANG, &usage) == 0) {
    if (Clock::now() > deadline) kill(process_, SIGKILL);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  process_ = -1;
  finished_.peak_kibibytes = usage.ru_maxrss;
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  finished_.cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  finished_.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  return finished_;
}

std::string program() { return RESNET_CLI_BINARY; }

Finished run_command(const std::vector<std::string>& command, const RunOptions& options) {
  return Running(command, options).wait();
}

Finished run(const std::vector<std::string>& arguments, const RunOptions& options) {
  std::vector<std::string> command = {program()};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return run_command(command, options);
}

}  // namespace resnet::test
