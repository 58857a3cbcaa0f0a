// The bytes of a file that is mapped, of which no more counts as memory than is in use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>

#include "lib/tensor/tensor.h"

namespace resnet {

// A value: copies share the mapping. What is copied is read from the file, and what is used in place is given back afterwards:
// pages of a mapping that were touched would else count as memory until the mapping goes, beside what was made of them.
class FileBytes {
 public:
  FileBytes() = default;
  // Bytes that are in memory already: nothing is given back.
  FileBytes(std::shared_ptr<const Buffer> buffer);
  // `descriptor` is open on the file that `mapping` maps as a whole. It stays the caller's; a duplicate of it is kept.
  FileBytes(std::shared_ptr<const Buffer> mapping, int descriptor);
  // Throws as Buffer::map_file.
  static FileBytes map(const std::filesystem::path& path, Role role = Role::model);

  std::span<const std::byte> bytes() const { return bytes_; }
  std::string_view text() const { return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()}; }

  // Those from `offset` on, which are within the file. Throws Error(unreadable) where reading fails.
  void copy(std::uint64_t offset, std::span<std::byte> out) const;
  // A part of it, used in place; it keeps the mapping. Its pages are given back when nobody has it any more, and are read from
  // the file again where somebody else looks at them.
  std::shared_ptr<const Buffer> view(std::uint64_t offset, std::uint64_t size) const;
  // A part that is a file in itself.
  FileBytes part(std::uint64_t offset, std::uint64_t size) const;

 private:
  struct Descriptor;
  std::shared_ptr<const Buffer> buffer_;
  std::shared_ptr<const Descriptor> descriptor_;  // null where it is not a mapping of ours
  std::span<const std::byte> bytes_;
  std::uint64_t offset_ = 0;  // of `bytes_` in the file
};

}  // namespace resnet
