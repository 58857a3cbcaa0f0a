// Operators that nobody knows: how many, and where a network could be cut.
#include "lib/analysis/not_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/onnx/read.h"
#include "lib/analysis/layers.h"

namespace resnet::analysis {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Graph network(const std::string& nodes, const std::string& stated = "") {
  return onnx::read_text(
             "<ir_version: 8, opset_import: [\"\": 17, \"elsewhere\": 1]> net (float[1,2,4,4] x) => (float[a,b] y) <" + stated +
             "float[2,2,1,1] w = {1, 2, 3, 4}> {" + nodes + "}")
      .graph;
}

std::vector<std::string> cut_of(const Graph& graph) {
  std::vector<std::string> names;
  for (const ValueId value : find_not_run(graph).cut) names.push_back(graph.value(value).name);
  return names;
}

TEST(NotRun, NothingWhereAllIsKnown) {
  const Graph graph = network("y = Conv(x, w)");
  EXPECT_THAT(find_not_run(graph).kinds, IsEmpty());
  EXPECT_EQ(to_string(find_not_run(graph)), "");
}

TEST(NotRun, GroupedAndCutOffAtTheEnd) {
  const Graph graph =
      network("a = Conv(x, w)  b = Relu(a)  c = elsewhere.Bend(b, w)  d = elsewhere.Bend(c)  e = Frobnicate(b)  y = Add(d, e)");
  EXPECT_EQ(to_string(find_not_run(graph)), "elsewhere.Bend x 2, Frobnicate");
  EXPECT_THAT(cut_of(graph), ElementsAre("b"));
}

TEST(NotRun, OutputsThatAreNotReachedStay) {
  Graph graph = network("a = Conv(x, w)  b = Relu(a)  c = Sigmoid(b)  y = Frobnicate(b)");
  graph.set_outputs({graph.outputs()[0], {graph.outputs()[0].node - 1, 0}});
  EXPECT_THAT(cut_of(graph), ElementsAre("b", "c"));
}

TEST(NotRun, NoCutInFrontOfTheNetwork) {
  EXPECT_THAT(cut_of(network("a = Frobnicate(x)  b = Conv(a, w)  y = Relu(b)")), IsEmpty());
}

TEST(NotRun, SizesAfterItAreTheFilesOrUnknown) {
  const auto total = [](const Graph& graph) {
    Cost sum;
    for (const Layer& layer : layers_of(graph)) sum += layer.cost;
    return sum;
  };
  const std::string nodes = "a = Conv(x, w)  b = Frobnicate(a)  c = Conv(b, w)  y = Relu(c)";
  const Cost unknown = total(network(nodes));
  EXPECT_EQ(unknown.macs, 64);
  EXPECT_EQ(unknown.parameters, 4);
  EXPECT_EQ(unknown.not_counted, 3);
  EXPECT_FALSE(memory_of(network(nodes)).complete);
  const Graph stated = network(nodes, "float[1,2,4,4] b, ");
  EXPECT_EQ(total(stated).macs, 128);
  EXPECT_EQ(total(stated).not_counted, 1);
  EXPECT_TRUE(memory_of(stated).complete);
}

}  // namespace
}  // namespace resnet::analysis
