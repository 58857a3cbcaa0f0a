// BMP files, read by ourselves: libvips' loader for them is not meant for files from strangers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "lib/image/byte_source.h"
#include "lib/image/image.h"

namespace resnet::image {

// By its first bytes.
bool is_bmp(std::span<const std::byte> bytes);

// Uncompressed ones of 1, 2, 4, 8, 16, 24 and 32 bits a pixel, with or without bit fields, stored from either side; alpha is
// dropped. Throws Error(Role::input) "NAME: ..." for compressed, cut and damaged ones, and for more than `max_pixels`, before
// memory is taken.
Pixels decode_bmp(ByteSource& source, std::int64_t max_pixels);

}  // namespace resnet::image
