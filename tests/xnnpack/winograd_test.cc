// Convolutions of 3x3 by Winograd's ways, chosen for a plan and run by sessions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/xnnpack/network.h"

namespace resnet {
namespace {

using test::graph_of;
using test::random_tensor;
using ::testing::Each;
using xnnpack::Convolutions;

Conv conv(std::int64_t stride, std::vector<std::int64_t> pads) { return {.pads = std::move(pads), .strides = {stride, stride}}; }

// Over `channels` maps, 24 of them out.
Graph network(const Conv& op, const Shape& x) {
  return graph_of(op, {x}, {random_tensor({24, x[1], 3, 3}, 3), random_tensor({24}, 4)});
}

std::vector<std::string> methods(const Graph& graph, Convolutions convolutions) {
  std::vector<std::string> found;
  for (const xnnpack::StepInfo& step : xnnpack::Plan::make(graph, {.job = {.convolutions = convolutions}})->steps())
    found.push_back(step.method);
  return found;
}

// Maps whose last tiles have one, two, three and four outputs down and across, padded on any sides, of channels that fill no
// vector.
TEST(Winograd, AsThePlainEvaluator) {
  for (const std::int64_t stride : {1, 2}) {
    for (std::int64_t side = 3; side <= 16; ++side) {
      for (const std::vector<std::int64_t>& pads : {std::vector<std::int64_t>{1, 1, 1, 1}, {0, 0, 0, 0}, {0, 1, 2, 0}}) {
        SCOPED_TRACE(::testing::Message() << "stride " << stride << ", side " << side << ", pads " << pads[1] << pads[2]);
        const Shape x{1 + side % 3, 19, side, 19 - side};
        test::expect_as_reference(network(conv(stride, pads), x), {random_tensor(x, 1)});
      }
    }
  }
}

TEST(Winograd, SameBitsOnAnyNumberOfThreads) {
  for (const Shape& x : {Shape{1, 64, 13, 13}, Shape{3, 32, 28, 28}, Shape{8, 128, 14, 14}}) {
    SCOPED_TRACE(x[1]);
    const auto plan = xnnpack::Plan::make(network(conv(2, {1, 1, 1, 1}), x), {.job = {.convolutions = Convolutions::winograd}});
    std::vector<Tensor> first;
    for (const std::size_t threads : {1, 4, 16}) {
      ThreadPool pool(threads);
      const std::vector<Tensor> y = xnnpack::Session(plan, pool).run(std::vector<Tensor>{random_tensor(x, 1)});
      if (first.empty()) first = y;
      EXPECT_EQ(y, first) << threads;
    }
  }
}

TEST(Winograd, OfStridesByTheirOwnWay) {
  const Shape x{1, 64, 28, 28};
  const std::string own = "winograd F(4x4,3x3) at stride 2";
  EXPECT_THAT(methods(network(conv(2, {1, 1, 1, 1}), x), Convolutions::winograd), Each(own));
  EXPECT_THAT(methods(network(conv(2, {1, 1, 1, 1}), x), Convolutions::direct), Each(testing::Ne(own)));
  EXPECT_THAT(methods(network(conv(3, {1, 1, 1, 1}), x), Convolutions::winograd),
              Each(testing::Not(testing::HasSubstr("winograd"))));
  const Conv lopsided{.pads = {1, 1, 1, 1}, .strides = {2, 1}};
  EXPECT_THAT(methods(network(lopsided, x), Convolutions::winograd), Each(testing::Not(testing::HasSubstr("winograd"))));
}

}  // namespace
}  // namespace resnet
