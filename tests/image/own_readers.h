// For the readers of our own: pictures whose bytes a test writes, and what the pipeline makes of the same pixels in a PNG.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <span>
#include <string>

#include "lib/base/error.h"
#include "lib/image/image.h"
#include "tests/support/sanitized.h"

namespace resnet::image::test {

// Colours of every level in every channel, none like its neighbour; `of`: into how many levels a channel is divided.
inline Pixels colourful(int width, int height, int of = 256) {
  Pixels pixels{width, height, {}};
  for (int i = 0; i < width * height; ++i) {
    for (const int factor : {7, 31, 101}) {
      const int level = (i * factor + factor) % of;
      pixels.rgb.push_back(static_cast<std::uint8_t>(level * 255 / (of - 1)));
    }
  }
  return pixels;
}

inline Pixels decoded(const std::string& bytes, std::int64_t max_pixels = 1 << 24) {
  return decode(std::as_bytes(std::span(bytes)), "photo", {.max_pixels = max_pixels});
}

// As a PNG of the same pixels is decoded.
inline void expect_as_png(const std::string& bytes, const Pixels& expected) {
  const Pixels found = decoded(bytes), png = decoded(encode_png(expected));
  EXPECT_EQ(found.width, png.width);
  EXPECT_EQ(found.height, png.height);
  EXPECT_EQ(found.rgb, png.rgb);
}

// What decode() says of these bytes, "" where it takes them.
inline std::string complaint(const std::string& bytes, std::int64_t max_pixels = 1 << 24) {
  try {
    decoded(bytes, max_pixels);
  } catch (const Error& error) {
    EXPECT_EQ(error.role(), Role::input);
    return error.what();
  }
  return "";
}

// So many bytes, no two rows alike.
inline std::string many_bytes(std::size_t count) {
  std::string pattern(100'003, '\0'), bytes;
  for (std::size_t i = 0; i < pattern.size(); ++i) pattern[i] = static_cast<char>(i * 7 + i / 500);
  bytes.reserve(count + pattern.size());
  while (bytes.size() < count) bytes += pattern;
  bytes.resize(count);
  return bytes;
}

// The file that `make` writes is decoded in hardly more memory than its pixels take.
inline void expect_memory_once([[maybe_unused]] const std::filesystem::path& file, const std::function<void()>& make) {
  make();
#ifndef RESNET_SANITIZED
  const auto kilobytes = [](const std::string& key) {
    std::ifstream status("/proc/self/status");
    for (std::string word; status >> word;) {
      std::size_t number = 0;
      if (word == key && status >> number) return number;
    }
    return std::size_t{0};
  };
  std::ofstream("/proc/self/clear_refs") << "5" << std::flush;  // the peak is reset
  const std::size_t before = kilobytes("VmRSS:");
  const Pixels pixels = decode(file);
  EXPECT_LT(kilobytes("VmHWM:"), before + pixels.rgb.size() / 1024 + 16 * 1024);
#endif
}

}  // namespace resnet::image::test
