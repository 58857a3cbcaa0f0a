// Reductions over axes and pools of every form, on both orders of axes.
#include <gtest/gtest.h>

#include "tests/xnnpack/network.h"

namespace resnet {
namespace {

using test::check_after_convolution;
using test::check_kind;
using test::expect_as_reference;
using test::integers;
using test::random_tensor;

std::vector<Op> reductions(bool keepdims) {
  return {ReduceSum{.keepdims = keepdims}, ReduceMax{.keepdims = keepdims}, ReduceMin{.keepdims = keepdims},
          ReduceL1{.keepdims = keepdims},  ReduceL2{.keepdims = keepdims},  ReduceSumSquare{.keepdims = keepdims},
          ReduceProd{.keepdims = keepdims}};
}

TEST(Reductions, OverEverySetOfAxes) {
  for (const std::vector<std::int64_t>& axes : test::sets_of_axes()) {
    for (const bool keep : {true, false}) {
      SCOPED_TRACE(::testing::Message() << ::testing::PrintToString(axes) << keep);
      for (const Op& op : reductions(keep)) check_kind("reduce", op, {2, 3, 5, 4}, {integers(axes)});
      check_kind("mean", ReduceMean{.keepdims = keep}, {2, 3, 5, 4}, {integers(axes)});
    }
  }
}

TEST(Reductions, InNhwc) {
  for (const std::int64_t channels : {1, 6, 40}) {
    for (const auto& axes : std::vector<std::vector<std::int64_t>>{{1}, {2, 3}, {1, 2, 3}, {0}}) {
      for (const Op& op : reductions(true)) {
        // A product has the noise of all its factors.
        if (!holds_alternative<ReduceProd>(op)) check_after_convolution("reduce", op, {integers(axes)}, channels);
      }
      check_after_convolution("mean", ReduceMean{}, {integers(axes)}, channels);
    }
    check_after_convolution("reduce", GlobalMaxPool{}, {}, channels);
    check_after_convolution("reduce", GlobalLpPool{.p = 1}, {}, channels);
    check_after_convolution("reduce", GlobalLpPool{}, {}, channels);
  }
}

TEST(Reductions, OfAllAndOfLongRows) {
  for (const Op& op : reductions(true)) check_kind("reduce", op, {3, 5, 7});
  check_kind("reduce", ReduceSum{}, {3, 100003}, {integers({1})});
  check_kind("reduce", ReduceMax{}, {300, 103}, {integers({0})});
  check_kind("mean", ReduceMean{}, {3, 100003}, {integers({1})});
  check_kind("mean", ReduceMean{}, {1, 40, 50, 60}, {integers({1, 3})});
  check_kind("reduce", GlobalMaxPool{}, {2, 3, 4, 5, 6});
}

TEST(Reductions, ExtremesKeepWhatIsNotANumber) {
  for (const Op& op : {Op(ReduceMax{}), Op(ReduceMin{})}) {
    for (const std::int64_t axis : {0, 1}) {
      Tensor x = random_tensor({40, 41}, 1);
      x.mutable_data<float>()[5 * 41 + 7] = NAN;
      x.mutable_data<float>()[39 * 41 + 40] = NAN;
      x.mutable_data<float>()[3] = -INFINITY;
      const Graph graph = test::graph_of(op, {x.shape()}, {integers({axis})});
      const Tensor expected = reference::evaluate(graph, std::vector<Tensor>{x})[0];
      ThreadPool pool(2);
      const Tensor y = xnnpack::Session(xnnpack::Plan::make(graph), pool).run(std::vector<Tensor>{x})[0];
      for (std::size_t i = 0; i < y.data<float>().size(); ++i) {
        const float a = y.data<float>()[i], b = expected.data<float>()[i];
        EXPECT_TRUE(a == b || (std::isnan(a) && std::isnan(b))) << i << " " << a << " " << b;
      }
    }
  }
}

// Sums that one float would swallow.
TEST(Reductions, AddUpInDouble) {
  Tensor x = random_tensor({3, 300000}, 1);
  for (float& value : x.mutable_data<float>()) value = 0.1f;
  expect_as_reference(test::graph_of(ReduceSum{}, {x.shape()}, {integers({1})}), {x});
  expect_as_reference(test::graph_of(ReduceSum{}, {Shape{300000, 3}}, {integers({0})}), {x.reshaped({300000, 3})});
}

struct PoolCase {
  std::vector<std::int64_t> kernel, strides, pads, dilations;
  bool ceil;
};

// What XNNPACK has no rules for: padding that counts, dilation, windows of one element, strides beyond the window, and padding
// beyond it.
TEST(PoolsOfAnyForm, OfImages) {
  const std::vector<PoolCase> cases = {{{3, 3}, {1, 1}, {1, 1, 1, 1}, {}, false},
                                       {{3, 3}, {2, 2}, {1, 0, 0, 1}, {}, true},
                                       {{2, 3}, {1, 2}, {1, 2, 0, 1}, {2, 1}, false},
                                       {{3, 2}, {2, 1}, {2, 1, 2, 1}, {2, 3}, true},
                                       {{1, 1}, {2, 2}, {}, {}, false},
                                       {{1, 1}, {1, 1}, {}, {}, false},
                                       {{2, 2}, {3, 5}, {}, {}, true},
                                       {{2, 2}, {1, 1}, {3, 2, 2, 3}, {}, false},
                                       {{7, 9}, {1, 1}, {3, 4, 3, 4}, {}, false}};
  for (const PoolCase& c : cases) {
    for (const std::int64_t channels : {1, 6, 70}) {
      SCOPED_TRACE(::testing::Message() << ::testing::PrintToString(c.kernel) << ::testing::PrintToString(c.pads) << channels);
      check_after_convolution(
          "max_pool",
          MaxPool{.ceil_mode = c.ceil, .dilations = c.dilations, .kernel_shape = c.kernel, .pads = c.pads, .strides = c.strides},
          {}, channels);
      for (const bool counts : {false, true}) {
        check_after_convolution("average_pool",
                                AveragePool{.ceil_mode = c.ceil,
                                            .count_include_pad = counts,
                                            .dilations = c.dilations,
                                            .kernel_shape = c.kernel,
                                            .pads = c.pads,
                                            .strides = c.strides},
                                {}, channels);
      }
    }
  }
}

TEST(PoolsOfAnyForm, OfOneAndThreeAxes) {
  for (const bool ceil : {false, true}) {
    for (const auto auto_pad : {AutoPad::notset, AutoPad::same_upper, AutoPad::same_lower}) {
      check_kind("max_pool", MaxPool{.auto_pad = auto_pad, .ceil_mode = ceil, .kernel_shape = {3}, .strides = {2}}, {2, 5, 10});
      check_kind("average_pool", AveragePool{.auto_pad = auto_pad, .ceil_mode = ceil, .kernel_shape = {4}, .strides = {3}},
                 {2, 5, 11});
      check_kind("max_pool", MaxPool{.auto_pad = auto_pad, .ceil_mode = ceil, .kernel_shape = {2, 3, 2}, .strides = {2, 1, 2}},
                 {2, 3, 5, 6, 7});
      check_kind("average_pool",
                 AveragePool{.auto_pad = auto_pad,
                             .ceil_mode = ceil,
                             .count_include_pad = true,
                             .kernel_shape = {2, 3, 2},
                             .strides = {1, 2, 3}},
                 {2, 3, 5, 6, 7});
    }
  }
}

TEST(PoolsOfAnyForm, KeepWhatIsNotANumber) {
  Tensor x = random_tensor({1, 2, 5, 5}, 1);
  x.mutable_data<float>()[12] = NAN;
  const Graph graph = test::graph_of(MaxPool{.dilations = {2, 2}, .kernel_shape = {2, 2}, .pads = {1, 1, 1, 1}}, {x.shape()});
  const Tensor expected = reference::evaluate(graph, std::vector<Tensor>{x})[0];
  ThreadPool pool(1);
  const Tensor y = xnnpack::Session(xnnpack::Plan::make(graph), pool).run(std::vector<Tensor>{x})[0];
  for (std::size_t i = 0; i < y.data<float>().size(); ++i) {
    const float a = y.data<float>()[i], b = expected.data<float>()[i];
    EXPECT_TRUE(a == b || (std::isnan(a) && std::isnan(b))) << i << " " << a << " " << b;
  }
}

}  // namespace
}  // namespace resnet
