#include "lib/image/pnm.h"

#include <gmock/gmock.h>

#include <vector>

#include "tests/image/own_readers.h"
#include "tests/support/temporary_folder.h"

namespace resnet::image::test {
namespace {

using testing::HasSubstr;

std::string text_of(const Pixels& pixels) { return {pixels.rgb.begin(), pixels.rgb.end()}; }

std::string header(const char* kind, int width, int height, int most) {
  return std::string(kind) + "\n" + std::to_string(width) + " " + std::to_string(height) + "\n" +
         (most > 0 ? std::to_string(most) + "\n" : "");
}

Pixels grey(int width, int height, const std::vector<std::uint8_t>& levels) {
  Pixels pixels{width, height, {}};
  for (const std::uint8_t level : levels) pixels.rgb.insert(pixels.rgb.end(), 3, level);
  return pixels;
}

TEST(Pnm, ColoursAsBytesAndAsText) {
  const Pixels pixels = colourful(11, 7);
  expect_as_png(header("P6", 11, 7, 255) + text_of(pixels), pixels);
  std::string text = "P3 # a comment\n# another\r11\t7 # of the size\n255\n";
  for (const std::uint8_t level : pixels.rgb) text += std::to_string(level) + (level % 3 == 0 ? "\n" : " # level\n");
  expect_as_png(text, pixels);
}

TEST(Pnm, Greys) {
  const std::vector<std::uint8_t> levels = {0, 1, 77, 128, 254, 255};
  expect_as_png(header("P5", 3, 2, 255) + std::string(levels.begin(), levels.end()), grey(3, 2, levels));
  expect_as_png("P2 3 2 255 0 1 77 128 254 255", grey(3, 2, levels));
}

TEST(Pnm, BlackAndWhite) {
  // A 1 is ink. Binary rows begin with a byte of their own.
  const Pixels expected = grey(10, 2, {0, 255, 255, 255, 255, 255, 255, 255, 255, 0, 255, 0, 0, 0, 0, 0, 0, 0, 0, 255});
  expect_as_png("P1\n10 2\n1000000001\n0 1 1 1 1 1 1 1 1#the last\n0", expected);
  expect_as_png(header("P4", 10, 2, 0) + std::string("\x80\x40\x7f\xbf", 4), expected);  // the other six bits say nothing
}

TEST(Pnm, OtherLargestSamplesAreScaledAsPilDoesIt) {
  expect_as_png("P2 3 1 7 0 3 7", grey(3, 1, {0, 109, 255}));
  expect_as_png(header("P5", 4, 1, 100) + std::string("\0\1\x32\x64", 4), grey(4, 1, {0, 3, 128, 255}));
  expect_as_png(header("P5", 3, 1, 65535) + std::string("\0\0\x80\0\xff\xff", 6), grey(3, 1, {0, 128, 255}));
  expect_as_png("P3 1 1 65535 65535 257 128", Pixels{1, 1, {255, 1, 0}});
  expect_as_png(header("P6", 1, 1, 1023) + std::string("\3\xff\1\xff\0\0", 6), Pixels{1, 1, {255, 127, 0}});
  // Two to the left of half go to the even one: 1/510 and 3/510 of 255.
  expect_as_png("P2 2 1 510 1 3", grey(2, 1, {0, 2}));
}

TEST(Pnm, OnlyTheFirstPictureCounts) {
  const Pixels pixels = colourful(2, 2);
  expect_as_png(header("P6", 2, 2, 255) + text_of(pixels) + header("P6", 9, 9, 255) + "rest", pixels);
}

TEST(Pnm, ClaimsAreCheckedBeforeMemoryIsTaken) {
  for (const char* kind : {"P1", "P2", "P3", "P4", "P5", "P6"}) {
    SCOPED_TRACE(kind);
    const int most = kind[1] == '1' || kind[1] == '4' ? 0 : 255;
    EXPECT_THAT(complaint(header(kind, 30'000, 30'000, most) + "0 1 0 1"), HasSubstr("has 30000x30000 pixels, more than"));
    EXPECT_EQ(complaint(header(kind, 4000, 4000, most) + "0 1 0 1"), "photo: is truncated");
    EXPECT_THAT(complaint(header(kind, 0, 3, most) + "0"), HasSubstr("it has 0x3 pixels"));
    EXPECT_THAT(complaint(std::string(kind) + " 99999999999999999999 1 "), HasSubstr("a width of more than 2147483647"));
  }
}

TEST(Pnm, EveryCutIsTruncated) {
  for (const std::string& whole :
       {header("P6", 3, 3, 255) + text_of(colourful(3, 3)), header("P5", 2, 2, 300) + std::string(8, '\1'),
        header("P4", 9, 2, 0) + std::string(4, '\x55'), std::string("P3 2 1 255 1 22 33 4 5 6"), std::string("P1 3 1 1 0 1")}) {
    ASSERT_EQ(complaint(whole), "") << whole;
    for (std::size_t size = 4; size < whole.size(); ++size) {
      EXPECT_NE(complaint(whole.substr(0, size)), "") << size << " of " << whole;
    }
  }
  EXPECT_EQ(complaint("P6\n3 3\n255\nabc"), "photo: is truncated");
}

TEST(Pnm, WhatIsDamagedIsNamed) {
  EXPECT_THAT(complaint("P5 2 2 0 aaaa"), HasSubstr("its largest sample is 0"));
  EXPECT_THAT(complaint("P5 2 2 65536 aaaaaaaa"), HasSubstr("a largest sample of more than 65535"));
  EXPECT_THAT(complaint("P5 2 2 255#aaaa"), HasSubstr("no space before its samples"));
  EXPECT_THAT(complaint("P5 two 2 255 aaaa"), HasSubstr("no number for its width"));
  EXPECT_THAT(complaint("P2 2 1 9 3 10"), HasSubstr("a sample of more than 9"));
  EXPECT_THAT(complaint("P1 2 1 0 2"), HasSubstr("neither 0 nor 1"));
  EXPECT_THAT(complaint("P7\nWIDTH 2\n"), HasSubstr("it is a PAM picture"));
}

// Read in pieces: as it is in memory, and not twice as large.
TEST(Pnm, ALargeFileIsNotInMemoryAsWell) {
  const resnet::test::TemporaryFolder folder;
  const std::string bytes = "P6 6000 4000 255\n" + many_bytes(72'000'000);
  const auto file = folder.write("large.pnm", bytes);
  EXPECT_TRUE(decode(file).rgb == decoded(bytes, 1 << 25).rgb);
  folder.write("large.pnm", bytes.substr(0, bytes.size() - 5));
  EXPECT_THROW(decode(file), Error);
  expect_memory_once(file, [&] { folder.write("large.pnm", "P6 6000 4000 255\n" + std::string(72'000'000, 'x')); });
}

}  // namespace
}  // namespace resnet::image::test
