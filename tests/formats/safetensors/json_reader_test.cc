#include "formats/safetensors/json_reader.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "lib/base/error.h"

namespace resnet::safetensors {
namespace {

bool is_read(std::string_view text) {
  try {
    JsonReader json(text, "the text", 0);
    json.skip();
    json.finish();
    return true;
  } catch (const Error&) {
    return false;
  }
}

TEST(JsonReader, SkipsWhatIsJsonAndNothingElse) {
  for (const char* text : {"0", "-0", "10", "1.5", "1e5", "1E+5", "1e-5", "0.0e0", "true", "false", "null", "\"\"", "[]", "{}",
                           "[[]]", "[1,2]", "{\"a\":1,\"b\":{\"c\":[]}}", " [ 1 , \"\\u00e9\\ud83d\\ude00\" ] "}) {
    EXPECT_TRUE(is_read(text)) << text;
    EXPECT_TRUE(nlohmann::json::accept(text)) << text;
  }
  for (const char* text : {"",
                           " ",
                           "01",
                           "-",
                           "+1",
                           ".5",
                           "1.",
                           "1e",
                           "1e+",
                           "0x1",
                           "NaN",
                           "Infinity",
                           "tru",
                           "trues",
                           "nul",
                           "\"",
                           "\"\\\"",
                           "\"\\x\"",
                           "\"\\u12\"",
                           "\"\\u12g4\"",
                           "\"\\ud800\"",
                           "\"\\ud800x\"",
                           "\"\\ud800\\ud800\"",
                           "\"\\udc00\"",
                           "\"\n\"",
                           "[",
                           "]",
                           "[,]",
                           "[1,]",
                           "[1 2]",
                           "{",
                           "}",
                           "{\"a\"}",
                           "{\"a\":}",
                           "{\"a\":1,}",
                           "{a:1}",
                           "{1:1}",
                           "[}",
                           "{]",
                           "[1]]",
                           "{}{}",
                           "'a'",
                           "/**/1"}) {
    EXPECT_FALSE(is_read(text)) << text;
    EXPECT_FALSE(nlohmann::json::accept(text)) << text;
  }
}

TEST(JsonReader, RandomTextsAreJudgedAsByAGeneralParser) {
  // No large exponents: a general parser refuses what no double holds.
  const std::string pieces[] = {"{", "}",       "[", "]",    ",", ":",  "\"a\"", "\"\\u0041\"",
                                "1", "-2.5E-3", "0", "true", " ", "\"", "\\",    "é"};
  std::mt19937 random(1);
  std::size_t valid = 0;
  for (int i = 0; i < 40'000; ++i) {
    std::string text;
    for (std::size_t n = 1 + random() % 7; n > 0; --n) text += pieces[random() % std::size(pieces)];
    const bool expected = nlohmann::json::accept(text);
    ASSERT_EQ(is_read(text), expected) << text;
    valid += expected ? 1 : 0;
  }
  EXPECT_GT(valid, 1'000u);
}

TEST(JsonReader, IsStricterThanAGeneralParserWhereAFileCouldHideSomething) {
  for (const std::string_view text :
       {std::string_view("{}\0", 3), std::string_view("\xef\xbb\xbf{}"), std::string_view("1\0x", 3)}) {
    EXPECT_FALSE(is_read(text));
    EXPECT_TRUE(nlohmann::json::accept(text));
  }
}

TEST(JsonReader, TextsAreThoseOfAGeneralParser) {
  for (const char* text : {R"("")", R"("plain")", R"("\"\\\/\b\f\n\r\t")", R"("\u0000\u007f\u0080\u07ff\u0800\uffff")",
                           R"("\ud800\udc00\udbff\udfff")", "\"é€😀\"", R"("a\u0062c")"}) {
    JsonReader json(text, "the text", 0);
    EXPECT_EQ(json.string(100), nlohmann::json::parse(text).get<std::string>()) << text;
  }
}

TEST(JsonReader, TextsHaveAtMostWhatIsAllowed) {
  const auto fits = [](std::string_view text, std::size_t most) {
    try {
      JsonReader json(text, "the text", 0);
      json.string(most);
      return true;
    } catch (const Error& error) {
      EXPECT_STREQ(error.what(), "the text has a text of more than 3 bytes at byte 0");
      return false;
    }
  };
  EXPECT_TRUE(fits("\"abc\"", 3));
  EXPECT_FALSE(fits("\"abcd\"", 3));
  EXPECT_TRUE(fits(R"("ab\n")", 3));
  EXPECT_FALSE(fits(R"("abc\n")", 3));
  EXPECT_TRUE(fits(R"("\u20ac")", 3));
  EXPECT_FALSE(fits(R"("a\u20ac")", 3));
}

TEST(JsonReader, NestingIsLimitedAndDoesNotRecurse) {
  const auto nested = [](std::size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); };
  EXPECT_TRUE(is_read(nested(128)));
  EXPECT_FALSE(is_read(nested(130)));
  EXPECT_FALSE(is_read(nested(10'000'000)));
}

}  // namespace
}  // namespace resnet::safetensors
