#include "lib/tensor/file_bytes.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "lib/base/error.h"

namespace resnet {

struct FileBytes::Descriptor {
  int number;
  explicit Descriptor(int n) : number(n) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { close(number); }
};

namespace {

// A part of a mapping that nothing is written to: its pages can go at any time.
struct Part {
  std::shared_ptr<const Buffer> mapping;
  std::span<const std::byte> bytes;

  Part(std::shared_ptr<const Buffer> whole, std::span<const std::byte> part) : mapping(std::move(whole)), bytes(part) {}
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;
  ~Part() {
    // Also the pages that it shares with its neighbours, which may be in use: they are the file's, and come again.
    const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
    const auto begin = reinterpret_cast<std::uintptr_t>(bytes.data()), end = begin + bytes.size();
    const std::uintptr_t first = begin / page * page, last = (end + page - 1) / page * page;
    if (first < last) madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
  }
};

}  // namespace

FileBytes::FileBytes(std::shared_ptr<const Buffer> buffer) : buffer_(std::move(buffer)), bytes_(buffer_->bytes()) {}

FileBytes::FileBytes(std::shared_ptr<const Buffer> mapping, int descriptor) : FileBytes(std::move(mapping)) {
  // Where there are too many files open, what is copied goes through the mapping.
  if (const int own = fcntl(descriptor, F_DUPFD_CLOEXEC, 0); own >= 0) descriptor_ = std::make_shared<const Descriptor>(own);
}

FileBytes FileBytes::map(const std::filesystem::path& path, Role role) {
  const int number = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (number < 0) return FileBytes(Buffer::map_file(path, role));  // says why it cannot be opened
  auto descriptor = std::make_shared<const Descriptor>(number);
  FileBytes file(Buffer::map_descriptor(number, path, role));
  file.descriptor_ = std::move(descriptor);
  return file;
}

void FileBytes::copy(std::uint64_t offset, std::span<std::byte> out) const {
  if (descriptor_ == nullptr) {
    if (!out.empty()) std::memcpy(out.data(), bytes_.data() + offset, out.size());
    return;
  }
  for (std::size_t done = 0; done < out.size();) {
    const auto at = static_cast<off_t>(offset_ + offset + done);
    const ssize_t got = pread(descriptor_->number, out.data() + done, out.size() - done, at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw Error(Fault::unreadable, fmt::format("cannot be read: {}", std::strerror(errno)));
    if (got == 0) throw Error(Fault::unreadable, "became shorter while it was read");
    done += static_cast<std::size_t>(got);
  }
}

std::shared_ptr<const Buffer> FileBytes::view(std::uint64_t offset, std::uint64_t size) const {
  const std::span<const std::byte> bytes = bytes_.subspan(offset, size);
  if (descriptor_ == nullptr) return Buffer::view(bytes, buffer_);
  return Buffer::view(bytes, std::make_shared<const Part>(buffer_, bytes));
}

FileBytes FileBytes::part(std::uint64_t offset, std::uint64_t size) const {
  FileBytes result = *this;
  result.bytes_ = bytes_.subspan(offset, size);
  result.offset_ += offset;
  return result;
}

}  // namespace resnet
