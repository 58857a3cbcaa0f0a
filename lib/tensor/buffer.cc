#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "lib/base/error.h"
#include "lib/tensor/tensor.h"

namespace resnet {

namespace {

struct Free {
  void operator()(void* p) const { std::free(p); }
};

// Weights and activations are read end to end, over and over: fewer pages are fewer misses, and fewer faults at first touch.
void advise_huge_pages(void* begin, std::size_t size) {
  constexpr std::uintptr_t huge = 2 << 20;
  const auto first = (reinterpret_cast<std::uintptr_t>(begin) + huge - 1) / huge * huge;
  const auto last = (reinterpret_cast<std::uintptr_t>(begin) + size) / huge * huge;
  if (first < last) madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);  // where there are none: as before
}

// More than a process can address: what asks for so much is wrong on every machine.
constexpr std::size_t address_space = std::size_t{1} << 47;

struct Mapping {
  void* address = nullptr;
  std::size_t size = 0;
  Mapping(void* a, std::size_t n) : address(a), size(n) {}
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() {
    if (address != nullptr) munmap(address, size);
  }
};

}  // namespace

std::shared_ptr<Buffer> Buffer::allocate(std::size_t size) {
  if (size > std::numeric_limits<std::size_t>::max() - tail - alignment) {
    throw Error(Fault::malformed, fmt::format("{} bytes do not fit into memory", size));
  }
  const std::size_t total = (size + tail + alignment - 1) / alignment * alignment;
  // calloc leaves large blocks untouched, so that memory is used only where something is written.
  void* raw = std::calloc(total + alignment, 1);
  if (raw == nullptr) {
    if (size >= address_space) throw Error(Fault::malformed, fmt::format("{} bytes do not fit into memory", size));
    throw Error(Fault::exhausted, fmt::format("not enough memory: {} bytes more are needed", size));
  }
  std::shared_ptr<void> owner(raw, Free{});
  void* aligned = raw;
  std::size_t space = total + alignment;
  std::align(alignment, total, aligned, space);
  advise_huge_pages(aligned, total);
  return std::shared_ptr<Buffer>(new Buffer(static_cast<std::byte*>(aligned), size, std::move(owner)));
}

namespace {

Error unreadable(const Frame& file, const char* what) {
  return Error(Fault::unreadable, file, fmt::format("{}: {}", what, std::strerror(errno)));
}

}  // namespace

std::shared_ptr<const Buffer> Buffer::map_file(const std::filesystem::path& path, Role role) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // a pipe is refused, not waited for
  if (descriptor < 0) throw unreadable(Frame::file(role, path.string()), "cannot be opened");
  struct Closed {
    int descriptor;
    ~Closed() { close(descriptor); }
  } closed{descriptor};
  return map_descriptor(descriptor, path, role);
}

std::shared_ptr<const Buffer> Buffer::map_descriptor(int descriptor, const std::filesystem::path& path, Role role) {
  const Frame file = Frame::file(role, path.string());
  struct stat status {};
  if (fstat(descriptor, &status) != 0) throw unreadable(file, "cannot be read");
  if (S_ISDIR(status.st_mode)) throw Error(Fault::unreadable, file, "is a folder, expected a file");
  if (!S_ISREG(status.st_mode)) throw Error(Fault::unreadable, file, "is not a regular file");
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size == 0) return std::shared_ptr<const Buffer>(new Buffer(nullptr, 0, nullptr));
  void* address = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (address == MAP_FAILED && errno == ENOMEM) throw Error(Fault::exhausted, file, "not enough memory to map it");
  if (address == MAP_FAILED) throw unreadable(file, "cannot be mapped");
  auto owner = std::make_shared<Mapping>(address, size);
  return std::shared_ptr<const Buffer>(new Buffer(static_cast<std::byte*>(address), size, std::move(owner)));
}

std::shared_ptr<const Buffer> Buffer::view(std::span<const std::byte> bytes, std::shared_ptr<const void> keep_alive) {
  return std::shared_ptr<const Buffer>(new Buffer(const_cast<std::byte*>(bytes.data()), bytes.size(), std::move(keep_alive)));
}

std::shared_ptr<Buffer> Buffer::mutable_view(std::span<std::byte> bytes, std::shared_ptr<void> keep_alive) {
  return std::shared_ptr<Buffer>(new Buffer(bytes.data(), bytes.size(), std::move(keep_alive)));
}

}  // namespace resnet
