// Photos: decoded, resized and cropped as PIL and torchvision do it, then normalised into a batch slot. libvips stays inside.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "lib/base/stop.h"
#include "lib/model/preprocessing.h"

namespace resnet::image {

// 8-bit RGB pixels, rows of width * 3 bytes.
struct Pixels {
  int width = 0, height = 0;
  std::vector<std::uint8_t> rgb;
};

struct Size {
  int width, height;
};

struct DecodeOptions {
  bool exif = false;                      // turn as the EXIF orientation says
  std::int64_t max_pixels = 300'000'000;  // larger ones are refused before they are decoded
  // Counts photos that carry an orientation other than upright while `exif` is false.
  std::atomic<std::size_t>* unheeded_orientations = nullptr;
  Stop stop = {};  // of what is large or slow to come: decode() throws Error(interrupted)
};

// Greyscale becomes three equal channels, alpha is dropped as PIL's convert("RGB") drops it, CMYK is converted, 16 bits become 8.
// JPEG, PNG, WebP, GIF, TIFF, HEIF by libvips; BMP and PNM by readers of our own.
// Throws Error(Role::input) "FILE: ..." for what is not an image, is truncated or too large. Thread-safe.
Pixels decode(const std::filesystem::path& file, const DecodeOptions& options = {});
Pixels decode(std::span<const std::byte> bytes, const std::string& name, const DecodeOptions& options = {});

// Antialiased, as PIL's resize does it, to within half a level on average.
Pixels resize(const Pixels& pixels, int width, int height, Interpolation interpolation);
// The shorter side to `size`, the longer one to int(size * long / short), as torchvision does it.
Pixels resize_shorter_side(const Pixels& pixels, int size, Interpolation interpolation);
// The size of that.
Size shorter_side_size(Size photo, int size);
Size shorter_side_size(const Pixels& pixels, int size);
// The size of a photo that keeps its shape and covers this one: one side is equal, the other at least as long.
Size covering_size(Size photo, Size covered);
// A part of what a photo resized to `whole` is, of which alone is computed what it needs: however long the picture is. Throws
// Error(invalid) where it lies outside.
Pixels resize_and_crop(const Pixels& pixels, Size whole, int left, int top, int width, int height, Interpolation interpolation);
Pixels resize_shorter_side_and_crop(const Pixels& pixels, int size, int left, int top, int width, int height,
                                    Interpolation interpolation);
// As torchvision's CenterCrop: from int(round((side - size) / 2)), half to even (or rounded down); a side that is too small is
// padded with black, the odd pixel at the right or the bottom.
Pixels center_crop(const Pixels& pixels, int width, int height, CropCorner corner = CropCorner::half_to_even);

// A part that lies inside. Throws Error(invalid) where it does not.
Pixels crop(const Pixels& pixels, int left, int top, int width, int height);
// Left and right exchanged.
Pixels mirrored(const Pixels& pixels);

// As the bytes of a file. `quality`: 1 to 100. Throws Error(internal) where libvips cannot.
std::string encode_png(const Pixels& pixels);
std::string encode_jpeg(const Pixels& pixels, int quality);

// What a preprocessing makes of a photo of this size: the whole one resized, and where in it the crop lies; below 0 where that is
// larger and padded, with the mean's level (crop_mode border) or with black.
struct Framing {
  Size resized = {};
  int left = 0, top = 0;
  Size crop = {};
};
Framing framing_of(Size photo, const Preprocessing& preprocessing);
// The whole photo, resized as crop_mode says.
Pixels resized(const Pixels& pixels, const Preprocessing& preprocessing);
// resize and crop as `preprocessing` says; the size of the result is its crop_size, else the (resized) photo's own.
Pixels prepare(const Pixels& pixels, const Preprocessing& preprocessing);

// (value * scale - mean) / std per channel into `slot` of height * width * 3 floats, interleaved (NHWC) or planar (NCHW).
void normalize_nhwc(const Pixels& pixels, const Preprocessing& preprocessing, std::span<float> slot);
void normalize_nchw(const Pixels& pixels, const Preprocessing& preprocessing, std::span<float> slot);

// A level for each pixel, as PIL's convert("L") has it: ITU-R 601-2's weights (0.299, 0.587, 0.114), rounded.
std::vector<std::uint8_t> luminance(const Pixels& pixels);
// The same for one channel, by the first mean and deviation.
void normalize_luminance(std::span<const std::uint8_t> levels, const Preprocessing& preprocessing, std::span<float> slot);

}  // namespace resnet::image
