#include "lib/image/exif.h"

#include <cstdint>
#include <string>
#include <vector>

namespace resnet::image {

namespace {

constexpr std::string_view prefix{"Exif\0\0", 6};

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

int orientation_of_exif(std::span<const std::byte> exif) {
  std::string_view text(reinterpret_cast<const char*>(exif.data()), exif.size());
  if (text.starts_with(prefix)) text.remove_prefix(prefix.size());
  const bool big = text.starts_with("MM");
  if (!big && !text.starts_with("II")) return 0;
  // `bytes` of a number, 0 beyond the end.
  const auto number = [&](std::size_t at, std::size_t bytes) {
    std::uint32_t value = 0;
    if (at > text.size() || text.size() - at < bytes) return value;
    for (std::size_t i = 0; i < bytes; ++i) {
      const auto byte = static_cast<unsigned char>(text[at + (big ? i : bytes - 1 - i)]);
      value = value << 8 | byte;
    }
    return value;
  };
  constexpr std::size_t entry_bytes = 12;
  constexpr std::uint32_t magic = 42, orientation_tag = 274, type_short = 3, type_long = 4;
  if (number(2, 2) != magic) return 0;
  const std::size_t directory = number(4, 4);
  const std::size_t count = number(directory, 2);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t entry = directory + 2 + i * entry_bytes;
    if (entry > text.size()) break;
    if (number(entry, 2) != orientation_tag) continue;
    const std::uint32_t type = number(entry + 2, 2);
    const std::uint32_t value = type == type_short ? number(entry + 8, 2) : type == type_long ? number(entry + 8, 4) : 0;
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 0;
  }
  return 0;
}

int orientation_of_raw_profile(std::string_view text) {
  // What comes after the third line's end.
  for (int line = 0; line < 3; ++line) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return 0;
    text.remove_prefix(end + 1);
  }
  // The first directory, which the orientation is in, lies near the beginning.
  constexpr std::size_t most_bytes = 1 << 16;
  std::vector<std::byte> bytes;
  int high = -1;
  for (const char c : text) {
    if (c == '\n' || c == '\r' || c == ' ') continue;
    const int digit = digit_of(c);
    if (digit < 0) break;
    if (high < 0) {
      high = digit;
      continue;
    }
    bytes.push_back(static_cast<std::byte>(high * 16 + digit));
    high = -1;
    if (bytes.size() == most_bytes) break;
  }
  return orientation_of_exif(bytes);
}

}  // namespace resnet::image
