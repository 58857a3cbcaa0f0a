// Choices: one table of words and values, from which parsing, help and errors follow.
#include "cli/options/option.h"

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <set>

#include "cli/options/ending.h"
#include "cli/tasks/compare/compare.h"
#include "cli/tasks/inspect/inspection.h"
#include "cli/tasks/train/options.h"
#include "cli/terminal/messages.h"
#include "formats/answers/write.h"
#include "formats/table/table.h"
#include "lib/arch/build.h"
#include "lib/classify/classifier.h"
#include "lib/model/preprocessing.h"
#include "lib/xnnpack/plan.h"

namespace resnet::cli {
namespace {

// What is said of the words "PROGRAM WORDS...", or nothing.
std::string mistake_of(CLI::App& app, std::vector<std::string> words) {
  try {
    std::reverse(words.begin(), words.end());
    app.parse(std::move(words));
    return "";
  } catch (const CLI::ParseError& error) {
    return error.what();
  }
}

template <typename E>
class ChoiceTest : public testing::Test {};

using Choices = testing::Types<ChannelOrder, Interpolation, Convention, arch::Shortcut, arch::Variant, arch::Stem, arch::Init,
                               Crop, Average, xnnpack::Convolutions, train::Schedule::Kind, train::Augmentation, train::Frozen,
                               Decay, Depth, CompareBy, ProgressMode, table::Format, answers::Format, ModelFormat, FileFormat>;
TYPED_TEST_SUITE(ChoiceTest, Choices);

TYPED_TEST(ChoiceTest, EveryWordIsOneValue) {
  std::set<std::string_view> texts;
  std::set<TypeParam> values;
  for (const Word<TypeParam>& word : words<TypeParam>) {
    EXPECT_NE(word.text, "");
    EXPECT_TRUE(texts.insert(word.text).second) << word.text << " is there twice";
    EXPECT_TRUE(values.insert(word.value).second) << word.text << " is another word of the same value";
    EXPECT_EQ(word_of(word.value), word.text);
    EXPECT_EQ(find_value<TypeParam>(word_of(word.value)), word.value);
  }
  EXPECT_FALSE(find_value<TypeParam>(""));
  EXPECT_FALSE(find_value<TypeParam>("nonsense"));
}

TYPED_TEST(ChoiceTest, AnOptionTakesEachWordAndNamesAllForAnother) {
  for (const Word<TypeParam>& word : words<TypeParam>) {
    CLI::App app;
    TypeParam value{};
    std::optional<TypeParam> wanted;
    add_choice(app, "--value", value, "");
    add_choice(app, "--wanted", wanted, "");
    EXPECT_EQ(mistake_of(app, {"--value", std::string(word.text), "--wanted=" + std::string(word.text)}), "");
    EXPECT_EQ(value, word.value);
    EXPECT_EQ(wanted, word.value);
  }
  CLI::App app;
  TypeParam value{};
  const std::string all = joined_words<TypeParam>("|");
  EXPECT_EQ(add_choice(app, "--value", value, "")->get_type_name(), all);
  EXPECT_EQ(mistake_of(app, {"--value", "nonsense"}), "--value: expected " + all + ", got 'nonsense'");
  EXPECT_EQ(value, TypeParam{});
}

TEST(OptionTest, ItsDefaultIsShownByItsWord) {
  CLI::App app;
  Interpolation value = Interpolation::bicubic;
  std::optional<Interpolation> wanted;
  EXPECT_EQ(add_choice(app, "--value", value, "")->capture_default_str()->get_default_str(), "bicubic");
  EXPECT_EQ(add_choice(app, "--wanted", wanted, "")->capture_default_str()->get_default_str(), "");
  EXPECT_EQ(mistake_of(app, {}), "");
  EXPECT_EQ(value, Interpolation::bicubic);
  EXPECT_EQ(wanted, std::nullopt);
}

TEST(OptionTest, APartOfATable) {
  CLI::App app;
  arch::Init init = arch::Init::zeros;
  add_choice(app, "--init", init, words_of_these({arch::Init::he, arch::Init::zeros}), "");
  EXPECT_EQ(mistake_of(app, {"--init", "none"}), "--init: expected he|zeros, got 'none'");
  EXPECT_EQ(mistake_of(app, {"--init", "he"}), "");
  EXPECT_EQ(init, arch::Init::he);
}

TEST(OptionTest, AWordForNoValue) {
  CLI::App app;
  std::optional<train::Augmentation> value = train::Augmentation::cifar;
  const auto option = add_choice(app, "--augmentation", value, words_with_none<train::Augmentation>("auto"), "");
  EXPECT_EQ(option->get_type_name(), "auto|none|cifar|imagenet");
  EXPECT_EQ(mistake_of(app, {"--augmentation", "auto"}), "");
  EXPECT_EQ(value, std::nullopt);
  EXPECT_EQ(option->capture_default_str()->get_default_str(), "auto");
  EXPECT_EQ(mistake_of(app, {"--augmentation", "none"}), "");
  EXPECT_EQ(value, train::Augmentation::none);
}

TEST(OptionTest, GivenTwiceOrEmptyItIsRefused) {
  CLI::App app;
  Crop crop = Crop::center;
  add_choice(app, "--crop", crop, "");
  EXPECT_NE(mistake_of(app, {"--crop", "ten", "--crop", "full"}), "");
  EXPECT_NE(mistake_of(app, {"--crop", ""}), "");
  EXPECT_NE(mistake_of(app, {"--crop"}), "");
}

TEST(OptionTest, AlternativesAreTheWords) {
  CLI::App app;
  Crop crop = Crop::center;
  const Alternatives found = alternatives_of(*add_choice(app, "--crop", crop, ""));
  EXPECT_EQ(found.words, (std::vector<std::string>{"center", "ten", "full"}));
  EXPECT_FALSE(found.files);
}

TEST(OptionTest, ListedForPeople) {
  EXPECT_EQ(listed_words<Crop>("or"), "center, ten or full");
  EXPECT_EQ(listed_words<arch::Variant>("or"), "v1 or v1.5");
  EXPECT_EQ(word_of(arch::Shortcut::none), "");
}

}  // namespace
}  // namespace resnet::cli
