#include "lib/image/bmp.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <functional>
#include <vector>

#include "tests/image/own_readers.h"
#include "tests/support/temporary_folder.h"

namespace resnet::image::test {
namespace {

using testing::HasSubstr;

// Bytes of a BMP, part by part.
struct Bmp {
  int width = 0, height = 0;  // as the header has it: negative for rows from the top
  int bits = 24, header = 40;
  std::uint32_t compression = 0, colors = 0;
  std::vector<std::uint32_t> masks;
  std::string palette, rows;

  std::string bytes() const {
    std::string info;
    if (header == 12) {
      info = number(12, 4) + number(width, 2) + number(height, 2) + number(1, 2) + number(bits, 2);
    } else {
      info = number(header, 4) + number(width, 4) + number(height, 4) + number(1, 2) + number(bits, 2) + number(compression, 4) +
             number(0, 4) + number(2835, 4) + number(2835, 4) + number(colors, 4) + number(0, 4);
    }
    for (const std::uint32_t mask : masks) info += number(mask, 4);
    info.resize(std::max(info.size(), static_cast<std::size_t>(header)), '\0');
    info += palette;
    const std::size_t offset = 14 + info.size();
    return "BM" + number(static_cast<std::int64_t>(offset + rows.size()), 4) + number(0, 4) +
           number(static_cast<std::int64_t>(offset), 4) + info + rows;
  }

  static std::string number(std::int64_t value, int count) {
    std::string text;
    for (int i = 0; i < count; ++i) text += static_cast<char>(value >> (8 * i));
    return text;
  }
};

using ToNumber = std::function<std::uint32_t(const std::uint8_t*)>;

// Rows of `bits` a pixel, filled up to four bytes; from the bottom unless `top_down`.
std::string rows_of(const Pixels& pixels, int bits, bool top_down, const ToNumber& to_number) {
  std::string rows;
  for (int y = 0; y < pixels.height; ++y) {
    const int from = top_down ? y : pixels.height - 1 - y;
    std::vector<std::uint8_t> row(static_cast<std::size_t>((pixels.width * bits + 31) / 32 * 4));
    for (int x = 0; x < pixels.width; ++x) {
      const std::uint32_t value = to_number(&pixels.rgb[static_cast<std::size_t>((from * pixels.width + x) * 3)]);
      const auto at = static_cast<std::size_t>(x * bits);
      if (bits < 8) {
        row[at / 8] = static_cast<std::uint8_t>(row[at / 8] | value << (8 - bits - static_cast<int>(at % 8)));
      } else {
        for (int i = 0; i < bits / 8; ++i)
          row[at / 8 + static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(value >> (8 * i));
      }
    }
    rows.append(row.begin(), row.end());
  }
  return rows;
}

std::uint32_t blue_first(const std::uint8_t* rgb) {
  return static_cast<std::uint32_t>(rgb[2]) | static_cast<std::uint32_t>(rgb[1]) << 8 | static_cast<std::uint32_t>(rgb[0]) << 16;
}

Bmp of(const Pixels& pixels, int bits, bool top_down, const ToNumber& to_number) {
  Bmp bmp;
  bmp.width = pixels.width;
  bmp.height = top_down ? -pixels.height : pixels.height;
  bmp.bits = bits;
  bmp.rows = rows_of(pixels, bits, top_down, to_number);
  return bmp;
}

// Widths that fill their last byte and four bytes, and widths that do not.
constexpr std::array<int, 5> widths = {1, 7, 8, 13, 32};

TEST(Bmp, TrueColoursFromEitherSide) {
  for (const int width : widths) {
    for (const bool top_down : {false, true}) {
      SCOPED_TRACE(testing::Message() << width << (top_down ? " from the top" : ""));
      const Pixels pixels = colourful(width, 5);
      expect_as_png(of(pixels, 24, top_down, blue_first).bytes(), pixels);
      // The fourth byte is alpha, or nothing: dropped.
      expect_as_png(of(pixels, 32, top_down, [](const auto* rgb) { return blue_first(rgb) | 0x80000000U; }).bytes(), pixels);
    }
  }
}

TEST(Bmp, PalettesOfEverySize) {
  for (const int bits : {1, 2, 4, 8}) {
    for (const int width : widths) {
      for (const int header : {12, 40, 56, 108, 124}) {
        SCOPED_TRACE(testing::Message() << bits << " bits, width " << width << ", header " << header);
        const Pixels colors = colourful(1 << bits, 1);
        std::string palette;
        for (int i = 0; i < 1 << bits; ++i) {
          for (const int c : {2, 1, 0}) palette += static_cast<char>(colors.rgb[static_cast<std::size_t>(i * 3 + c)]);
          if (header != 12) palette += '\0';
        }
        // Each pixel is a colour of the palette, by its place.
        Pixels pixels{width, 3, {}}, indices = pixels;
        for (int i = 0; i < width * 3; ++i) {
          const int index = (i * 5 + 1) % (1 << bits);
          for (int c = 0; c < 3; ++c) {
            pixels.rgb.push_back(colors.rgb[static_cast<std::size_t>(index * 3 + c)]);
            indices.rgb.push_back(static_cast<std::uint8_t>(index));
          }
        }
        Bmp bmp = of(indices, bits, header == 40, [](const auto* index) { return std::uint32_t{*index}; });
        bmp.header = header;
        bmp.palette = palette;
        expect_as_png(bmp.bytes(), pixels);
      }
    }
  }
}

TEST(Bmp, AColourBeyondThePaletteIsDamage) {
  Bmp bmp;
  bmp.width = 2, bmp.height = 1, bmp.bits = 8, bmp.colors = 1;
  bmp.palette = std::string("\x01\x02\x03\0", 4);
  bmp.rows = std::string("\0\xff\0\0", 4);
  EXPECT_EQ(complaint(bmp.bytes()),
            "photo: is not an image that can be read (a damaged BMP: a pixel of colour 255 in a palette of 1)");
  bmp.palette = "";
  EXPECT_THAT(complaint(bmp.bytes()), HasSubstr("a pixel of colour 0 in a palette of 0"));
  bmp.palette = std::string("\x01\x02\x03\0", 4);
  bmp.rows = std::string(4, '\0');
  EXPECT_EQ(decoded(bmp.bytes()).rgb, (std::vector<std::uint8_t>{3, 2, 1, 3, 2, 1}));
}

TEST(Bmp, SixteenBitsAndBitFields) {
  const Pixels five = colourful(9, 4, 32);  // what 5 bits can say
  const auto in_5_bits = [](const std::uint8_t* rgb, std::size_t c) {
    return std::uint32_t{rgb[c]} * 31 / 255 + (rgb[c] % 255 != 0 ? 1 : 0);
  };
  const auto fifteen = [&](const std::uint8_t* rgb) {
    return in_5_bits(rgb, 0) << 10 | in_5_bits(rgb, 1) << 5 | in_5_bits(rgb, 2);
  };
  expect_as_png(of(five, 16, false, fifteen).bytes(), five);
  // Green of 6 bits, as PIL rounds it down to 8.
  Bmp wide;
  wide.width = 2, wide.height = 1, wide.bits = 16, wide.compression = 3, wide.masks = {0xf800, 0x07e0, 0x001f};
  wide.rows = std::string("\xff\xff\xe0\x03", 4);
  EXPECT_EQ(decoded(wide.bytes()).rgb, (std::vector<std::uint8_t>{255, 255, 255, 0, 125, 0}));
  // Masks after a short header and in a long one, in any order.
  for (const int header : {40, 56, 108, 124}) {
    SCOPED_TRACE(header);
    const Pixels pixels = colourful(6, 3);
    Bmp bmp = of(pixels, 32, true, [](const std::uint8_t* rgb) {
      return static_cast<std::uint32_t>(rgb[0]) << 8 | static_cast<std::uint32_t>(rgb[1]) << 24 | rgb[2];
    });
    bmp.compression = 3, bmp.header = header, bmp.masks = {0x0000ff00, 0xff000000, 0x000000ff};
    expect_as_png(bmp.bytes(), pixels);
  }
  wide.masks = {0, 0x07e0, 0};
  EXPECT_EQ(decoded(wide.bytes()).rgb, (std::vector<std::uint8_t>{0, 255, 0, 0, 125, 0}));
  wide.masks = {0, 0, 0};
  EXPECT_THAT(complaint(wide.bytes()), HasSubstr("a damaged BMP: its bit fields are all empty"));
  wide.masks = {0xf800, 0x07e0, 0x001f};
  wide.masks[0] = 0xa800;
  EXPECT_THAT(complaint(wide.bytes()), HasSubstr("a bit field of the BMP has gaps"));
}

TEST(Bmp, WhatIsCompressedIsRefusedByName) {
  Bmp bmp = of(colourful(4, 4), 24, false, blue_first);
  const std::array<const char*, 6> names = {"", "RLE8", "RLE4", "bit fields", "JPEG", "PNG"};
  for (std::uint32_t compression = 1; compression < names.size(); ++compression) {
    bmp.compression = compression;
    EXPECT_THAT(complaint(bmp.bytes()), HasSubstr(names[compression]));
  }
  bmp.compression = 77;
  EXPECT_THAT(complaint(bmp.bytes()), HasSubstr("an unknown method (77)"));
  bmp.compression = 0, bmp.bits = 5;
  EXPECT_THAT(complaint(bmp.bytes()), HasSubstr("5 bits a pixel, expected 1, 4, 8"));
}

TEST(Bmp, ClaimsAreCheckedBeforeMemoryIsTaken) {
  Bmp bmp = of(colourful(4, 4), 24, false, blue_first);
  for (const auto& [width, height] : {std::pair{30'000, 30'000}, {2'147'483'647, 2'147'483'647}, {4, -2'147'483'647 - 1}}) {
    bmp.width = width, bmp.height = height;
    EXPECT_THAT(complaint(bmp.bytes()), HasSubstr("pixels, more than the 16777216 that are allowed"));
  }
  bmp.width = bmp.height = 4000;
  EXPECT_EQ(complaint(bmp.bytes()), "photo: is truncated");
  for (const auto& [width, height] : {std::pair{0, 4}, {4, 0}, {-4, 4}}) {
    bmp.width = width, bmp.height = height;
    EXPECT_THAT(complaint(bmp.bytes()), HasSubstr("is not an image that can be read"));
  }
  EXPECT_THAT(complaint(of(colourful(4, 4), 24, false, blue_first).bytes(), 15), HasSubstr("more than the 15 that are allowed"));
}

// Read in pieces: as it is in memory, from either side, and not twice as large.
TEST(Bmp, ALargeFileIsNotInMemoryAsWell) {
  constexpr int width = 6000, height = 4000;
  const resnet::test::TemporaryFolder folder;
  for (const int sign : {1, -1}) {
    SCOPED_TRACE(sign);
    Bmp bmp;
    bmp.width = width, bmp.height = sign * height;
    bmp.rows = many_bytes(std::size_t{3} * width * height);
    const std::string bytes = bmp.bytes();
    const auto file = folder.write("large.bmp", bytes);
    EXPECT_TRUE(decode(file).rgb == decoded(bytes, 1 << 25).rgb);
    folder.write("large.bmp", bytes.substr(0, bytes.size() - 5));
    EXPECT_THROW(decode(file), Error);
  }
  expect_memory_once(folder.path() / "large.bmp", [&] {
    Bmp bmp;
    bmp.width = width, bmp.height = height, bmp.rows.resize(std::size_t{3} * width * height);
    folder.write("large.bmp", bmp.bytes());
  });
}

TEST(Bmp, EveryCutIsTruncated) {
  Bmp bmp = of(colourful(5, 3), 8, false, [](const auto* rgb) { return std::uint32_t{rgb[0]}; });
  bmp.palette = std::string(1024, '\x11');
  const std::string bytes = bmp.bytes();
  ASSERT_EQ(complaint(bytes), "");
  for (std::size_t size = 18; size + 3 < bytes.size(); ++size) EXPECT_EQ(complaint(bytes.substr(0, size)), "photo: is truncated");
  EXPECT_EQ(complaint(bytes.substr(0, bytes.size() - 3)), "");  // what fills the last row up need not be there
  std::string early = bytes;
  early.replace(10, 4, Bmp::number(20, 4));
  EXPECT_THAT(complaint(early), HasSubstr("its pixels begin within its header"));
}

TEST(Bmp, TextIsNone) {
  EXPECT_THAT(complaint("BMW is a maker of cars, and this is not a picture"), HasSubstr("is not an image that can be read"));
}

}  // namespace
}  // namespace resnet::image::test
