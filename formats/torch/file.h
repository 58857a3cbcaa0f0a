// The bytes of a checkpoint: mapped, and where its file is open, readable without the mapping.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "lib/tensor/tensor.h"

namespace resnet::torch {

struct File {
  std::shared_ptr<const Buffer> buffer;
  // Of the same file, or -1. What must be copied is read from it: pages of a mapping that were touched count as memory, and so a
  // copy through it would count twice.
  int descriptor = -1;

  std::span<const std::byte> bytes() const { return buffer->bytes(); }
  std::string_view text() const { return {reinterpret_cast<const char*>(bytes().data()), bytes().size()}; }
  // Within the file. Throws Error(unreadable) where reading fails.
  void copy(std::uint64_t offset, std::span<std::byte> out) const;
};

// A file's own words in a message: one line of at most 80 characters without control characters.
std::string shown(std::string_view text);

}  // namespace resnet::torch
