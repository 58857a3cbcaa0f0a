// A batch that is opened: Reshapes follow it, or it is refused.
#include <gmock/gmock.h>

#include "formats/onnx/read.h"
#include "lib/base/error.h"
#include "tests/passes/support.h"

namespace resnet {
namespace {

using testing::HasSubstr;

Graph network(const std::string& input, const std::string& nodes, const std::string& shape) {
  return onnx::read_text("<ir_version: 8, opset_import: [\"\": 17]> net (float[" + input + "] x) => (float[a,b] y) <int64[" +
                         std::to_string(1 + std::count(shape.begin(), shape.end(), ',')) + "] s = {" + shape + "}> {" + nodes +
                         "}")
      .graph;
}

std::string output_of(const Graph& graph) {
  PassLog log;
  const Graph opened = open_batch(graph, log);
  return opened.fact(opened.outputs()[0]).to_string();
}

// As many answers as images, each as if it were alone.
void expect_rows_alone(const Graph& graph, const Shape& image) {
  PassLog log;
  const Graph opened = open_batch(graph, log);
  std::vector<std::int64_t> dims(image.dims().begin(), image.dims().end());
  std::vector<Tensor> singles;
  std::vector<float> all;
  for (unsigned i = 0; i < 3; ++i) {
    singles.push_back(filled(image, i + 1));
    const auto values = singles.back().values_as<float>();
    all.insert(all.end(), values.begin(), values.end());
  }
  dims[0] = 3;
  const auto found =
      reference::evaluate(opened, std::vector{Tensor::from(Shape(dims), std::span<const float>(all))})[0].values_as<float>();
  std::vector<float> expected;
  for (const Tensor& single : singles) {
    const auto values = reference::evaluate(graph, std::vector{single})[0].values_as<float>();
    expected.insert(expected.end(), values.begin(), values.end());
  }
  EXPECT_EQ(found, expected);
}

TEST(OpenBatch, AReshapeThatNamesIt) {
  for (const char* batch : {"1", "N"}) {
    for (const char* shape : {"1, 8", "1, -1", "-1, 8", "0, -1"}) {
      const Graph graph = network(std::string(batch) + ",2,2,2", "y = Reshape(x, s)", shape);
      EXPECT_EQ(output_of(graph), std::string("float ") + (*batch == 'N' ? "N" : "batch") + "x8") << batch << " " << shape;
      expect_rows_alone(graph, Shape{1, 2, 2, 2});
    }
  }
}

TEST(OpenBatch, WithAllowzero) {
  EXPECT_EQ(output_of(network("1,2,2,2", "y = Reshape<allowzero = 1>(x, s)", "1, 8")), "float batchx8");
}

TEST(OpenBatch, AReshapeThatMergesItIntoItsRows) {
  const Graph graph = network("1,3,4", "r = Reshape(x, s)  y = Relu(r)", "3, 4");
  expect_rows_alone(graph, Shape{1, 3, 4});
}

TEST(OpenBatch, WhereItIsNotInFront) {
  const Graph graph = network(
      "1,3,4", "t = Transpose<perm = [1, 0, 2]>(x)  r = Reshape(t, s)  y = Transpose<perm = [1, 0, 2, 3]>(r)", "3, 1, 2, 2");
  expect_rows_alone(graph, Shape{1, 3, 4});
}

TEST(OpenBatch, WhatFixesItIsNamed) {
  const auto complaint = [](const Graph& graph) {
    PassLog log;
    try {
      open_batch(graph, log);
    } catch (const Error& error) {
      EXPECT_EQ(error.fault(), Fault::unsupported);
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(complaint(network("1,3,4", "t = Transpose<perm = [1, 0, 2]>(x)  y = Reshape(t, s)", "4, 3")),
              HasSubstr("(Reshape)"));
  EXPECT_THAT(complaint(network("1,8", "m = ReduceMean<axes = [0], keepdims = 1>(x)  y = Reshape(m, s)", "1, 8")),
              HasSubstr("output 'y' is 1x8 for any batch"));
}

}  // namespace
}  // namespace resnet
