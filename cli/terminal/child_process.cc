#include "cli/terminal/child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <exception>
#include <new>
#include <optional>

#include "cli/terminal/signals.h"
#include "lib/base/error.h"

namespace resnet::cli {

namespace {

// A message: its length, a byte of state (0: an answer, else 1 + 16 times the Role + the Fault of an error), its bytes.
struct Message {
  std::uint8_t state = 0;
  std::string text;
};

bool write_all(int file, const void* bytes, std::size_t size) {
  const char* at = static_cast<const char*>(bytes);
  while (size > 0) {
    const ssize_t done = write(file, at, size);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return false;
    at += done;
    size -= static_cast<std::size_t>(done);
  }
  return true;
}

// Throws Error(interrupted).
bool read_all(int file, void* bytes, std::size_t size) {
  char* at = static_cast<char*>(bytes);
  while (size > 0) {
    const ssize_t done = read(file, at, size);
    if (done < 0 && errno == EINTR) {
      stop_of_process().check();
      continue;
    }
    if (done <= 0) return false;
    at += done;
    size -= static_cast<std::size_t>(done);
  }
  return true;
}

bool send(int file, const Message& message) {
  const std::uint64_t size = message.text.size();
  return write_all(file, &size, sizeof size) && write_all(file, &message.state, 1) &&
         write_all(file, message.text.data(), message.text.size());
}

std::optional<Message> receive(int file) {
  std::uint64_t size = 0;
  Message message;
  if (!read_all(file, &size, sizeof size) || !read_all(file, &message.state, 1)) return std::nullopt;
  message.text.resize(size);
  if (!read_all(file, message.text.data(), size)) return std::nullopt;
  return message;
}

std::uint8_t state_of(Fault fault, Role role) {
  return static_cast<std::uint8_t>(1 + 16 * static_cast<unsigned>(role) + static_cast<unsigned>(fault));
}

Message answer_to(const std::string& command, const std::function<std::string(const std::string&)>& answer) {
  try {
    return {0, answer(command)};
  } catch (const Error& error) {
    return {state_of(error.fault(), error.role()), error.what()};
  } catch (const std::bad_alloc&) {
    return {state_of(Fault::exhausted, Role::none), "not enough memory"};
  } catch (const std::exception& error) {
    return {state_of(Fault::internal, Role::none), error.what()};
  }
}

// A resource that this machine lacks, as memory is.
[[noreturn]] void fail_to_start(int error) {
  throw Error(Fault::exhausted, fmt::format("a process cannot be started: {}", std::strerror(error)));
}

struct Pipe {
  int read = -1, write = -1;
  void open() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) fail_to_start(errno);
    read = ends[0];
    write = ends[1];
  }
  // Those that are there.
  void close() {
    for (int* end : {&read, &write}) {
      if (*end >= 0) ::close(*end);
      *end = -1;
    }
  }
};

// The child goes where its parent goes, however that ends: nobody else hears its answers, or may be kept waiting by the stdout
// that both hold. A signal ends it at once, and the parent says so.
void begin_child(pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(0);  // it had gone before
  for (const int signal_number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction old = {};
    if (sigaction(signal_number, nullptr, &old) == 0 && old.sa_handler != SIG_IGN) signal(signal_number, SIG_DFL);
  }
}

// "was killed by SIGKILL (Killed)"
std::string end_of(int status) {
  if (!WIFSIGNALED(status)) return fmt::format("ended with exit code {}", WEXITSTATUS(status));
  const int number = WTERMSIG(status);
  const char* name = sigabbrev_np(number);
  const std::string hint = number == SIGKILL ? "; the kernel does that where memory runs out" : "";
  return fmt::format("was killed by SIG{} ({}){}", name != nullptr ? name : std::to_string(number), strsignal(number), hint);
}

}  // namespace

ChildProcess::ChildProcess(std::function<std::string(const std::string&)> answer) {
  Pipe down, up;
  const auto fail = [&](int error) {
    down.close();
    up.close();
    fail_to_start(error);
  };
  down.open();
  try {
    up.open();
  } catch (...) {
    down.close();
    throw;
  }
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ < 0) fail(errno);
  if (pid_ == 0) {
    begin_child(parent);
    close(down.write);
    close(up.read);
    while (const auto command = receive(down.read)) {
      if (!send(up.write, answer_to(command->text, answer))) break;
    }
    _exit(0);
  }
  close(down.read);
  close(up.write);
  to_ = down.write;
  from_ = up.read;
}

ChildProcess::~ChildProcess() {
  close(to_);
  close(from_);
  if (pid_ < 0) return;  // it has died
  kill(pid_, SIGKILL);   // it may be computing, which nobody waits for now
  waitpid(pid_, nullptr, 0);
}

std::string ChildProcess::ask(const std::string& command) {
  if (send(to_, {0, command})) {
    if (const auto answer = receive(from_)) {
      if (answer->state == 0) return answer->text;
      const unsigned state = answer->state - 1u;
      throw Error(static_cast<Fault>(state % 16), Frame::file(static_cast<Role>(state / 16)), answer->text);
    }
  }
  int status = 0;
  if (pid_ >= 0) {
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
  }
  stop_of_process().check();  // Ctrl-C ends both
  throw Error(Fault::exhausted, "the measuring process " + end_of(status));
}

}  // namespace resnet::cli
