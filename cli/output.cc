#include "cli/output.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <ostream>

#include "formats/table/table.h"
#include "lib/base/error.h"
#include "lib/base/interrupt.h"

namespace resnet::cli {

namespace {

void write_to_stdout(std::string_view bytes) {
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
    throw_if_interrupted();
  }
}

}  // namespace

Output::Output(const std::string& file) : name_(file) {
  if (file.empty() || file == "-") return;
  std::error_code none;
  if (std::filesystem::exists(file + ".owner", none)) owner_ = std::make_unique<Owner>(file);
  file_.emplace(file);
}

Output::Output(const std::string& file, std::uintmax_t keep) : name_(file) {
  std::error_code error;
  if (std::filesystem::exists(file, error)) std::filesystem::resize_file(file, keep, error);
  if (!error) appended_.emplace(file, std::ios::binary | std::ios::app);
  if (error || !*appended_) {
    throw Error(Fault::unwritable, name_ + ": cannot be written: " + (error ? error.message() : std::strerror(errno)));
  }
  struct stat status = {};
  if (stat(file.c_str(), &status) == 0 && S_ISREG(status.st_mode))
    grown_ = Grown{status.st_dev, status.st_ino, static_cast<std::uintmax_t>(status.st_size)};
}

void Output::check_grown_file() const {
  struct stat status = {};
  const bool there = stat(name_.c_str(), &status) == 0;
  if (there && status.st_dev == grown_->device && status.st_ino == grown_->inode &&
      static_cast<std::uintmax_t>(status.st_size) == grown_->size)
    return;
  throw Error(Fault::unwritable, name_ + ": was " + (there ? "replaced or changed" : "removed") +
                                     " by another program while answers were added to it; the run stops here");
}

void Output::flush() {
  if (pending_.empty()) return;
  if (guard_) guard_();
  if (grown_) check_grown_file();
  if (file_ || appended_) {
    std::ostream& stream = file_ ? file_->stream() : *appended_;
    errno = 0;
    stream.write(pending_.data(), static_cast<std::streamsize>(pending_.size())).flush();
    if (!stream) {
      if (errno == EPIPE) throw BrokenPipe{};
      throw Error(Fault::unwritable, name_ + ": cannot be written: " + std::strerror(errno));
    }
    if (grown_) grown_->size += pending_.size();
  } else if (is_terminal()) {
    write_to_stdout(table::printable_lines(pending_));  // what a file's names hold must not steer it
  } else {
    write_to_stdout(pending_);
  }
  pending_.clear();
}

void Output::commit() {
  flush();
  if (grown_) check_grown_file();
  if (file_) file_->commit();
}

bool Output::is_terminal() const { return !file_ && !appended_ && isatty(STDOUT_FILENO) == 1; }

std::string choose_table_format(const std::string& asked, const std::string& output) {
  if (!asked.empty()) return asked;
  switch (table::format_of_file(output).value_or(table::Format::text)) {
    case table::Format::json: return "json";
    case table::Format::csv: return "csv";
    case table::Format::markdown: return "md";
    case table::Format::jsonl:
    case table::Format::text: break;
  }
  return "text";
}

}  // namespace resnet::cli
