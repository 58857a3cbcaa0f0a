// Every network is found by the names and shapes of its weights alone.
#include "lib/arch/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/arch/build.h"
#include "lib/arch/recognize.h"
#include "lib/base/error.h"

namespace resnet::arch {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<NamedShape> weights_of(const Spec& spec) {
  std::vector<NamedShape> weights;
  const Graph graph = build(spec, {.init = Init::none});
  for (const ValueId input : graph.inputs().subspan(1)) weights.push_back({graph.value(input).name, *graph.fact(input).shape()});
  return weights;
}

std::string problem_of(const std::vector<NamedShape>& weights) {
  try {
    find_spec(weights);
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::malformed);
    return error.problem();
  }
  return "";
}

class Found : public testing::TestWithParam<std::string> {};

TEST_P(Found, ByNamesAndShapes) {
  const Spec named = *find_spec(GetParam());
  for (const Shortcut shortcut : {Shortcut::A, Shortcut::B, Shortcut::C}) {
    if (shortcut == Shortcut::C && named.name == "resnet14t") continue;  // all its blocks change the size: as option B
    Spec spec = named;
    spec.shortcut = shortcut;
    spec.classes = 7;
    // Shortcuts without weights show neither pools nor that there are none.
    if (shortcut == Shortcut::A) spec.average_shortcut = false;
    Spec found = find_spec(weights_of(spec)).spec;
    found.name = spec.name;
    if (named.anti_alias != AntiAlias::none) {
      EXPECT_EQ(found.anti_alias, AntiAlias::none);
      found.anti_alias = named.anti_alias;
    }
    EXPECT_EQ(describe(found), describe(spec));
    EXPECT_TRUE(found == spec);
  }
}

std::vector<std::string> all_names() {
  std::vector<std::string> result = names();
  std::erase_if(result, [](const std::string& name) {
    return name.starts_with("plain") || name.starts_with("vgg") || name == "resnet1202";
  });
  result.insert(result.end(), {"resnet8", "resnet20v2", "seresnext50_32x4d", "resnetv2_101d", "resnetrs200", "ecaresnet269d"});
  return result;
}

INSTANTIATE_TEST_SUITE_P(All, Found, testing::ValuesIn(all_names()), [](const auto& tested) { return tested.param; });

TEST(FindByWeights, SaysWhatIsNotToBeSeen) {
  const auto notes = [](const char* name) { return find_spec(weights_of(*find_spec(name))).notes; };
  EXPECT_THAT(notes("resnetaa50"),
              ElementsAre("resnet50 v1.5 was assumed, by names and shapes alone: resnetaa50's and resnetblur50's "
                          "are the same, and v1 has the same as v1.5"));
  EXPECT_THAT(notes("resnet50d"), ElementsAre(HasSubstr("resnet50d v1.5 was assumed")));
  EXPECT_THAT(notes("resnet101"), ElementsAre("resnet101 v1.5 was assumed, by names and shapes alone: v1 has the same as v1.5"));
  EXPECT_THAT(notes("resnet34"), IsEmpty());
  EXPECT_THAT(notes("plain20"), ElementsAre("option A was assumed: its shortcuts have no weights, and neither has a plain net"));
  EXPECT_THAT(notes("resnetv2_18d"), ElementsAre(HasSubstr("average pools in the shortcuts were assumed")));
}

TEST(FindByWeights, Classes) {
  std::vector<NamedShape> weights = weights_of(*find_spec("resnet18"));
  EXPECT_EQ(find_spec(weights).spec.classes, 1000);
  std::erase_if(weights, [](const NamedShape& weight) { return weight.name.starts_with("fc."); });
  EXPECT_EQ(find_spec(weights).spec.classes, 0);
}

TEST(FindByWeights, GroupNormHasNoRunningStatistics) {
  for (const char* name : {"resnet50_gn", "resnetv2_50d_gn", "resnetv2_50x1_bit", "resnetv2_101x3_bit"}) {
    const FoundSpec found = find_spec(weights_of(*find_spec(name)));
    EXPECT_EQ(found.spec.name, name);
    EXPECT_EQ(found.spec.norm, Norm::group);
    EXPECT_EQ(found.spec.standardized, std::string(name).ends_with("_bit")) << name;
  }
}

TEST(FindByWeights, RefusesOtherNorms) {
  std::vector<NamedShape> weights = weights_of(*find_spec("resnet50"));
  std::erase_if(weights, [](const NamedShape& weight) { return weight.name.find("running_") != std::string::npos; });
  weights.push_back({"layer1.0.bn2.v", Shape{64}});
  EXPECT_THAT(problem_of(weights), HasSubstr("EvoNorm"));
}

TEST(FindByWeights, SizesThatAreNoLayersAreRefused) {
  const std::vector<NamedShape> whole = weights_of(*find_spec("seresnet50"));
  for (const Shape& shape : {Shape{}, Shape{0}, Shape{0, 0, 0, 0}, Shape{1, 1, 1, 1}, Shape{std::int64_t{1} << 60},
                             Shape{9'000'000, 1, 1, 1}, Shape{3, 5, 7, 11}}) {
    for (std::size_t i = 0; i < whole.size(); i += 1) {
      std::vector<NamedShape> weights = whole;
      weights[i].shape = shape;
      EXPECT_NO_FATAL_FAILURE(problem_of(weights));  // an Error or a Spec that can be checked, but no crash
    }
  }
}

}  // namespace
}  // namespace resnet::arch
