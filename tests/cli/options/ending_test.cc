// An output's ending decides its format.
#include <algorithm>

#include "cli/options/ending.h"

#include <gtest/gtest.h>

#include "formats/answers/write.h"
#include "lib/base/error.h"
#include "tests/support/observe.h"

namespace resnet::cli {
namespace {

using table::Format;
using test::error_of;

TEST(EndingTest, EveryFormatHasEndingsOfItsOwn) {
  std::vector<std::string_view> all;
  for (const Word<FileFormat>& format : words<FileFormat>) {
    const auto endings = endings_of(format.value);
    EXPECT_FALSE(endings.empty()) << format.text;
    for (const std::string_view ending : endings) {
      EXPECT_EQ(std::count(all.begin(), all.end(), ending), 0) << ending;
      all.push_back(ending);
    }
  }
}

template <typename Table>
void expect_known(const Table& formats) {
  for (const auto& format : formats) {
    const auto known = find_value<FileFormat>(format.text);
    ASSERT_TRUE(known) << format.text << " has no endings";
    for (const std::string_view ending : endings_of(*known))
      EXPECT_EQ(choose_format<decltype(format.value)>(std::nullopt, "a." + std::string(ending), formats), format.value);
  }
}

TEST(EndingTest, EveryFormatIsFoundByItsEndings) {
  expect_known(table_formats);
  expect_known(report_formats);
  expect_known(words<table::Format>);
  expect_known(words<answers::Format>);
  expect_known(words<ModelFormat>);
}

TEST(EndingTest, WhatIsAskedForComesFirst) {
  EXPECT_EQ(choose_format<Format>(Format::csv, "a.json", table_formats), Format::csv);
  EXPECT_EQ(choose_format<Format>(Format::csv, "a.png", table_formats), Format::csv);
}

TEST(EndingTest, WithoutAnEndingItIsTheFirst) {
  for (const char* output : {"", "-", "answers", "part.3", "/dev/null", "a.b/c", ".json"})
    EXPECT_EQ(choose_format<Format>(std::nullopt, output, table_formats), Format::text) << output;
  EXPECT_EQ(choose_format<Format>(std::nullopt, "A.JSON", table_formats), Format::json);
}

TEST(EndingTest, AnotherEndingIsRefusedWithThoseThatAreWritten) {
  const auto refused = error_of([] { choose_format<Format>(std::nullopt, "m.png", table_formats); });
  EXPECT_EQ(refused.first, Fault::invalid);
  EXPECT_EQ(refused.second,
            "m.png: ends in .png, which is not written here; expected .txt, .json, .csv or .md; override with --format");
  EXPECT_EQ(error_of([] { model_format_of("m.tflite"); }).second,
            "m.tflite: ends in .tflite, which is not written here; expected .onnx or .resnet");
  EXPECT_EQ(error_of([] { check_ending("a.pdf", {FileFormat::html}); }).second,
            "a.pdf: ends in .pdf, which is not written here; expected .html");
  EXPECT_EQ(model_format_of("m.resnet"), ModelFormat::resnet);
  EXPECT_EQ(model_format_of("-"), ModelFormat::onnx);
}

}  // namespace
}  // namespace resnet::cli
