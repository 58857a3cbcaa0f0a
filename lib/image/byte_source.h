// A picture's bytes, in memory or in a file that is read piece by piece: one near --max-pixels fills the memory once, not twice.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "lib/base/stop.h"

namespace resnet::image {

class ByteSource {
 public:
  ByteSource(std::span<const std::byte> bytes, const std::string& name) : name_(name), size_(bytes.size()), window_(bytes) {}
  // `size` bytes of the open file, which stays the caller's. `name` is that of messages, and outlives this.
  ByteSource(int descriptor, std::size_t size, const std::string& name, const Stop& stop)
      : name_(name), size_(size), descriptor_(descriptor), stop_(stop) {}

  const std::string& name() const { return name_; }
  std::size_t size() const { return size_; }
  // [offset, offset + count), which lies within size(); valid until the next call. Throws Error(bad_input) where the file has
  // become shorter, or cannot be read, and Error(interrupted).
  std::span<const std::byte> at(std::size_t offset, std::size_t count) {
    if (offset < begin_ || offset + count > begin_ + window_.size()) fill(offset, count);
    return window_.subspan(offset - begin_, count);
  }
  std::byte operator[](std::size_t offset) { return at(offset, 1).front(); }

 private:
  void fill(std::size_t offset, std::size_t count);

  const std::string& name_;
  std::size_t size_;
  int descriptor_ = -1;
  Stop stop_;
  std::size_t begin_ = 0;  // of the window
  std::span<const std::byte> window_;
  std::vector<std::byte> buffer_;
};

}  // namespace resnet::image
