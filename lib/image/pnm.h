// PNM files (PBM, PGM and PPM), read by ourselves: libvips' loader for them is not meant for files from strangers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "lib/image/byte_source.h"
#include "lib/image/image.h"

namespace resnet::image {

// By its first bytes: P1 to P6.
bool is_pnm(std::span<const std::byte> bytes);

// The first picture of the file, as text or binary, of samples up to 65535, which are scaled to 255 and rounded, as PIL does it.
// Throws Error(Role::input) "NAME: ..." for cut and damaged ones, and for more than `max_pixels`, before memory is taken.
Pixels decode_pnm(ByteSource& source, std::int64_t max_pixels);

}  // namespace resnet::image
