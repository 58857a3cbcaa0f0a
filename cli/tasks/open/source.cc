#include "cli/tasks/open/source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "cli/tasks/open/built_in.h"
#include "formats/native/native.h"
#include "lib/base/digest.h"

namespace resnet::cli {

Source::Source(std::string name) : name_(std::move(name)), is_built_in_(cli::is_built_in(name_)) {
  if (is_built_in_) return;
  std::error_code ignored;
  is_there_ = std::filesystem::exists(name_, ignored);
  const int opened = open(name_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);  // a pipe is not waited for
  if (opened < 0) return;
  struct stat status {};
  if (fstat(opened, &status) != 0 || !S_ISREG(status.st_mode)) {
    close(opened);
    return;
  }
  descriptor_ = opened;
  stamp_ = stamp_of(descriptor_);
  head_.resize(kind_bytes);
  const ssize_t got = pread(descriptor_, head_.data(), head_.size(), 0);
  head_.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
}

Source::~Source() {
  if (descriptor_ >= 0) close(descriptor_);
}

bool Source::is_native() const {
  if (native::is_native(head_)) return true;
  const std::optional<FileKind> known = kind();
  return name_.ends_with(".resnet") && !(known && known->group == FileGroup::onnx);
}

std::string Source::digest(ThreadPool& pool) const {
  if (is_built_in_) return resnet::digest(built_in_model(), pool);
  return is_file() ? digest_of_file(descriptor_, name_, pool) : digest_of_file(name_, pool);
}

bool Source::has_changed() const {
  if (!is_file()) return false;
  FileStamp now = stamp_of(descriptor_);
  now.changed = stamp_.changed;  // also where only its name went to another file
  return now != stamp_;
}

}  // namespace resnet::cli
