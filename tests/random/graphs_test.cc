// Random graphs through the executor: every answer as lib/reference in double has it, whatever the settings.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <utility>

#include "formats/onnx/read.h"
#include "formats/onnx/text.h"
#include "lib/kernels/convolution.h"
#include "tests/random/search.h"
#include "tests/support/sanitized.h"

namespace resnet::random {
namespace {

#ifdef RESNET_SANITIZED
constexpr std::uint64_t graphs = 200;
#else
constexpr std::uint64_t graphs = 2000;
#endif
constexpr std::uint64_t parts = 4;

// In parts, so that they run side by side.
class RandomGraphs : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(RandomGraphs, AreAnsweredRight) {
  const std::uint64_t count = graphs / parts;
  const SearchResult result = search({.first_seed = GetParam() * count, .graphs = count});
  EXPECT_EQ(result.graphs, count);
  if (result.finding) {
    FAIL() << "seed " << result.finding->seed << ": " << result.finding->problem << "\nsmaller (" << result.finding->settings
           << "): " << result.finding->text;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomGraphs, ::testing::Range(std::uint64_t{0}, parts));

// A seed gives other graphs where a compiler evaluates arguments in another order, so what is rare is waited for.
constexpr std::uint64_t most_seeds = 3000;

TEST(RandomSettings, EveryPairOfValuesOccurs) {
  std::set<std::array<int, 4>> pairs;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const auto indices = draw_settings(seed).indices();
    for (int i = 0; i < static_cast<int>(Settings::fields); ++i) {
      for (int j = 0; j < i; ++j)
        pairs.insert({i, j, indices[static_cast<std::size_t>(i)], indices[static_cast<std::size_t>(j)]});
    }
  }
  std::size_t expected = 0;
  for (std::size_t i = 0; i < Settings::fields; ++i) {
    for (std::size_t j = 0; j < i; ++j) expected += static_cast<std::size_t>(Settings::counts[i] * Settings::counts[j]);
  }
  EXPECT_EQ(pairs.size(), expected);
}

template <typename Operator>
std::string name_of() {
  return std::is_same_v<Operator, Opaque> ? "Opaque" : type_of(Op(Operator{}));
}

// The names of all operators there are.
template <std::size_t... Indices>
std::set<std::string> all_types(std::index_sequence<Indices...>) {
  return {name_of<OperatorAt<Indices>>()...};
}

TEST(RandomGraphs, EveryOperatorThatRunsOccurs) {
  const std::map<std::string, std::string> left_out = {
      {"Opaque", "stands for operators that are not known, and does not run"},
      {"RMSNormalization", "of opset 23, which is not written"},
      {"Swish", "of opset 24, which is not written"},
  };
  std::map<std::string, int> wanted;
  for (const std::string& type : all_types(Operators::Indices())) {
    if (!left_out.contains(type)) wanted[type] = 3;
  }
  for (std::uint64_t seed = 0; seed < most_seeds && !wanted.empty(); ++seed) {
    const Graph graph = generate(seed, draw_settings(seed));
    std::set<std::string> types;
    for (const Node& node : graph.nodes()) types.insert(type_of(node.op));
    for (const std::string& type : types) {
      const auto found = wanted.find(type);
      if (found != wanted.end() && --found->second == 0) wanted.erase(found);
    }
  }
  EXPECT_THAT(wanted, ::testing::IsEmpty()) << "too rare in random graphs: tests/random/recipes_*.cc want an entry for each";
}

TEST(RandomGraphs, EveryWayToComputeIsTaken) {
  std::set<std::string> wanted = {"convolution xnnpack",
                                  "convolution winograd F(2x2,3x3)",
                                  "convolution winograd F(4x4,3x3)",
                                  "convolution winograd F(4x4,3x3) at stride 2",
                                  "convolution integer",
                                  "product integer",
                                  "average_pool integer",
                                  "byte_addition",
                                  "look_up",
                                  "dynamic_quantization",
                                  "product",
                                  "max_pool",
                                  "average_pool",
                                  "mean",
                                  "normalization",
                                  "softmax",
                                  "view",
                                  "transpose",
                                  "slice",
                                  "pad",
                                  "concat",
                                  "max_pool any form",
                                  "average_pool any form",
                                  "reduce",
                                  "resize",
                                  "transposed_convolution",
                                  "batch_product",
                                  "log_softmax",
                                  "arg_extreme",
                                  "split",
                                  "group_normalization",
                                  "layer_normalization",
                                  "lp_normalization",
                                  "local_response",
                                  "gather",
                                  "expand",
                                  "tile",
                                  "depth_to_space",
                                  "space_to_depth",
                                  "elementwise",
                                  "fallback"};
  if (kernels::convolution_is_fast()) wanted.insert("convolution direct");
  for (std::uint64_t seed = 0; seed < most_seeds && !wanted.empty(); ++seed) {
    const Settings settings = draw_settings(seed);
    xnnpack::PlanOptions options{.optimize = settings.optimize};
    options.job.convolutions = settings.convolutions;
    for (const xnnpack::StepInfo& step : xnnpack::Plan::make(generate(seed, settings), options)->steps()) {
      wanted.erase(step.kind + (step.method.empty() ? "" : " " + step.method));
    }
  }
  EXPECT_THAT(wanted, ::testing::IsEmpty());
}

TEST(RandomGraphs, AreDecidedByTheirSeed) {
  for (std::uint64_t seed = 0; seed < 20; ++seed)
    EXPECT_EQ(print(generate(seed, draw_settings(seed))), print(generate(seed, draw_settings(seed))));
}

TEST(RandomGraphs, AreSaidAsTextThatReadsBack) {
  std::size_t said = 0;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    Model model;
    model.graph = generate(seed, draw_settings(seed));
    const Graph again = onnx::read_text(onnx::write_text(model, {.opset = 22})).graph;
    std::multiset<std::string> types[2];
    for (const Node& node : model.graph.nodes()) types[0].insert(type_of(node.op));
    for (const Node& node : again.nodes()) types[1].insert(type_of(node.op));
    EXPECT_EQ(types[0], types[1]) << seed;
    ++said;
  }
  EXPECT_EQ(said, 50u);
}

}  // namespace
}  // namespace resnet::random
