// What newer opsets only say otherwise goes to older ones.
#include "formats/onnx/older_forms.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/onnx/read.h"
#include "formats/onnx/write.h"
#include "lib/base/error.h"

namespace resnet::onnx {
namespace {

Model network(const std::string& nodes) {
  return read_text(
      "<ir_version: 10, opset_import: [\"\": 22]> net (float[N,3,8,8] x) => (float[a,b,c,d] y, int64[e] z) "
      "<int64[2] flat = {-1, 192}, int64[2] zero = {0, 0}, int64[2] axes = {2, 3}> {" +
      nodes + "}");
}

Graph written(const std::string& nodes, int opset) {
  const std::string bytes = serialize(network(nodes), {.opset = opset});
  return read(std::as_bytes(std::span(bytes)), "written", {}).graph;
}

TEST(OlderForms, PartsOfAShape) {
  for (const int opset : {14, 13, 11, 9, 7}) {
    const Graph graph = written("y = Relu(x)  z = Shape<start = 1, end = -1>(x)", opset);
    EXPECT_EQ(known_integers(graph.fact(graph.outputs()[1])), (std::vector<std::int64_t>{3, 8})) << opset;
    const Graph open = written("y = Relu(x)  z = Shape<end = 2>(x)", opset);
    ASSERT_TRUE(open.fact(open.outputs()[1]).elements);
    EXPECT_EQ(to_string(*open.fact(open.outputs()[1]).elements), "Nx3");
  }
}

TEST(OlderForms, WhatStandsForTheDefault) {
  for (const int opset : {13, 9, 7}) {
    const Graph graph = written(
        "p = MaxPool<kernel_shape = [2, 2], strides = [2, 2], dilations = [1, 1]>(x)"
        "y = ReduceMean<noop_with_empty_axes = 1>(p, axes)  r = Reshape<allowzero = 1>(x, flat)  z = Shape(r)",
        opset);
    EXPECT_EQ(graph.fact(graph.outputs()[0]).to_string(), "float Nx3x1x1");
    EXPECT_EQ(graph.fact(graph.outputs()[1]).to_string(), "int64 2");
  }
}

TEST(OlderForms, WhatDoesNotIsRefused) {
  EXPECT_THROW(written("y = Relu(x)  r = Reshape<allowzero = 1>(x, zero)  z = Shape(r)", 13), Error);
}

TEST(OlderForms, NothingToDo) {
  EXPECT_FALSE(older_forms(network("y = Relu(x)  z = Shape<start = 1>(x)").graph, 15));
  EXPECT_FALSE(older_forms(network("y = Relu(x)  z = Shape(x)").graph, 7));
}

}  // namespace
}  // namespace resnet::onnx
