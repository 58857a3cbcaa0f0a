// The orientation that EXIF holds, where libvips does not look for it: in the text chunks of PNG files.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace resnet::image {

// TIFF 6.0, tag 274, of an EXIF block with or without its "Exif\0\0" before it: 1 to 8; 0 where there is none, and for bytes that
// are something else.
int orientation_of_exif(std::span<const std::byte> exif);

// Of the text that ImageMagick and its kin keep EXIF as, in a PNG's tEXt, zTXt or iTXt chunk "Raw profile type exif" (or APP1):
// an empty line, a name, a number of bytes, then hexadecimal digits.
int orientation_of_raw_profile(std::string_view text);

}  // namespace resnet::image
