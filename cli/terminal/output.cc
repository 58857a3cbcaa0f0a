#include "cli/terminal/output.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "cli/terminal/messages.h"
#include "cli/terminal/signals.h"
#include "formats/table/text.h"
#include "lib/base/error.h"

namespace resnet::cli {

namespace {

void write_to_stdout(std::string_view bytes) {
  if (!bytes.empty()) forget_promise();
  while (!bytes.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
      continue;
    }
    if (errno == EPIPE) throw BrokenPipe{};
    if (errno == EAGAIN) {
      pollfd ready = {STDOUT_FILENO, POLLOUT, 0};
      poll(&ready, 1, 100);
    } else if (errno != EINTR) {
      throw Error(Fault::unwritable, std::string("standard output: cannot be written: ") + std::strerror(errno));
    }
    stop_of_process().check();
  }
}

}  // namespace

Output::Output(const std::string& file) {
  if (!file.empty() && file != "-") file_.emplace(file, stop_of_process());
}

void Output::send(std::string_view bytes) {
  if (file_) {
    file_->send(bytes);
  } else if (is_terminal()) {
    // What a file's names hold must not steer it.
    write_beside_progress([&] { write_to_stdout(table::printable_lines(std::string(bytes))); });
  } else {
    write_to_stdout(bytes);
  }
}

void Output::commit() {
  flush();
  if (file_) file_->commit();
}

bool Output::is_terminal() const { return !file_ && isatty(STDOUT_FILENO) == 1; }

}  // namespace resnet::cli
