#include "cli/terminal/child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
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

bool read_all(int file, void* bytes, std::size_t size) {
  char* at = static_cast<char*>(bytes);
  while (size > 0) {
    const ssize_t done = read(file, at, size);
    if (done < 0 && errno == EINTR) continue;
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

}  // namespace

ChildProcess::ChildProcess(std::function<std::string(const std::string&)> answer) {
  int down[2], up[2];
  const auto fail = [] { throw Error(Fault::internal, fmt::format("a process cannot be started: {}", std::strerror(errno))); };
  if (pipe2(down, O_CLOEXEC) != 0) fail();
  if (pipe2(up, O_CLOEXEC) != 0) {
    close(down[0]);
    close(down[1]);
    fail();
  }
  pid_ = fork();
  if (pid_ == 0) {
    close(down[1]);
    close(up[0]);
    while (const auto command = receive(down[0])) {
      if (!send(up[1], answer_to(command->text, answer))) break;
    }
    _exit(0);
  }
  close(down[0]);
  close(up[1]);
  to_ = down[1];
  from_ = up[0];
  if (pid_ < 0) {
    close(to_);
    close(from_);
    fail();
  }
}

ChildProcess::~ChildProcess() {
  close(to_);
  close(from_);
  kill(pid_, SIGKILL);  // it may be computing, which nobody waits for now
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
  stop_of_process().check();
  throw Error(Fault::internal, "the measuring process died");
}

}  // namespace resnet::cli
