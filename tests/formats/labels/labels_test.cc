#include "formats/labels/labels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/error.h"
#include "lib/base/files.h"
#include "tests/support/assets.h"
#include "tests/support/temporary_folder.h"

namespace resnet::labels {
namespace {

using testing::ElementsAre;
using testing::StartsWith;

std::string complaint(std::string_view text) {
  try {
    parse(text, "classes");
  } catch (const Error& error) {
    EXPECT_EQ(error.role(), Role::argument);
    return error.what();
  }
  return "";
}

TEST(Builtin, ImageNet) {
  const auto labels = find("imagenet1k");
  ASSERT_TRUE(labels);
  ASSERT_EQ(labels->size(), 1000u);
  EXPECT_EQ(labels->at(0), "tench");
  EXPECT_EQ(labels->at(207), "golden retriever");
  EXPECT_EQ(labels->at(999), "toilet tissue");
}

TEST(Builtin, ImageNetIsTheListOfTheAssets) {
  RESNET_REQUIRE_ASSETS();
  EXPECT_EQ(*find("imagenet1k"), read(*test::assets() / "labels" / "imagenet1k.txt"));
  EXPECT_EQ(*find("cifar10"), read(*test::assets() / "labels" / "cifar10.txt"));
}

TEST(Builtin, Cifar10) {
  EXPECT_THAT(*find("cifar10"),
              ElementsAre("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"));
}

TEST(Builtin, OtherNames) {
  EXPECT_FALSE(find("imagenet"));
  EXPECT_FALSE(find(""));
  EXPECT_EQ(names(), "imagenet1k|cifar10");
}

TEST(Text, OneLabelPerLine) {
  EXPECT_THAT(parse("tench\ngoldfish\ngreat white shark\n", "x"), ElementsAre("tench", "goldfish", "great white shark"));
  EXPECT_THAT(parse("tench\ngoldfish", "x"), ElementsAre("tench", "goldfish"));
}

TEST(Text, AnyLineEnds) {
  EXPECT_THAT(parse("a\r\nb\r\n", "x"), ElementsAre("a", "b"));
  EXPECT_THAT(parse("a\rb\r", "x"), ElementsAre("a", "b"));
}

TEST(Text, ByteOrderMarkIsNoPartOfTheFirstLabel) { EXPECT_THAT(parse("\xEF\xBB\xBFTinca\nB", "x"), ElementsAre("Tinca", "B")); }

TEST(Text, EmptyLinesCountInsideAndNotAtTheEnd) { EXPECT_THAT(parse("a\n\nb\n\n  \n\n", "x"), ElementsAre("a", "", "b")); }

TEST(Text, BlanksAndCommasBelongToTheLabel) {
  EXPECT_THAT(parse("n01440764 tench, Tinca tinca\n", "x"), ElementsAre("n01440764 tench, Tinca tinca"));
}

TEST(Text, MustBeUtf8) {
  EXPECT_THAT(parse("M\xC3\xBCll\n\xF0\x9F\x90\x9F\n", "x"), ElementsAre("M\xC3\xBCll", "\xF0\x9F\x90\x9F"));
  EXPECT_THAT(complaint("a\nM\xFCll\n"), StartsWith("classes: line 2 is not UTF-8"));
  EXPECT_THAT(complaint("\xC0\xAF"), StartsWith("classes: line 1 is not UTF-8")) << "overlong";
  EXPECT_THAT(complaint("\xED\xA0\x80"), StartsWith("classes: line 1 is not UTF-8")) << "a surrogate";
  EXPECT_THAT(complaint("\xF4\x90\x80\x80"), StartsWith("classes: line 1 is not UTF-8")) << "beyond U+10FFFF";
  EXPECT_THAT(complaint("a\xE2\x82"), StartsWith("classes: line 1 is not UTF-8")) << "cut off";
}

TEST(Text, WhatHoldsNone) {
  EXPECT_EQ(complaint(""), "classes: holds no labels");
  EXPECT_EQ(complaint(" \n\r\n"), "classes: holds no labels");
  EXPECT_EQ(complaint(std::string_view("ab\0c", 4)), "classes: is not a text file");
}

TEST(Json, List) {
  EXPECT_THAT(parse(R"(["tench", "gold\u00fcsh"])", "x"), ElementsAre("tench", "gold\xC3\xBCsh"));
  EXPECT_THAT(parse(R"([["n01440764", "tench"], ["n01443537", "goldfish"]])", "x"), ElementsAre("tench", "goldfish"));
}

TEST(Json, MapFromIndex) {
  EXPECT_THAT(parse(R"({"1": "b", "0": "a", "2": "c"})", "x"), ElementsAre("a", "b", "c"));
  std::string ten = "{";
  for (int i = 0; i < 11; ++i) ten += (i > 0 ? ", \"" : "\"") + std::to_string(i) + "\": \"c" + std::to_string(i) + '"';
  EXPECT_EQ(parse(ten + "}", "x")[10], "c10") << "by number, not by text";
}

TEST(Json, MapToIdAndLabel) {
  EXPECT_THAT(parse("\xEF\xBB\xBF"
                    R"( {"0": ["n01440764", "tench"], "1": ["n01443537", "goldfish"]})",
                    "x"),
              ElementsAre("tench", "goldfish"));
}

TEST(Json, MapToIndex) { EXPECT_THAT(parse(R"({"b": 1, "a": 0})", "x"), ElementsAre("a", "b")); }

TEST(Json, InsideOfAConfiguration) {
  EXPECT_THAT(parse(R"({"model_type": "resnet", "id2label": {"0": "a", "1": "b"}})", "x"), ElementsAre("a", "b"));
}

TEST(Json, IndicesMustBeWhole) {
  EXPECT_EQ(complaint(R"({"0": "a", "2": "c"})"), "classes: has no label for class 1");
  EXPECT_EQ(complaint(R"({"1": "a"})"), "classes: has no label for class 0");
  EXPECT_EQ(complaint(R"({"0": "a", "00": "b"})"), "classes: has two labels for class 0");
  EXPECT_EQ(complaint(R"({"0": "a", "0": "b"})"), "classes: has the key '0' twice");
  EXPECT_EQ(complaint(R"({"first": "a"})"), "classes: has the key 'first', expected a class index");
  EXPECT_EQ(complaint(R"({"-1": "a"})"), "classes: has the key '-1', expected a class index");
}

TEST(Json, WhatIsNoLabel) {
  EXPECT_EQ(complaint(R"({"0": {}})"), "classes: entry '0' is not a label, expected a string or [id, label]");
  EXPECT_EQ(complaint(R"(["a", 7])"), "classes: entry 1 is not a label, expected a string or [id, label]");
  EXPECT_EQ(complaint("[]"), "classes: holds no labels");
  EXPECT_EQ(complaint("{}"), "classes: holds no labels");
}

TEST(Json, Damaged) {
  EXPECT_THAT(complaint(R"(["a", )"), StartsWith("classes: is not valid JSON: line 1, column "));
  EXPECT_THAT(complaint("[\"a\xFF\"]"), StartsWith("classes: is not valid JSON: "));
  EXPECT_EQ(complaint("[\"a\xFF\"]").find('\n'), std::string::npos);
  EXPECT_EQ(complaint(std::string(100'000, '[')), "classes: is not valid JSON: line 1, column 100001");
}

TEST(PythonDict, IndicesAndLabelsInEitherOrder) {
  EXPECT_THAT(parse("{0: 'airplane',\n 1: \"pig's ear\", # a comment\n 2: 'it\\'s',}\n", "x"),
              ElementsAre("airplane", "pig's ear", "it's"));
  EXPECT_THAT(parse("\xEF\xBB\xBF {1:'b',0:'a'}", "x"), ElementsAre("a", "b"));
  EXPECT_THAT(parse("{'b': 1, 'a': 0}", "x"), ElementsAre("a", "b"));
}

TEST(PythonDict, Mistakes) {
  EXPECT_EQ(complaint("{0: 'a', 2: 'c'}"), "classes: has no label for class 1");
  EXPECT_EQ(complaint("{0: 'a', 0: 'b'}"), "classes: has two labels for class 0");
  EXPECT_THAT(complaint("{0: 'a'\n 1: 'b'}"), StartsWith("classes: line 2: expected ','"));
  EXPECT_THAT(complaint("{0: a}"), StartsWith("classes: line 1: expected a label in quotes"));
  EXPECT_THAT(complaint("{0: 'a"), StartsWith("classes: line 1: expected ' at the end of a label"));
  EXPECT_THAT(complaint("{0: 'a\n'}"), StartsWith("classes: line 1: expected ' at the end of a label"));
  EXPECT_THAT(complaint("{0: 'a\\n'}"), StartsWith("classes: line 1: expected a backslash only before"));
  EXPECT_THAT(complaint("{0: 'a'} x"), StartsWith("classes: line 1: expected nothing after the closing brace"));
  EXPECT_THAT(complaint("{99999999999999999999: 'a'}"), StartsWith("classes: line 1: expected a class index"));
  EXPECT_THAT(complaint("{0"), StartsWith("classes: line 1: expected ':'"));
  EXPECT_THAT(complaint("{0: 'a\xFF'}"), StartsWith("classes: is not UTF-8"));
}

TEST(Load, ANameOrAFile) {
  const test::TemporaryFolder folder;
  const auto file = folder.write("pets.txt", "cat\ndog\n");
  EXPECT_THAT(load(file.string()), ElementsAre("cat", "dog"));
  EXPECT_EQ(load("cifar10").size(), 10u);
  try {
    load("/nowhere/labels.txt");
    FAIL() << "was read";
  } catch (const Error& error) {
    EXPECT_EQ(error.role(), Role::argument);
    EXPECT_STREQ(error.what(), "/nowhere/labels.txt: cannot be opened: No such file or directory");
  }
}

TEST(Yaml, NamesOfADataSet) {
  EXPECT_THAT(
      parse("path: ../x\nnc: 2\nnames:\n  0: tench  # a fish\n  1: 'great white shark: a fish'\nroboflow:\n  a: b\n", "x"),
      ElementsAre("tench", "great white shark: a fish"));
  EXPECT_THAT(parse("names:\n- tench\n- \"gold \\\"fish\\\"\"\nval: x\n", "x"), ElementsAre("tench", "gold \"fish\""));
  EXPECT_THAT(parse("names: [tench, 'it''s', \"a, b\"]\n", "x"), ElementsAre("tench", "it's", "a, b"));
  EXPECT_THAT(parse("names: ['tench',\n  goldfish, # both\n]\n", "x"), ElementsAre("tench", "goldfish"));
  EXPECT_THAT(parse("names: {1: goldfish, 0: tench}\n", "x"), ElementsAre("tench", "goldfish"));
}

TEST(Yaml, AFileOfThemAlone) {
  EXPECT_THAT(parse("- tench\n- goldfish\n", "classes.yaml"), ElementsAre("tench", "goldfish"));
  EXPECT_THAT(parse("---\n1: goldfish\n0: tench\n", "classes.yml"), ElementsAre("tench", "goldfish"));
  EXPECT_THAT(parse("- tench\n", "classes.txt"), ElementsAre("- tench"));
}

TEST(Yaml, WhatIsWrongIsNamed) {
  EXPECT_THAT(complaint("names:\n  0: a\n  0: b\n"), StartsWith("classes: has two labels for class 0"));
  EXPECT_THAT(complaint("names:\n  a: b\n"), StartsWith("classes: line 2: expected a class index"));
  EXPECT_THAT(complaint("names: [a, 'b\n"), StartsWith("classes: line 1: expected ' at the end of a label"));
  EXPECT_THAT(complaint("names: [a, b"), StartsWith("classes: line 1: expected ',' or ']'"));
  EXPECT_THAT(complaint("names:\nval: x\n"), StartsWith("classes: holds no labels"));
}

TEST(Python, AList) { EXPECT_THAT(parse("['tench', \"gold\"]", "x"), ElementsAre("tench", "gold")); }

TEST(Json, ConfigurationsOfHubs) {
  EXPECT_THAT(parse(R"({"model_type": "resnet", "id2label": {"0": "tench", "1": "goldfish"}})", "config.json"),
              ElementsAre("tench", "goldfish"));
  EXPECT_THAT(parse(R"({"architecture": "resnet18", "label_names": ["tench", "goldfish"]})", "config.json"),
              ElementsAre("tench", "goldfish"));
}

TEST(Encodings, AdviceForWhatIsNotUtf8) {
  EXPECT_THAT(complaint(std::string_view("\xFF\xFEt\0e\0\n\0", 8)),
              StartsWith("classes: is UTF-16: save it as UTF-8, or run iconv"));
  EXPECT_THAT(complaint(std::string_view("t\0e\0n\0c\0h\0\n\0", 12)), StartsWith("classes: is UTF-16"));
  EXPECT_THAT(complaint("tench\nk\xE4"
                        "fer\n"),
              StartsWith("classes: line 2 is not UTF-8 (Windows' ANSI?): save it as UTF-8, or run iconv"));
  EXPECT_THAT(complaint("{0: 'k\xE4"
                        "fer'}"),
              StartsWith("classes: is not UTF-8 (Windows' ANSI?)"));
}

}  // namespace
}  // namespace resnet::labels
