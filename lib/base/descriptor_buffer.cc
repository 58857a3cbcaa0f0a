#include "lib/base/descriptor_buffer.h"

#include <unistd.h>

#include <cerrno>
#include <cstddef>

namespace resnet {

namespace {

constexpr std::size_t most_pending = 64 << 10;

}  // namespace

bool DescriptorBuffer::write(const char* bytes, std::size_t count) {
  while (count > 0 && error_ == 0) {
    const ssize_t written = ::write(descriptor_, bytes, count);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      error_ = written < 0 ? errno : EIO;
      break;
    }
    bytes += written;
    count -= static_cast<std::size_t>(written);
  }
  return error_ == 0;
}

int DescriptorBuffer::sync() {
  const bool done = write(pending_.data(), pending_.size());
  pending_.clear();
  return done ? 0 : -1;
}

DescriptorBuffer::int_type DescriptorBuffer::overflow(int_type c) {
  if (traits_type::eq_int_type(c, traits_type::eof())) return sync() == 0 ? traits_type::not_eof(c) : traits_type::eof();
  const char byte = traits_type::to_char_type(c);
  return xsputn(&byte, 1) == 1 ? c : traits_type::eof();
}

std::streamsize DescriptorBuffer::xsputn(const char* bytes, std::streamsize count) {
  const auto size = static_cast<std::size_t>(count);
  if (pending_.size() + size > most_pending && sync() != 0) return 0;
  if (size > most_pending) return write(bytes, size) ? count : 0;
  if (error_ != 0) return 0;
  pending_.insert(pending_.end(), bytes, bytes + size);
  return count;
}

DescriptorBuffer::pos_type DescriptorBuffer::seekoff(off_type offset, std::ios_base::seekdir from, std::ios_base::openmode) {
  if (sync() != 0) return pos_type(off_type(-1));
  const int whence = from == std::ios_base::beg ? SEEK_SET : from == std::ios_base::cur ? SEEK_CUR : SEEK_END;
  return pos_type(lseek(descriptor_, offset, whence));
}

DescriptorBuffer::pos_type DescriptorBuffer::seekpos(pos_type position, std::ios_base::openmode which) {
  return seekoff(off_type(position), std::ios_base::beg, which);
}

}  // namespace resnet
