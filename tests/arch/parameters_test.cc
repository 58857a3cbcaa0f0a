// Names and shapes of parameters against testdata/arch, which tools/make_parameter_lists.py writes from torchvision's rules.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "lib/arch/build.h"
#include "tests/support/assets.h"

namespace resnet::arch {
namespace {

using Lines = std::vector<std::string>;

Lines expected(const std::string& name) {
  std::ifstream file(test::testdata() / "arch" / (name + ".txt"));
  EXPECT_TRUE(file) << name;
  Lines lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

Lines parameters(const Graph& graph) {
  Lines lines;
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    const Node& node = graph.nodes()[i];
    const bool source = holds_alternative<Constant>(node.op) || holds_alternative<Input>(node.op);
    const Fact& fact = node.outputs[0].fact;
    if (source && node.name != "input" && fact.dtype == DType::float32) lines.push_back(node.name + " " + to_string(*fact.dims));
  }
  return lines;
}

class Parameters : public ::testing::TestWithParam<std::pair<const char*, std::size_t>> {};

TEST_P(Parameters, AreNamedAsInTorchvision) {
  const auto& [name, count] = GetParam();
  const Lines lines = expected(name);
  ASSERT_EQ(lines.size(), count);
  EXPECT_EQ(parameters(build(*find_spec(name), {.init = Init::none})), lines);
  EXPECT_EQ(parameters(build(*find_spec(name), {.init = Init::zeros})), lines);
}

// As many as the state dicts have without num_batches_tracked (ResNet-50: 320 - 53).
INSTANTIATE_TEST_SUITE_P(Nets, Parameters,
                         ::testing::Values(std::pair{"resnet18", 102}, std::pair{"resnet34", 182}, std::pair{"resnet50", 267},
                                           std::pair{"resnet101", 522}, std::pair{"resnet152", 777},
                                           std::pair{"resnext50_32x4d", 267}, std::pair{"resnext101_32x8d", 522},
                                           std::pair{"wide_resnet50_2", 267}, std::pair{"resnet18d", 112},
                                           std::pair{"resnet50d", 277}, std::pair{"seresnet50", 331}, std::pair{"resnet20", 97}),
                         [](const auto& net) { return std::string(net.param.first); });

TEST(ParameterNames, FoldedNetsHaveWeightsAndBiasesAlone) {
  Lines unfolded;
  for (const std::string& line : expected("resnet18")) {
    if (line.find(".bn") != std::string::npos || line.starts_with("bn") || line.find("downsample.1.") != std::string::npos)
      continue;
    unfolded.push_back(line);
    const std::string name = line.substr(0, line.find(' ')), shape = line.substr(line.find(' ') + 1);
    if (!name.starts_with("fc")) unfolded.push_back(name.substr(0, name.size() - 6) + "bias " + shape.substr(0, shape.find('x')));
  }
  EXPECT_EQ(parameters(build(*find_spec("resnet18"), {.init = Init::zeros, .fold_batch_norm = true})), unfolded);
}

TEST(ParameterNames, PreActivationNetsHaveNoNormAtTheirFirstInput) {
  const Lines lines = parameters(build(*find_spec("resnet18v2"), {.init = Init::none}));
  EXPECT_THAT(lines, ::testing::IsSupersetOf({"conv1.weight 64x3x7x7", "bn1.weight 64", "layer1.0.bn2.weight 64",
                                              "layer1.1.bn1.weight 64", "layer2.0.bn1.weight 64", "layer2.0.bn2.weight 128",
                                              "layer2.0.downsample.0.weight 128x64x1x1", "norm.running_var 512"}));
  EXPECT_THAT(lines, ::testing::Not(::testing::Contains("layer1.0.bn1.weight 64")));
  EXPECT_THAT(lines, ::testing::Not(::testing::Contains("layer2.0.downsample.1.weight 128")));
}

}  // namespace
}  // namespace resnet::arch
