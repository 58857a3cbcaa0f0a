// Any bytes as a BMP and as a PNM, the pictures that lib/image reads by itself: an error or a picture, and nothing else.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>

#include "lib/base/error.h"
#include "lib/image/bmp.h"
#include "lib/image/byte_source.h"
#include "lib/image/pnm.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::int64_t max_pixels = 1 << 22;
  const auto bytes = std::as_bytes(std::span(data, size));
  try {
    const std::string name = "fuzz";
    resnet::image::ByteSource source(bytes, name);
    resnet::image::Pixels pixels;
    if (resnet::image::is_bmp(bytes)) pixels = resnet::image::decode_bmp(source, max_pixels);
    if (resnet::image::is_pnm(bytes)) pixels = resnet::image::decode_pnm(source, max_pixels);
    const auto expected = static_cast<std::size_t>(pixels.width) * static_cast<std::size_t>(pixels.height) * 3;
    if (pixels.rgb.size() != expected) std::abort();
  } catch (const resnet::Error&) {
  }
  return 0;
}
