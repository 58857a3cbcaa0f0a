#include "lib/image/untrusted.h"

#include <fmt/format.h>

#include "lib/base/error.h"

namespace resnet::image {

void refuse(const std::string& name, const std::string& what) {
  throw Error(Fault::malformed, Frame::file(Role::input, name), what);
}

std::uint32_t little_endian(std::span<const std::byte> bytes, std::size_t offset, std::size_t count) {
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < count; ++i) number |= std::to_integer<std::uint32_t>(bytes[offset + i]) << (8 * i);
  return number;
}

void check_size(const std::string& name, std::int64_t width, std::int64_t height, std::int64_t max_pixels) {
  if (width <= 0 || height <= 0)
    refuse(name, fmt::format("is not an image that can be read (it has {}x{} pixels)", width, height));
  // A side of 2^31 does not fit into an int; the product of two sides that do fits into 64 bits.
  if (width > INT32_MAX || height > INT32_MAX || width * height > max_pixels) {
    refuse(name, fmt::format("has {}x{} pixels, more than the {} that are allowed", width, height, max_pixels));
  }
}

}  // namespace resnet::image
