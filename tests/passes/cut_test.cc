// A part of a network, and what it cannot be.
#include <gmock/gmock.h>

#include "formats/onnx/read.h"
#include "lib/base/error.h"
#include "tests/passes/support.h"

namespace resnet {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// A block with a shortcut, a pool and a head that nobody knows; the file states what 'odd' is.
Graph network() {
  return onnx::read_text(R"(<ir_version: 8, opset_import: ["": 17, "elsewhere": 1]>
    net (float[N,2,4,4] image) => (float[N,2] scores)
    <float[2,2,1,1] weight = {1, 2, 3, 4}, float[N,2] odd> {
      stem = Relu(image)
      branch = Conv(stem, weight)
      sum = Add(branch, stem)
      pooled = GlobalAveragePool(sum)
      flat = Flatten(pooled)
      odd = elsewhere.Frobnicate(flat)
      scores = Relu(odd)
    })")
      .graph;
}

ValueId value(const Graph& graph, const std::string& name) {
  for (std::size_t id = 0; id < graph.nodes().size(); ++id) {
    if (graph.nodes()[id].outputs[0].name == name) return {static_cast<NodeId>(id), 0};
  }
  ADD_FAILURE() << name;
  return {};
}

std::vector<std::string> names(const Graph& graph, std::span<const ValueId> values) {
  std::vector<std::string> result;
  for (const ValueId id : values) result.push_back(graph.value(id).name);
  return result;
}

Graph cut_at(const Graph& graph, const std::vector<std::string>& inputs, const std::vector<std::string>& outputs) {
  std::vector<ValueId> from, to;
  for (const std::string& name : inputs) from.push_back(value(graph, name));
  for (const std::string& name : outputs) to.push_back(value(graph, name));
  PassLog log;
  return cut(graph, from, to, log);
}

std::string complaint(const std::vector<std::string>& inputs, const std::vector<std::string>& outputs) {
  try {
    cut_at(network(), inputs, outputs);
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::invalid);
    return error.what();
  }
  return "";
}

TEST(Cut, ABackboneWithoutItsHead) {
  const Graph whole = network(), part = cut_at(whole, {}, {"flat"});
  EXPECT_EQ(verify(part), std::vector<std::string>{});
  EXPECT_THAT(names(part, part.inputs()), ElementsAre("image"));
  EXPECT_THAT(names(part, part.outputs()), ElementsAre("flat"));
  EXPECT_EQ(count(part, "elsewhere.Frobnicate"), 0u);
  EXPECT_EQ(part.fact(part.outputs()[0]).to_string(), "float Nx2");
  const Tensor image = filled(Shape{3, 2, 4, 4}, 1);
  PassLog log;
  const Graph reduced = cut(whole, {}, std::vector{value(whole, "flat")}, log);
  EXPECT_EQ(reference::evaluate(part, std::vector{image}), reference::evaluate(reduced, std::vector{image}));
  EXPECT_FALSE(log.done.empty());
}

TEST(Cut, AHeadAlone) {
  const Graph head = cut_at(network(), {"pooled"}, {"flat"});
  EXPECT_THAT(names(head, head.inputs()), ElementsAre("pooled"));
  EXPECT_EQ(head.fact(head.inputs()[0]).to_string(), "float Nx2x1x1");
  EXPECT_EQ(head.nodes().size(), 2u);
  // After an operator that nobody knows, the file says what there is.
  const Graph end = cut_at(network(), {"odd"}, {});
  EXPECT_EQ(end.fact(end.inputs()[0]).to_string(), "float Nx2");
  EXPECT_THAT(names(end, end.outputs()), ElementsAre("scores"));
}

TEST(Cut, BothSidesOfAShortcutAreNeeded) {
  EXPECT_THAT(complaint({"branch"}, {"pooled"}),
              HasSubstr("'pooled' is not determined by 'branch': 'image' is needed, too; 'stem' as another input would do"));
  const Graph part = cut_at(network(), {"branch", "stem"}, {"pooled"});
  EXPECT_THAT(names(part, part.inputs()), ElementsAre("branch", "stem"));
  EXPECT_EQ(count(part, "Add"), 1u);
}

TEST(Cut, AnInputThatNothingNeeds) {
  EXPECT_THAT(complaint({"image", "flat"}, {"branch"}), HasSubstr("'branch' does not depend on 'flat'"));
}

}  // namespace
}  // namespace resnet
