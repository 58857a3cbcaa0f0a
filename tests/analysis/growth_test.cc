// Small files that ask for much memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/onnx/read.h"
#include "lib/analysis/layers.h"
#include "lib/base/error.h"

namespace resnet::analysis {
namespace {

// So many times twice as high.
Graph doubled(int times) {
  return onnx::read_text(
             "<ir_version: 8, opset_import: [\"\": 17]> net (float[1,3,N,64] x) => (float[a,b,c,d] y) <int64 count = {" +
             std::to_string(times) + R"(}, bool go = {1}> {
      y = Loop(count, go, x) <body = step (int64 i, bool in, float[1,3,h,64] v) => (bool out, float[1,3,k,64] w) {
          out = Identity(in)  w = Concat<axis = 2>(v, v) }> })")
      .graph;
}

std::string complaint(const Graph& graph, const Shape& shape) {
  try {
    refuse_growth(graph, std::span(&shape, 1));
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::unsupported);
    return error.what();
  }
}

TEST(Growth, IsRefusedWhereItHasNoMeasure) {
  EXPECT_EQ(complaint(doubled(8), Shape{1, 3, 64, 64}), "");    // harmless
  EXPECT_EQ(complaint(doubled(8), Shape{1, 3, 8192, 64}), "");  // 2.3 GiB, some hundred times the input
  EXPECT_THAT(complaint(doubled(14), Shape{1, 3, 64, 64}),
              testing::StartsWith("its activations grow to 1536 MiB at once (at 'y"));
  EXPECT_THAT(complaint(doubled(30), Shape{1, 3, 64, 64}), testing::HasSubstr("expected at most 1000 times, or 512 MiB"));
  // What does not fit is said elsewhere.
  EXPECT_EQ(complaint(doubled(14), Shape{1, 3, 64}), "");
}

}  // namespace
}  // namespace resnet::analysis
