#include "formats/table/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace resnet::table {
namespace {

Table example() {
  Table table({{"name", Align::left, {}}, {"count", Align::right, {}}, {"share", Align::right, 2}});
  table.add({std::string("conv1"), std::int64_t{9408}, 0.5f});
  table.add({std::string("a|b"), std::monostate{}, 12.345});
  return table;
}

TEST(TableTest, TextIsAlignedUnderAHeaderAndHasNoTrailingSpaces) {
  EXPECT_EQ(example().render(Format::text),
            "name   count  share\n"
            "-----  -----  -----\n"
            "conv1   9408   0.50\n"
            "a|b           12.35\n");
}

TEST(TableTest, MarkdownEscapesBarsAndMarksRightAlignedColumns) {
  EXPECT_EQ(example().render(Format::markdown),
            "| name  | count | share |\n"
            "| ----- | ----: | ----: |\n"
            "| conv1 |  9408 |  0.50 |\n"
            "| a\\|b  |       | 12.35 |\n");
}

// In a browser, on GitHub, in a notebook: names are text.
TEST(TableTest, MarkdownShowsNamesAsTheyAre) {
  const auto field = [](const std::string& text) {
    Table table({{"x", Align::left, {}}});
    table.add({text});
    const std::string all = table.render(Format::markdown);
    const std::size_t begin = all.rfind("| ", all.size() - 4) + 2;
    return all.substr(begin, all.find_last_not_of(" |\n") + 1 - begin);
  };
  EXPECT_EQ(field("a`c*d<script>alert(1)</script>[x](http://x/)"),
            "a\\`c\\*d\\<script\\>alert(1)\\</script\\>\\[x\\](http\\://x/)");
  EXPECT_EQ(field("conv2_x.1"), "conv2_x.1");
  EXPECT_EQ(field("[3x3, 64] x 2"), "[3x3, 64] x 2");
  EXPECT_EQ(field("_a_ &amp; ~b~"), "\\_a\\_ \\&amp; \\~b\\~");
  EXPECT_EQ(field("www.example.com, a@example.com"), "www\\.example.com, a\\@example.com");
}

TEST(TableTest, ALongCellDoesNotFillUpTheOthers) {
  Table table({{"x", Align::left, {}}, {"y", Align::left, {}}});
  table.add({std::string(5000, 'n'), std::string("long")});
  for (int i = 0; i < 100; ++i) table.add({std::string("short"), std::string("y")});
  EXPECT_LT(table.render(Format::text).size(), 5000u + 102u * 210u);
}

TEST(TableTest, JsonKeepsTypesAndAllDigits) {
  EXPECT_EQ(example().render(Format::json),
            "[\n"
            " {\"name\": \"conv1\", \"count\": 9408, \"share\": 0.5},\n"
            " {\"name\": \"a|b\", \"count\": null, \"share\": 12.345}\n"
            "]\n");
  EXPECT_EQ(Table({{"a", Align::left, {}}}).render(Format::json), "[]\n");
}

TEST(TableTest, JsonLinesHaveOneObjectEach) {
  Table table({{"truth", Align::left, {}}, {"text", Align::left, {}}});
  table.add({true, std::string("line\nand \"quote\"")});
  table.add({false, std::string("caf\xe9")});
  EXPECT_EQ(table.render(Format::jsonl),
            "{\"truth\": true, \"text\": \"line\\nand \\\"quote\\\"\"}\n"
            "{\"truth\": false, \"text\": \"caf\xef\xbf\xbd\"}\n");
}

TEST(TableTest, CsvQuotesWhatNeedsIt) {
  const std::vector<Cell> cells = {std::string("plain"),
                                   std::string("a,b"),
                                   std::string("say \"hi\""),
                                   std::string("two\nlines"),
                                   std::monostate{},
                                   std::int64_t{-3},
                                   0.1f,
                                   0.1};
  EXPECT_EQ(csv_line(cells), "plain,\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\",,-3,0.1,0.1\n");
}

TEST(TableTest, CsvHasNoFormulas) {
  Table table({{"input", Align::left, {}}, {"label", Align::left, {}}, {"count", Align::left, {}}});
  for (const char* text : {"=1+1", "+cmd|' /C calc'!A0", "@x", "-a", "-1.5", "+3", "a=b", "-inf"})
    table.add({std::string(text), std::string(text), std::int64_t{-1}});
  EXPECT_EQ(table.render(Format::csv),
            "input,label,count\n=1+1,'=1+1,-1\n+cmd|' /C calc'!A0,'+cmd|' /C calc'!A0,-1\n@x,'@x,-1\n-a,'-a,-1\n"
            "-1.5,-1.5,-1\n+3,+3,-1\na=b,a=b,-1\n-inf,-inf,-1\n");
}

// A file of it is shown on a terminal later.
TEST(TableTest, CsvSteersNoTerminal) {
  const std::string text(
      "a\x1b[2J\0b\r\nc\xc2\x9b"
      "1m",
      14);
  Table table({{"input", Align::left, {}}, {"label", Align::left, {}}});
  table.add({text, text});
  EXPECT_EQ(table.render(Format::csv), "input,label\n\"" + text + "\",a\\x1b[2J\\x00b\\r\\nc\\u009b1m\n");
}

TEST(TableTest, NumbersThatAreNotFinite) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(to_string(infinity), "inf");
  EXPECT_EQ(to_string(-infinity), "-inf");
  EXPECT_EQ(to_string(nan), "nan");
  Table table({{"x", Align::left, 3}});
  table.add({infinity});
  table.add({nan});
  EXPECT_EQ(table.render(Format::jsonl), "{\"x\": null}\n{\"x\": null}\n");
  EXPECT_EQ(table.render(Format::text), "x\n---\ninf\nnan\n");
}

TEST(TableTest, FloatsReadBackAsTheSameFloat) {
  EXPECT_EQ(to_string(0.91f), "0.91");
  EXPECT_EQ(to_string(16777216.0f), "16777216");
  Table table({{"x", Align::left, {}}});
  table.add({0.91f});
  EXPECT_EQ(table.render(Format::jsonl), "{\"x\": 0.91}\n");
}

TEST(TableTest, TextNeverHoldsControlCharacters) {
  Table table({{"x", Align::left, {}}});
  table.add({std::string("\x1b[31mred\nline")});
  EXPECT_THAT(table.render(Format::text), testing::HasSubstr("\\x1b[31mred\\nline\n"));
}

TEST(TableTest, FormatsByName) {
  EXPECT_EQ(find_value<Format>("csv"), Format::csv);
  EXPECT_EQ(find_value<Format>("md"), Format::markdown);
  EXPECT_EQ(find_value<Format>("CSV"), std::nullopt);
}

}  // namespace
}  // namespace resnet::table
