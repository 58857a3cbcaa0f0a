// Which networks answer each image of a batch by itself, and which node of the others does not.
#include "lib/analysis/batch_axis.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "formats/onnx/read.h"
#include "lib/arch/build.h"
#include "lib/base/error.h"
#include "lib/passes/passes.h"
#include "tests/support/assets.h"

namespace resnet::analysis {
namespace {

using Kind = BatchMixing::Kind;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kinds[] = {"fixed", "range", "unknown", "mixed"};

std::string found_in(const Graph& graph) {
  const auto found = find_batch_mixing(graph, graph.outputs());
  return found ? std::string(kinds[static_cast<int>(found->kind)]) + ": " + found->to_string() : "";
}

Graph graph_of(const std::string& input, const std::string& body, int opset = 17) {
  return onnx::read_text("<ir_version: 8, opset_import: [\"\": " + std::to_string(opset) + "]>\nnet (" + input +
                         ") => (float y) {\n" + body + "\n}")
      .graph;
}
std::string in(const std::string& input, const std::string& body, int opset = 17) {
  const Graph graph = graph_of(input, body, opset);
  const std::string found = found_in(graph);
  // Passes change neither the answers nor what is said of them.
  PassLog log;
  EXPECT_EQ(found_in(optimize(graph, log)).empty(), found.empty()) << body;
  return found;
}
// For an open batch and a fixed one.
void expect_alone(const std::string& body, int opset = 17) {
  for (const char* batch : {"N", "2", "6"}) EXPECT_EQ(in("float[" + std::string(batch) + ",3,4,4] x", body, opset), "") << body;
}
void expect_found(const std::string& body, const std::string& what, int opset = 17) {
  for (const char* batch : {"N", "2", "6"}) {
    const std::string input = std::string("float[") + batch + ",3,4,4] x";
    EXPECT_THAT(in(input, body, opset), HasSubstr(what)) << batch << body;
  }
  EXPECT_EQ(in("float[1,3,4,4] x", body, opset), "") << body;
}

TEST(BatchAxis, ProductsByAnEquation) {
  const std::string weights = "w = Constant<value = float[2,3] {1,2,3,4,5,6}>()  f = GlobalAveragePool(x)  p = Flatten(f)";
  expect_alone(weights + "  y = Einsum<equation = \"nc,kc->nk\">(p, w)");
  expect_alone("y = Einsum<equation = \"nchw,nkhw->nck\">(x, x)");
  expect_found("y = Einsum<equation = \"nchw,mchw->nm\">(x, x)", "mixed: node 'y' (Einsum) multiplies images by others");
  expect_found("y = Einsum<equation = \"nchw->chw\">(x)", "mixed: node 'y' (Einsum) sums over the batch");
  expect_found("y = Einsum<equation = \"nchw->cnhw\">(x)", "along another axis than the first");
}

TEST(BatchAxis, GridsOfEachImage) {
  expect_alone(R"(t = Transpose<perm = [0,2,3,1]>(x)
    a = Constant<value = int64[1] {0}>()  b = Constant<value = int64[1] {2}>()  c = Constant<value = int64[1] {3}>()
    g = Slice(t, a, b, c)  y = GridSample(x, g))");
}

TEST(BatchAxis, AnOpenBatchMayBeOneImageAlone) {
  const std::string body = R"(p = GlobalAveragePool(x)  s = Constant<value = int64[2] {1, 3}>()  y = Reshape(p, s))";
  EXPECT_EQ(in("float[N,3,4,4] x", body), "fixed: node 'y' (Reshape): cannot reshape 2x3x1x1 to 1x3");
  EXPECT_EQ(in("float[1,3,4,4] x", body), "");
  const Graph graph = graph_of("float[N,3,4,4] x", body);
  ASSERT_TRUE(why_one_alone(graph));
  EXPECT_TRUE(holds_alternative<Reshape>(graph.node(why_one_alone(graph)->node).op));
  EXPECT_FALSE(why_one_alone(graph_of("float[1,3,4,4] x", body)));
  EXPECT_FALSE(why_one_alone(graph_of("float[N,3,4,4] x", "p = GlobalAveragePool(x)  y = Flatten(p)")));
}

TEST(BatchAxis, WhatNetworksAreMadeOfKeepsImagesApart) {
  expect_alone(R"(w = Constant<value = float[2,3,1,1] {1,2,3,4,5,6}>()
    c = Conv(x, w)  r = Relu(c)  m = MaxPool<kernel_shape = [2,2], strides = [2,2]>(r)  a = Add(m, m)
    p = GlobalAveragePool(a)  f = Flatten(p)  g = Constant<value = float[5,2] {1,2,3,4,5,6,7,8,9,0}>()
    l = Gemm<transB = 1>(f, g)  y = Softmax(l))");
  expect_alone("axes = Constant<value = int64[2] {2,3}>() m = ReduceMean(x, axes) y = Squeeze(m, axes)", 18);
  expect_alone("t = Transpose<perm = [0,2,3,1]>(x) y = Softmax(t)");
  expect_alone("t = Transpose<perm = [1,2,0,3]>(x) r = Relu(t) y = Transpose<perm = [2,0,1,3]>(r)");
  expect_alone("z = Constant<value_ints = [0,-1]>() y = Reshape(x, z)");
  expect_alone("z = Constant<value_ints = [-1,48]>() y = Reshape(x, z)");
  expect_alone("s = Shape<start = 0, end = 1>(x) m = Constant<value_ints = [-1]>() c = Concat<axis = 0>(s, m) y = Reshape(x, c)");
  expect_alone("y = Concat<axis = 1>(x, x)");
  expect_alone("i = Constant<value_ints = [2,0]>() y = Gather<axis = 1>(x, i)");
  expect_alone("p = Constant<value_ints = [0,0,1,1,0,0,1,1]>() y = Pad(x, p)");
  expect_alone(
      "s = Constant<value_ints = [1]>() e = Constant<value_ints = [3]>() a = Constant<value_ints = [2]>() "
      "y = Slice(x, s, e, a)");
  expect_alone("y = LogSoftmax<axis = 1>(x)", 12);
}

TEST(BatchAxis, ASliceOrAGatherOfAllInOrderKeepsThemApart) {
  expect_alone(
      "s = Constant<value_ints = [0]>() e = Shape<start = 0, end = 1>(x) a = Constant<value_ints = [0]>() "
      "y = Slice(x, s, e, a)");
  EXPECT_EQ(in("float[2,3,4,4] x", "i = Constant<value_ints = [0,-1]>() y = Gather<axis = 0>(x, i)"), "");
}

// A token per position, as transformers and non-local blocks have them.
TEST(BatchAxis, ProductsOfAnImageWithItselfKeepThemApart) {
  expect_alone(R"(z = Constant<value_ints = [0,3,16]>() r = Reshape(x, z)  t = Transpose<perm = [0,2,1]>(r)
    m = MatMul(t, r)  s = Softmax<axis = -1>(m)  v = MatMul(s, t)  y = ReduceMean<axes = [1], keepdims = 0>(v))");
  // All positions of all images as rows of one matrix, and back.
  expect_alone(R"(t = Transpose<perm = [0,2,3,1]>(x)  z = Constant<value_ints = [-1,3]>() r = Reshape(t, z)
    w = Constant<value = float[3,2] {1,2,3,4,5,6}>() m = MatMul(r, w)  b = Constant<value_ints = [-1,32]>() y = Reshape(m, b))");
  expect_alone(R"(s = Shape<start = 0, end = 1>(x) d = Constant<value_ints = [2,3]>() c = Concat<axis = 0>(s, d)
    tokens = ConstantOfShape(c) z = Constant<value_ints = [0,-1,3]>() r = Reshape(x, z) k = Concat<axis = 1>(tokens, r)
    y = Flatten(k))");
}

TEST(BatchAxis, WhatWorksAlongTheBatchIsNamed) {
  expect_found("first = Relu(x) y = Softmax<axis = 0>(first) z = ReduceMean<axes = [0]>(y)",
               "mixed: node 'y' (Softmax) normalises over the batch");
  expect_found("f = Flatten(x) y = Softmax<axis = 0>(f)", "(Softmax) normalises over the batch", 12);
  expect_found("m = ReduceMean<axes = [0]>(x) y = Sub(x, m)", "node 'm' (ReduceMean) averages over the batch");
  expect_found("m = ReduceMean<keepdims = 0>(x) y = Add(x, m)", "node 'm' (ReduceMean) averages over the batch");
  expect_found("y = Concat<axis = 0>(x, x)", "(Concat) joins rows along the batch");
  expect_found("p = Constant<value_ints = [1,0,0,0,-1,0,0,0]>() y = Pad(x, p)", "(Pad) pads the batch");
  expect_found(
      "s = Constant<value_ints = [-1]>() e = Constant<value_ints = [-9999]>() a = Constant<value_ints = [0]>() "
      "y = Slice(x, s, e, a, s)",
      "(Slice) takes a part of the batch, or turns it about");
  expect_found("i = Constant<value_ints = [0,0]>() y = Gather<axis = 0>(x, i)", "(Gather) takes some images of the batch");
  expect_found("t = Transpose<perm = [1,0,2,3]>(x) y = Flatten(t)", "another axis than the first");
  expect_found("f = Flatten(x) t = Transpose(f) m = MatMul(f, t) y = MatMul(m, f)", "(MatMul) multiplies images by each other");
  expect_found("t = Transpose<perm = [1,2,3,0]>(x) y = MaxPool<kernel_shape = [1,2], auto_pad = \"SAME_UPPER\">(t)",
               "windows that reach over several images");
}

TEST(BatchAxis, AReshapeThatTearsImagesApartIsNamed) {
  EXPECT_THAT(in("float[2,3,4,4] x",
                 "z = Constant<value_ints = [3,2,4,4]>() r = Reshape(x, z) p = GlobalAveragePool(r) "
                 "y = Flatten(p)"),
              HasSubstr("mixed: node 'r' (Reshape) spreads each image over several rows"));
  // Back again there is nothing wrong.
  EXPECT_EQ(in("float[2,3,4,4] x",
               "z = Constant<value_ints = [3,32]>() r = Reshape(x, z) e = Relu(r) "
               "b = Constant<value_ints = [2,48]>() y = Reshape(e, b)"),
            "");
  // The batch among the channels of one image: a convolution sums over both.
  EXPECT_THAT(in("float[2,3,4,4] x", R"(z = Constant<value_ints = [1,6,4,4]>() r = Reshape(x, z)
    w = Constant<value = float[2,6,1,1] {1,2,3,4,5,6,7,8,9,10,11,12}>() c = Conv(r, w)
    b = Constant<value_ints = [2,-1]>() y = Reshape(c, b))"),
              HasSubstr("node 'c' (Conv) sums over the batch"));
  // One with weights for each image does not.
  EXPECT_EQ(in("float[2,3,4,4] x", R"(z = Constant<value_ints = [1,6,4,4]>() r = Reshape(x, z)
    w = Constant<value = float[4,3,1,1] {1,2,3,4,5,6,1,2,3,4,5,6}>() c = Conv<group = 2>(r, w)
    b = Constant<value_ints = [2,-1]>() y = Reshape(c, b))"),
            "");
}

TEST(BatchAxis, PlacesOfAFixedBatchThatAreTreatedDifferentlyAreNamed) {
  const auto times = [](const std::string& values) {
    return in("float[2,3,4,4] x", "w = Constant<value = float[2,1,1,1] {" + values + "}>() y = Mul(x, w)");
  };
  EXPECT_EQ(times("3, 3"), "");
  EXPECT_THAT(times("3, 4"), HasSubstr("node 'y' (Mul) treats the places of the batch differently"));
}

TEST(BatchAxis, ARangeOverTheBatchIsLessThanImagesThatMix) {
  const std::string quantized = R"(q, s, z = DynamicQuantizeLinear(x)  d = DequantizeLinear(q, s, z))";
  EXPECT_THAT(in("float[N,3,4,4] x", quantized + " y = Flatten(d)"),
              HasSubstr("range: node 'q' (DynamicQuantizeLinear) takes one range over the whole batch"));
  EXPECT_THAT(in("float[N,3,4,4] x", quantized + " y = ReduceMean<axes = [0]>(d)"), HasSubstr("mixed: node 'y' (ReduceMean)"));
}

TEST(BatchAxis, WhatIsNotKnownIsUnknown) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, {2, 3}));
  graph.set_outputs({graph.append(Opaque{.domain = "local", .type = "Own"}, {x}, "own", {"y"})});
  EXPECT_EQ(found_in(graph), "unknown: node 'own' (local.Own) cannot be followed");
}

TEST(BatchAxis, OpenSizesHideNothing) {
  for (const char* sizes : {"N,3,H,W", "N,3,H,H"}) {
    const std::string input = std::string("float[") + sizes + "] x";
    EXPECT_EQ(in(input, "z = Constant<value_ints = [0,3,-1]>() r = Reshape(x, z) y = ReduceMean<axes = [2], keepdims = 0>(r)"),
              "");
    EXPECT_THAT(in(input, "z = Constant<value_ints = [0,3,-1]>() r = Reshape(x, z) y = ReduceMean<axes = [0], keepdims = 0>(r)"),
                HasSubstr("(ReduceMean) averages over the batch"));
  }
}

TEST(BatchAxis, NetworksThatAreBuiltKeepImagesApart) {
  for (const char* name :
       {"resnet18", "resnet50", "plain18", "resnet20", "resnet20v2", "resnet18d", "seresnet50", "resnext50_32x4d"})
    EXPECT_EQ(found_in(arch::build(arch::find_spec(name).value(), {.init = arch::Init::zeros})), "") << name;
}

// What is found in the .onnx files of a folder of the assets that take images of rank 4.
std::map<std::string, std::string> found_below(const char* folder) {
  std::map<std::string, std::string> all;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(*test::assets() / folder)) {
    if (entry.path().extension() != ".onnx") continue;
    try {
      const Graph graph = onnx::read(entry.path()).graph;
      const bool runs = std::none_of(graph.nodes().begin(), graph.nodes().end(),
                                     [](const Node& node) { return holds_alternative<Opaque>(node.op); });
      if (!runs || graph.inputs().size() != 1) continue;
      const Fact& input = graph.fact(graph.inputs()[0]);
      if (!input.dims || input.rank() != 4) continue;
      const auto path = std::filesystem::relative(entry.path(), *test::assets() / folder);
      all[path.filename() == "model.onnx" ? path.parent_path().string() : path.string()] = found_in(graph);
    } catch (const Error& error) {
      EXPECT_NE(error.fault(), Fault::internal) << entry.path() << ": " << error.what();
    }
  }
  return all;
}
std::vector<std::string> that_mix(const std::map<std::string, std::string>& all) {
  std::vector<std::string> names;
  for (const auto& [name, found] : all) {
    if (!found.empty()) names.push_back(name);
  }
  return names;
}

TEST(BatchAxis, RealNetworksKeepImagesApart) {
  RESNET_REQUIRE_ASSETS();
  const auto models = found_below("models");
  EXPECT_GT(models.size(), 10u);
  EXPECT_THAT(that_mix(models), ElementsAre("int8/cifar10-resnet20-dynamic.onnx"));
  EXPECT_THAT(models.at("int8/cifar10-resnet20-dynamic.onnx"), StartsWith("range: "));
}

// Small graphs of which some do mix: a mean over all, a Flatten or a Transpose whose first axis is not the batch.
TEST(BatchAxis, OperatorsAreFollowed) {
  RESNET_REQUIRE_ASSETS();
  const auto operators = found_below("cases/operators"), random = found_below("cases/wrong");
  EXPECT_GT(operators.size(), 20u);
  EXPECT_GT(random.size(), 20u);
  // Sizes that name the batch; what can, and what is not followed: grids by AffineGrid, and places in the whole batch.
  EXPECT_THAT(that_mix(operators),
              ElementsAre("affinegrid-gridsample-op20", "clip-op12-int-shapes", "flatten-axes", "gathernd-op11", "maxunpool-op11",
                          "reducemean-op18-no-axes", "resize-op11-default-nearest", "resize-op13-tf-half-pixel",
                          "resize-tf-preprocess-nhwc", "torch-fpn-nearest", "torch-fpn-nearest-op10", "torch-index-put",
                          "torch-maxpool-indices"));
  EXPECT_THAT(that_mix(random), ElementsAre("conv-of-reshape", "conv-of-softmax", "gather-of-transpose", "mat-mul-of-transpose",
                                            "qlinear-conv-of-quantize-linear-int8-2"));
}

}  // namespace
}  // namespace resnet::analysis
