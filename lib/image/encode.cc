#include <fmt/format.h>

#include "lib/base/error.h"
#include "lib/image/image.h"
#include "lib/image/vips_library.h"

namespace resnet::image {

namespace {

std::string encode(const Pixels& pixels, const char* suffix) {
  const VipsLibrary& vips = vips_library();
  const auto fail = [&]() {
    const std::string reason = vips.vips_error_buffer();
    vips.vips_error_clear();
    throw Error(Fault::internal, fmt::format("a picture of {}x{} cannot be encoded: {}", pixels.width, pixels.height, reason));
  };
  VipsImage* image = vips.vips_image_new_from_memory_copy(pixels.rgb.data(), pixels.rgb.size(), pixels.width, pixels.height, 3,
                                                          VIPS_FORMAT_UCHAR);
  if (image == nullptr) fail();
  void* bytes = nullptr;
  std::size_t size = 0;
  const int status = vips.vips_image_write_to_buffer(image, suffix, &bytes, &size, nullptr);
  vips.g_object_unref(image);
  if (status != 0) fail();
  std::string result(static_cast<const char*>(bytes), size);
  vips.g_free(bytes);
  return result;
}

}  // namespace

std::string encode_png(const Pixels& pixels) { return encode(pixels, ".png"); }
std::string encode_jpeg(const Pixels& pixels, int quality) {
  return encode(pixels, fmt::format(".jpg[Q={},strip]", quality).c_str());
}

}  // namespace resnet::image
