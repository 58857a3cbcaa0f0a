// Multiply-adds and parameters of the nets as built, against figures that were found elsewhere.
#include <gtest/gtest.h>

#include "lib/arch/build.h"
#include "tests/arch/counter.h"

namespace resnet::arch {
namespace {

// No values: only shapes are wanted.
Graph structure(const std::string& name, SpecOptions options = {}, bool fold = false) {
  options.batch = 1;
  return build(with_options(*find_spec(name), options), {.init = Init::none, .fold_batch_norm = fold});
}

struct Figures {
  const char* name;
  std::int64_t macs, parameters;
};

void expect_figures(const Graph& graph, const Figures& figures, const std::string& what) {
  const Counts counts = count(graph);
  EXPECT_EQ(counts.macs, figures.macs) << figures.name << " " << what;
  EXPECT_EQ(counts.parameters, figures.parameters) << figures.name << " " << what;
}

constexpr std::int64_t dearer = 231'211'008;  // v1.5 than v1, at 50, 101 and 152

TEST(Costs, V1OptionB) {
  for (const Figures& f : {Figures{"resnet18", 1'814'073'344, 11'689'512}, Figures{"resnet34", 3'663'761'408, 21'797'672},
                           Figures{"resnet50", 3'857'973'248, 25'557'032}, Figures{"resnet101", 7'570'194'432, 44'549'160},
                           Figures{"resnet152", 11'282'415'616, 60'192'808}}) {
    expect_figures(structure(f.name, {.variant = Variant::v1}), f, "v1, B");
  }
}

TEST(Costs, V15OptionB) {
  for (const Figures& f : {Figures{"resnet18", 1'814'073'344, 11'689'512}, Figures{"resnet34", 3'663'761'408, 21'797'672},
                           Figures{"resnet50", 4'089'184'256, 25'557'032}, Figures{"resnet101", 7'801'405'440, 44'549'160},
                           Figures{"resnet152", 11'513'626'624, 60'192'808}}) {
    expect_figures(structure(f.name), f, "v1.5, B");
  }
}

TEST(Costs, OptionA) {
  for (const Figures& f : {Figures{"resnet18", 1'794'805'760, 11'515'688}, Figures{"resnet34", 3'644'493'824, 21'623'848},
                           Figures{"resnet50", 3'498'311'680, 22'780'456}, Figures{"resnet101", 7'210'532'864, 41'772'584},
                           Figures{"resnet152", 10'922'754'048, 57'416'232}}) {
    expect_figures(structure(f.name, {.variant = Variant::v1, .shortcut = Shortcut::A}), f, "v1, A");
    const bool bottleneck = find_spec(f.name)->block == Block::bottleneck;
    expect_figures(structure(f.name, {.shortcut = Shortcut::A}), {f.name, f.macs + (bottleneck ? dearer : 0), f.parameters},
                   "v1.5, A");
  }
}

TEST(Costs, OptionC) {
  for (const Figures& f : {Figures{"resnet18", 1'878'298'624, 12'043'816}, Figures{"resnet34", 3'830'747'136, 22'716'840},
                           Figures{"resnet50", 6'324'224'000, 40'128'552}, Figures{"resnet101", 13'530'300'416, 76'981'288},
                           Figures{"resnet152", 20'736'376'832, 107'335'720}}) {
    expect_figures(structure(f.name, {.variant = Variant::v1, .shortcut = Shortcut::C}), f, "v1, C");
    const bool bottleneck = find_spec(f.name)->block == Block::bottleneck;
    expect_figures(structure(f.name, {.shortcut = Shortcut::C}), {f.name, f.macs + (bottleneck ? dearer : 0), f.parameters},
                   "v1.5, C");
  }
}

TEST(Costs, PlainNetsCostWhatOptionACosts) {
  expect_figures(structure("plain18"), {"plain18", 1'794'805'760, 11'515'688}, "");
  expect_figures(structure("plain34"), {"plain34", 3'644'493'824, 21'623'848}, "");
  EXPECT_EQ(count(structure("plain34")).add_outputs, 0);
}

// torchvision's vgg16 and vgg19, without batch norm.
TEST(Costs, Vgg) {
  expect_figures(structure("vgg16"), {"vgg16", 15'470'264'320, 138'357'544}, "");
  expect_figures(structure("vgg19"), {"vgg19", 19'632'062'464, 143'667'240}, "");
}

TEST(Costs, Kin) {
  for (const Figures& f :
       {Figures{"resnext50_32x4d", 4'230'479'872, 25'028'904}, Figures{"resnext101_32x8d", 16'414'015'488, 88'791'336},
        Figures{"wide_resnet50_2", 11'398'021'120, 68'883'240}, Figures{"wide_resnet101_2", 22'753'050'624, 126'886'696},
        Figures{"resnet18d", 2'053'713'920, 11'708'744}, Figures{"resnet50d", 4'328'824'832, 25'576'264}}) {
    expect_figures(structure(f.name), f, "");
  }
}

// Parameters as timm publishes them; a blur has none.
TEST(Costs, TimmsNets) {
  for (const auto& [name, parameters] : {std::pair{"resnet10t", 5'435'488},
                                         std::pair{"resnet14t", 10'081'632},
                                         std::pair{"resnet26_bottleneck", 15'995'176},
                                         std::pair{"resnet26d", 16'014'408},
                                         std::pair{"resnet26t", 16'011'872},
                                         std::pair{"resnet50c", 25'576'264},
                                         std::pair{"resnet50s", 25'680'808},
                                         std::pair{"resnetaa50", 25'557'032},
                                         std::pair{"resnetaa50d", 25'576'264},
                                         std::pair{"resnetblur50", 25'557'032},
                                         std::pair{"resnetrs50", 35'691'912},
                                         std::pair{"resnetv2_18", 11'687'720},
                                         std::pair{"resnetv2_18d", 11'706'952},
                                         std::pair{"resnetv2_50", 25'549'352},
                                         std::pair{"resnext50d_32x4d", 25'048'136},
                                         std::pair{"seresnet18", 11'779'624},
                                         std::pair{"seresnet152d", 66'841'080},
                                         std::pair{"seresnext26d_32x4d", 16'809'512},
                                         std::pair{"ecaresnet26t", 16'011'916},
                                         std::pair{"ecaresnet50d", 25'576'350},
                                         std::pair{"ecaresnet50t", 25'573'814},
                                         std::pair{"ecaresnet269d", 102'093'077},
                                         std::pair{"ecaresnetlight", 30'162'046}}) {
    EXPECT_EQ(count(structure(name)).parameters, parameters) << name;
  }
}

TEST(Costs, AntiAliasingMovesTheStrideAfterTheConvolution) {
  // The 3x3 of the three stages that halve the map runs on four times as many positions.
  std::int64_t macs = 4'089'184'256;
  for (const auto& [planes, side] : {std::pair{128, 28}, std::pair{256, 14}, std::pair{512, 7}})
    macs += std::int64_t{3} * side * side * 9 * planes * planes;
  EXPECT_EQ(count(structure("resnetaa50")).macs, macs);
  EXPECT_EQ(count(structure("resnetblur50")).macs, macs);
}

TEST(Costs, EfficientAttentionAddsOneFilterPerBlock) {
  std::int64_t macs = 4'328'824'832;  // resnet50d
  for (const auto& [channels, filter] :
       {std::pair{3 * 256, 5}, std::pair{4 * 512, 5}, std::pair{6 * 1024, 5}, std::pair{3 * 2048, 7}})
    macs += channels * filter;
  EXPECT_EQ(count(structure("ecaresnet50d")).macs, macs);
}

TEST(Costs, SqueezeAndExcitationAddsTwoSmallConvolutionsPerBlock) {
  // Per block of C channels: 2 * C * C/16 multiply-adds (its map is one pixel), as many weights, and biases of C/16 + C.
  std::int64_t macs = 4'089'184'256, parameters = 25'557'032;
  for (const auto& [channels, blocks] : {std::pair{256, 3}, std::pair{512, 4}, std::pair{1024, 6}, std::pair{2048, 3}}) {
    const std::int64_t weights = 2 * channels * (channels / 16);
    macs += blocks * weights;
    parameters += blocks * (weights + channels / 16 + channels);
  }
  EXPECT_EQ(parameters, 28'088'024);  // as published for timm's net
  expect_figures(structure("seresnet50"), {"seresnet50", macs, parameters}, "");
}

TEST(Costs, PreActivationMovesTheNorms) {
  // Channels that are normalised, 18 layers, v1: the stem's 64, four norms a stage and one after each of three projections. v2:
  // the stem's 64, layer1.0 without a norm at its input, none after projections, each stage's first norm on the stage before it,
  // and one at the end. Each costs two parameters.
  constexpr std::int64_t v1 = 64 + 4 * 64 + 5 * (128 + 256 + 512);
  constexpr std::int64_t v2 = 64 + 3 * 64 + (64 + 3 * 128) + (128 + 3 * 256) + (256 + 3 * 512) + 512;
  expect_figures(structure("resnet18v2"), {"resnet18v2", 1'814'073'344, 11'689'512 - 2 * (v1 - v2)}, "");
  const auto conv_weights = [](const Graph& graph) {
    std::int64_t total = 0;
    for (const Node& node : graph.nodes()) {
      if (const auto* conv = get_if<Conv>(&node.op); conv != nullptr) total += graph.fact(node.inputs[1]).shape()->elements();
    }
    return total;
  };
  for (const char* depth : {"18", "34", "50", "101", "152"}) {
    const std::string name = std::string("resnet") + depth;
    const Graph after = structure(name), before = structure(name + "v2");
    EXPECT_EQ(count(after).macs, count(before).macs) << name;
    EXPECT_EQ(conv_weights(after), conv_weights(before)) << name;
  }
}

TEST(Costs, CifarNets) {
  for (const Figures& f : {Figures{"20", 40'551'040, 269'722}, Figures{"32", 68'862'592, 464'154},
                           Figures{"44", 97'174'144, 658'586}, Figures{"56", 125'485'696, 853'018},
                           Figures{"110", 252'887'680, 1'727'962}, Figures{"1202", 2'829'238'912, 19'421'274}}) {
    const std::string depth = f.name;
    expect_figures(structure("resnet" + depth), f, "A");
    expect_figures(structure("plain" + depth), f, "plain");
    expect_figures(structure("resnet" + depth, {.shortcut = Shortcut::B}), {f.name, f.macs + 262'144, f.parameters + 2'752}, "B");
  }
}

TEST(Costs, Stages) {
  using Stages = std::vector<std::int64_t>;
  struct Net {
    const char* name;
    Variant variant;
    Stages stages;
    std::int64_t fc;
  };
  for (const Net& net : {Net{"resnet18", Variant::v1, {462'422'016, 411'041'792, 411'041'792, 411'041'792}, 512'000},
                         Net{"resnet34", Variant::v1, {693'633'024, 873'463'808, 1'335'885'824, 642'252'800}, 512'000},
                         Net{"resnet50", Variant::v1, {667'942'912, 950'534'144, 1'387'266'048, 732'168'192}, 2'048'000},
                         Net{"resnet50", Variant::v1_5, {667'942'912, 1'027'604'480, 1'464'336'384, 809'238'528}, 2'048'000},
                         Net{"resnet101", Variant::v1, {667'942'912, 950'534'144, 5'099'487'232, 732'168'192}, 2'048'000},
                         Net{"resnet152", Variant::v1, {667'942'912, 1'823'997'952, 7'938'244'608, 732'168'192}, 2'048'000}}) {
    const Graph graph = structure(net.name, {.variant = net.variant});
    Stages stages;
    for (int stage = 1; stage <= 4; ++stage) stages.push_back(count(graph, "layer" + std::to_string(stage) + ".").macs);
    EXPECT_EQ(stages, net.stages) << net.name;
    EXPECT_EQ(count(graph, "conv1").macs, 118'013'952) << net.name;
    EXPECT_EQ(count(graph, "fc").macs, net.fc) << net.name;
  }
}

TEST(Costs, Elements) {
  const Counts counts = count(structure("resnet50"));
  EXPECT_EQ(counts.norm_outputs, 11'113'984);
  EXPECT_EQ(counts.conv_outputs, 11'113'984);
  EXPECT_EQ(counts.relu_outputs, 9'608'704);
  EXPECT_EQ(counts.add_outputs, 5'519'360);
}

TEST(Costs, RunningStatistics) {
  for (const auto& [name, statistics] :
       {std::pair{"resnet18", 9'600}, std::pair{"resnet34", 17'024}, std::pair{"resnet50", 53'120},
        std::pair{"resnet101", 105'344}, std::pair{"resnet152", 151'424}}) {
    EXPECT_EQ(count(structure(name)).statistics, statistics) << name;
  }
}

TEST(Costs, FoldingKeepsTheConvolutions) {
  for (const Figures& f : {Figures{"resnet18", 1'814'073'344, 11'684'712}, Figures{"resnet34", 3'663'761'408, 21'789'160},
                           Figures{"resnet50", 4'089'184'256, 25'530'472}, Figures{"resnet101", 7'801'405'440, 44'496'488},
                           Figures{"resnet152", 11'513'626'624, 60'117'096}}) {
    const Graph graph = structure(f.name, {}, true);
    expect_figures(graph, f, "folded");
    EXPECT_EQ(count(graph).norm_outputs, 0);
  }
}

}  // namespace
}  // namespace resnet::arch
