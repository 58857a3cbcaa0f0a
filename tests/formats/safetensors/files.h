// Files put together by hand, and what the reader says of them.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "formats/safetensors/safetensors.h"
#include "lib/base/error.h"

namespace resnet::safetensors {

// The length, the header, the data.
inline std::string file_of(std::string_view header, std::string_view data = "") {
  const std::uint64_t length = header.size();
  std::string bytes(sizeof length, '\0');
  std::memcpy(bytes.data(), &length, sizeof length);
  return bytes.append(header).append(data);
}

// The bytes in memory of their own, at `misaligned` bytes after a multiple of 64.
inline std::shared_ptr<const Buffer> buffer_of(std::string_view bytes, std::size_t misaligned = 0) {
  const auto whole = Buffer::allocate(bytes.size() + misaligned);
  std::memcpy(whole->mutable_bytes().data() + misaligned, bytes.data(), bytes.size());
  return Buffer::view(whole->bytes().subspan(misaligned), whole);
}

inline Weights parse_text(std::string_view bytes) { return parse(buffer_of(bytes), "x.safetensors"); }

// The line without the file; "" where it is read.
inline std::string complaint(std::string_view bytes, Fault fault = Fault::malformed) {
  try {
    parse_text(bytes);
  } catch (const Error& error) {
    if (error.role() != Role::model || !std::string_view(error.what()).starts_with("x.safetensors: ")) return "names no file";
    return error.fault() == fault ? error.without_file() : "another fault: " + error.without_file();
  }
  return "";
}

}  // namespace resnet::safetensors
