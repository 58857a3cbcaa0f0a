#include "lib/image/byte_source.h"

#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>

#include "lib/image/untrusted.h"

namespace resnet::image {

void ByteSource::fill(std::size_t offset, std::size_t count) {
  assert(descriptor_ >= 0 && offset + count <= size_);
  stop_.check();
  constexpr std::size_t piece = std::size_t{1} << 20;
  const std::size_t length = std::min(std::max(count, piece), size_);
  // Rows may be asked for from the last to the first: then what lies before them comes next.
  const bool backwards = offset < begin_;
  const std::size_t end = offset + count;
  std::size_t begin = backwards ? end - std::min(end, length) : offset;
  begin = std::min(begin, size_ - length);
  buffer_.resize(length);
  window_ = {};
  for (std::size_t filled = 0; filled < length;) {
    const ssize_t got = pread(descriptor_, buffer_.data() + filled, length - filled, static_cast<off_t>(begin + filled));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) refuse(name_, std::string("cannot be read: ") + std::strerror(errno));
    if (got == 0) refuse(name_, "is truncated");
    filled += static_cast<std::size_t>(got);
  }
  begin_ = begin;
  window_ = buffer_;
}

}  // namespace resnet::image
