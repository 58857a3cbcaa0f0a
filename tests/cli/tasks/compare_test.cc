// How far two models are from each other, compared without a process.
#include "cli/tasks/compare/compare.h"

#include "formats/npy/npy.h"
#include "formats/onnx/read.h"
#include "formats/onnx/write.h"
#include "tests/cli/tasks/fixture.h"
#include "tests/support/assets.h"

namespace resnet::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class CompareTaskTest : public TaskTest {
 protected:
  CompareTaskTest() { write("brighter.onnx", onnx_file(mean_classifier(4, {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}, {0, 0, 0.5}))); }

  cli::CompareRequest comparison(const std::string& a, const std::string& b) const {
    cli::CompareRequest asked;
    asked.model = path(a);
    asked.others = {path(b)};
    return asked;
  }
  cli::CompareResult compare(const cli::CompareRequest& asked) { return cli::compare(asked, context()); }
  // A picture of one colour, as an input.
  void write_tensor(const std::string& name, const Shape& shape, const std::vector<float>& values) const {
    Tensor tensor = Tensor::allocate(DType::float32, shape);
    for (std::size_t i = 0; i < tensor.mutable_data<float>().size(); ++i)
      tensor.mutable_data<float>()[i] = values[i * values.size() / tensor.mutable_data<float>().size()];
    npy::write(path(name), tensor);
  }
};

TEST_F(CompareTaskTest, AModelIsAsItself) {
  const cli::CompareResult result = compare(comparison("rgb.onnx", "rgb.onnx"));
  EXPECT_TRUE(result.within);
  EXPECT_EQ(result.a, path("rgb.onnx"));
  ASSERT_THAT(result.outputs, SizeIs(1));
  EXPECT_EQ(result.outputs[0].difference.largest, 0);
  EXPECT_EQ(result.outputs[0].difference.rows, 4);
  EXPECT_THAT(result.judged, SizeIs(1));
  EXPECT_THAT(result.layers, IsEmpty());
}

TEST_F(CompareTaskTest, ADifferenceIsFoundWhereItBegins) {
  cli::CompareRequest asked = comparison("rgb.onnx", "brighter.onnx");
  asked.layers = true;
  const cli::CompareResult result = compare(asked);
  EXPECT_FALSE(result.within);
  EXPECT_NEAR(result.outputs.at(0).difference.largest, 0.5, 1e-6);
  EXPECT_TRUE(result.judged.at(0).within);
  ASSERT_TRUE(result.first_divergence);
  ASSERT_FALSE(result.layers.empty());
  for (const cli::ComparedValue& layer : result.layers) {
    if (layer.name == *result.first_divergence) break;
    EXPECT_TRUE(layer.within) << layer.name;
  }
}

TEST_F(CompareTaskTest, WhichDifferenceCounts) {
  cli::CompareRequest asked = comparison("rgb.onnx", "brighter.onnx");
  asked.atol = 0.2;
  asked.rtol = 0;
  EXPECT_FALSE(compare(asked).within);
  asked.by = cli::CompareBy::mean;  // of 0, 0 and 0.5
  EXPECT_TRUE(compare(asked).within);
  asked.atol = 1e-5;
  EXPECT_FALSE(compare(asked).within);
  asked.by = cli::CompareBy::median;
  EXPECT_TRUE(compare(asked).within);
}

TEST_F(CompareTaskTest, OutputsThatWereKept) {
  write_tensor("x.npy", {1, 3, 4, 4}, {10, 20, 30});
  write_tensor("right.npy", {1, 3}, {10, 20, 30});
  write_tensor("wrong.npy", {1, 3}, {10, 21, 30});
  cli::CompareRequest asked = comparison("rgb.onnx", "right.npy");
  asked.inputs = {path("x.npy")};
  EXPECT_TRUE(compare(asked).within);
  asked.others = {path("wrong.npy")};
  const cli::CompareResult result = compare(asked);
  EXPECT_FALSE(result.within);
  EXPECT_EQ(result.outputs.at(0).difference.outside, 1);
  EXPECT_EQ(result.b, path("wrong.npy"));
  // After the model's own inputs.
  asked.others.clear();
  asked.inputs.push_back(path("right.npy"));
  EXPECT_TRUE(compare(asked).within);
}

TEST_F(CompareTaskTest, WhatDoesNotFitTogether) {
  const auto refusal = [this](const cli::CompareRequest& asked) { return error_of([&] { compare(asked); }); };
  write_tensor("x.npy", {1, 3, 4, 4}, {1, 2, 3});
  write_tensor("y.npy", {1, 3}, {1, 2, 3});
  cli::CompareRequest asked = comparison("rgb.onnx", "y.npy");
  EXPECT_THAT(refusal(asked).second, HasSubstr("stored outputs need the inputs that they are of"));
  asked.inputs = {path("x.npy"), path("x.npy")};
  EXPECT_THAT(refusal(asked).second, HasSubstr("2 inputs given"));
  asked.inputs = {path("x.npy")};
  asked.layers = true;
  EXPECT_EQ(refusal(asked).first, Fault::invalid);
  asked.layers = false;
  asked.others.push_back(path("y.npy"));
  EXPECT_THAT(refusal(asked).second, HasSubstr("2 expected outputs"));
  asked = comparison("rgb.onnx", "rgb.onnx");
  asked.others.clear();
  EXPECT_EQ(refusal(asked).second, "expected two models, or a model and its expected outputs");
  asked.inputs = {path("x.npy")};
  EXPECT_EQ(refusal(asked).second, "expected two models, or a model and its expected outputs");
}

TEST_F(CompareTaskTest, StopsWhereItIsAskedTo) {
  stop = true;
  EXPECT_EQ(error_of([&] { compare(comparison("rgb.onnx", "rgb.onnx")); }).first, Fault::interrupted);
}

TEST_F(CompareTaskTest, OutputsAreComparedByTheirNames) {
  const auto network = [this](const std::string& file, const std::string& outputs, const std::string& last) {
    onnx::write(onnx::read_text("<ir_version: 8, opset_import: [\"\": 17]> net (float[N,3,4,4] image) => (" + outputs +
                                ") { pooled = GlobalAveragePool(image)  " + last + " = Flatten(pooled) }"),
                path(file));
  };
  network("a.onnx", "float[N,3] scores, float[N,3,1,1] pooled", "scores");
  network("b.onnx", "float[N,3,1,1] pooled, float[N,3] scores", "scores");
  network("c.onnx", "float[N,3,1,1] pooled, float[N,3] logits", "logits");
  const cli::CompareResult turned = compare(comparison("a.onnx", "b.onnx"));
  EXPECT_TRUE(turned.within);
  EXPECT_EQ(turned.outputs.at(0).name, "scores");
  EXPECT_EQ(turned.outputs.at(0).other, "");
  EXPECT_EQ(turned.judged.at(0).name, "pooled");
  const cli::CompareResult renamed = compare(comparison("a.onnx", "c.onnx"));
  EXPECT_TRUE(renamed.within);
  EXPECT_EQ(renamed.outputs.at(0).other, "logits");
  EXPECT_EQ(renamed.outputs.at(1).other, "");
}

TEST_F(CompareTaskTest, ElementTypesAreCompared) {
  const auto scores = [this](const std::string& type) {
    onnx::write(onnx::read_text("<ir_version: 8, opset_import: [\"\": 17]> net (" + type + "[N,3,4,4] image) => (" + type +
                                "[N,3] scores) { pooled = GlobalAveragePool(image)  scores = Flatten(pooled) }"),
                path(type + ".onnx"));
  };
  scores("float");
  scores("float16");
  const cli::CompareResult result = compare(comparison("float.onnx", "float16.onnx"));
  EXPECT_FALSE(result.within);
  EXPECT_THAT(result.outputs.at(0).difference.problem, HasSubstr("element types float and float16; largest difference"));
  EXPECT_TRUE(compare(comparison("float16.onnx", "float16.onnx")).within);
}

// The same parameters in both forms: every layer has the same bits, in real units.
TEST_F(CompareTaskTest, LayersOfBothFormsOfAQuantizedNetwork) {
  RESNET_REQUIRE_ASSETS();
  const std::string folder = (*assets() / "models/int8/").string();
  cli::CompareRequest asked;
  asked.model = folder + "imagenet-resnet18-qdq-u8s8.onnx";
  asked.others = {folder + "imagenet-resnet18-qoperator.onnx"};
  asked.layers = true;
  asked.random = 1;
  const cli::CompareResult result = compare(asked);
  EXPECT_GT(result.layers.size(), 10u);
  for (const cli::ComparedValue& layer : result.layers) EXPECT_EQ(layer.difference.largest, 0) << layer.name;
}

}  // namespace
}  // namespace resnet::test
