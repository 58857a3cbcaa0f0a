#include "cli/tasks/sink.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <ostream>

#include "lib/base/error.h"

namespace resnet::cli {

void Sink::flush() {
  if (pending_.empty()) return;
  if (guard_) guard_();
  send(pending_);
  pending_.clear();
}

FileSink::FileSink(const std::string& file, const Stop& stop) : name_(file) {
  std::error_code none;
  if (std::filesystem::exists(file + ".owner", none)) owner_ = std::make_unique<Owner>(file, Owner::Note(), stop);
  file_.emplace(file);
}

FileSink::FileSink(const std::string& file, std::uintmax_t keep) : name_(file) {
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

void FileSink::check_grown_file() const {
  struct stat status = {};
  const bool there = stat(name_.c_str(), &status) == 0;
  if (there && status.st_dev == grown_->device && status.st_ino == grown_->inode &&
      static_cast<std::uintmax_t>(status.st_size) == grown_->size)
    return;
  throw Error(Fault::unwritable, name_ + ": was " + (there ? "replaced or changed" : "removed") +
                                     " by another program while answers were added to it; the run stops here");
}

void FileSink::send(std::string_view bytes) {
  if (grown_) check_grown_file();
  std::ostream& stream = file_ ? file_->stream() : *appended_;
  errno = 0;
  stream.write(bytes.data(), static_cast<std::streamsize>(bytes.size())).flush();
  if (!stream) {
    if (errno == EPIPE) throw BrokenPipe{};
    throw Error(Fault::unwritable, name_ + ": cannot be written: " + std::strerror(errno));
  }
  if (grown_) grown_->size += bytes.size();
}

void FileSink::commit() {
  flush();
  if (grown_) check_grown_file();
  if (file_) file_->commit();
}

}  // namespace resnet::cli
