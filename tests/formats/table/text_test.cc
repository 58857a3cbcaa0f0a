#include "formats/table/text.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace resnet::table {
namespace {

TEST(TextTest, PrintableShowsWhatATerminalWouldObey) {
  EXPECT_EQ(printable("golden retriever"), "golden retriever");
  EXPECT_EQ(printable("Z\xc3\xbcrich \xe7\x8a\xac"), "Z\xc3\xbcrich \xe7\x8a\xac");
  EXPECT_EQ(printable("a\nb\tc\rd"), "a\\nb\\tc\\rd");
  EXPECT_EQ(printable(std::string("\x1b]0;title\x07\0", 11)), "\\x1b]0;title\\x07\\x00");
  EXPECT_EQ(printable("caf\xe9.jpg"), "caf\\xe9.jpg");
  EXPECT_EQ(printable("\xe2\x80\xae"), "\\u202e");  // right-to-left override
  EXPECT_EQ(printable("\xc2\x9b"), "\\u009b");      // the one-byte form of ESC [
}

TEST(TextTest, PrintableLinesKeepTheirEnds) {
  EXPECT_EQ(printable_lines("a\x1b[2J\nb\xc2\x9b\n\nc"), "a\\x1b[2J\nb\\u009b\n\nc");
  EXPECT_EQ(printable_lines(""), "");
}

TEST(TextTest, ShortenedKeepsBothEndsAndWholeCharacters) {
  EXPECT_EQ(shortened("short", 40), "short");
  const std::string all = "model.onnx: " + std::string(500, 'n') + ": expected 3";
  const std::string cut = shortened(all, 60);
  EXPECT_LE(cut.size(), 60u);
  EXPECT_EQ(cut.substr(0, 14), "model.onnx: nn");
  EXPECT_EQ(cut.substr(cut.size() - 12), ": expected 3");
  std::string wide;
  for (int i = 0; i < 100; ++i) wide += "\xe7\x8a\xac";
  for (std::size_t most = 40; most < 60; ++most) {
    EXPECT_TRUE(is_utf8(shortened(wide, most))) << most;
    EXPECT_LE(shortened(wide, most).size(), most);
  }
}

TEST(TextTest, Utf8) {
  EXPECT_TRUE(is_utf8(""));
  EXPECT_TRUE(is_utf8("\xf0\x9f\x90\x95"));
  EXPECT_FALSE(is_utf8("caf\xe9"));
  EXPECT_FALSE(is_utf8("\xc0\xaf"));          // overlong
  EXPECT_FALSE(is_utf8("\xed\xa0\x80"));      // a surrogate
  EXPECT_FALSE(is_utf8("\xf4\x90\x80\x80"));  // above U+10FFFF
  EXPECT_FALSE(is_utf8("\xe7\x8a"));          // cut off
}

TEST(TextTest, WidthCountsColumns) {
  EXPECT_EQ(display_width("dog"), 3u);
  EXPECT_EQ(display_width("Z\xc3\xbcrich"), 6u);
  EXPECT_EQ(display_width("\xe7\x8a\xac"), 2u);      // a wide character
  EXPECT_EQ(display_width("e\xcc\x81"), 1u);         // a combining accent
  EXPECT_EQ(display_width("\xf0\x9f\x90\x95"), 2u);  // an emoji
  EXPECT_EQ(pad("\xe7\x8a\xac", 4), "\xe7\x8a\xac  ");
  EXPECT_EQ(pad("7", 3, Align::right), "  7");
  EXPECT_EQ(pad("long", 2), "long");
}

// The vectors of RFC 4648, section 10.
TEST(TextTest, Base64) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foob"), "Zm9vYg==");
  EXPECT_EQ(base64("fooba"), "Zm9vYmE=");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64("\xff\xfe\xfd"), "//79");
}

TEST(TextTest, NearestNamesWhatWasMeant) {
  const std::vector<std::string> names = {"resnet18", "resnet34", "resnet50", "predict"};
  EXPECT_EQ(edit_distance("predcit", "predict"), 1u);  // a swap
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
  EXPECT_EQ(edit_distance("", "abc"), 3u);
  EXPECT_EQ(nearest("predcit", names), "predict");
  EXPECT_EQ(nearest("renset50", names), "resnet50");
  EXPECT_EQ(nearest("xylophone", names), "");
}

}  // namespace
}  // namespace resnet::table
