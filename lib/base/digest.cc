#include "lib/base/digest.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

#include "lib/base/error.h"

namespace resnet {

namespace {

constexpr std::size_t block_size = 1 << 20;

std::size_t blocks_in(std::size_t size) { return (size + block_size - 1) / block_size; }

// The digest of each block's; `hash_of` gives that of block k.
template <typename HashOf>
std::string digest_blocks(std::size_t size, ThreadPool& pool, const HashOf& hash_of) {
  std::vector<XXH128_canonical_t> hashes(blocks_in(size));
  pool.parallel_for(hashes.size(), 1, [&](std::size_t begin, std::size_t end) {
    for (std::size_t k = begin; k < end; ++k) XXH128_canonicalFromHash(&hashes[k], hash_of(k));
  });
  XXH128_canonical_t whole;
  XXH128_canonicalFromHash(&whole, XXH3_128bits_withSeed(hashes.data(), hashes.size() * sizeof(hashes[0]), size));
  std::string text;
  for (const unsigned char byte : whole.digest) {
    char digits[3];
    std::snprintf(digits, sizeof(digits), "%02x", byte);
    text += digits;
  }
  return text;
}

struct Descriptor {
  int fd;
  explicit Descriptor(int opened) : fd(opened) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd >= 0) close(fd);
  }
};

}  // namespace

std::string digest(std::span<const std::byte> bytes, ThreadPool& pool) {
  return digest_blocks(bytes.size(), pool, [bytes](std::size_t k) {
    const auto block = bytes.subspan(k * block_size, std::min(block_size, bytes.size() - k * block_size));
    return XXH3_128bits(block.data(), block.size());
  });
}

std::string digest(std::string_view text) {
  ThreadPool alone(1);
  return digest(std::as_bytes(std::span(text)), alone);
}

std::uint64_t hash_of(std::string_view text) { return XXH3_64bits(text.data(), text.size()); }

std::string digest_of_file(const std::filesystem::path& file, ThreadPool& pool, Role role) {
  const auto refuse = [&](const std::string& what) { throw Error(Fault::unreadable, Frame::file(role, file.string()), what); };
  const Descriptor opened(open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (opened.fd < 0 || fstat(opened.fd, &status) != 0) refuse(std::string("cannot be opened: ") + std::strerror(errno));
  if (!S_ISREG(status.st_mode)) refuse("is not a regular file");
  std::atomic<int> failure = 0;
  const auto size = static_cast<std::size_t>(status.st_size);
  std::string text = digest_blocks(size, pool, [&](std::size_t k) {
    thread_local const std::unique_ptr<std::byte[]> block(new std::byte[block_size]);
    const std::size_t wanted = std::min(block_size, size - k * block_size);
    std::size_t got = 0;
    while (got < wanted) {
      const ssize_t n = pread(opened.fd, block.get() + got, wanted - got, static_cast<off_t>(k * block_size + got));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) {
        failure = n < 0 ? errno : EIO;  // shorter than it was a moment ago
        break;
      }
      got += static_cast<std::size_t>(n);
    }
    return XXH3_128bits(block.get(), got);
  });
  if (failure != 0) refuse(std::string("cannot be read: ") + std::strerror(failure));
  return text;
}

}  // namespace resnet
