// What resizes maps, and what works along one axis or on stacks of matrices.
#include <gtest/gtest.h>

#include "tests/xnnpack/network.h"

namespace resnet {
namespace {

using test::check_after_convolution;
using test::check_kind;
using test::expect_as_reference;
using test::float_fact;
using test::integers;
using test::Network;
using test::random_tensor;

Tensor floats(const std::vector<float>& values) {
  return Tensor::from(Shape{static_cast<std::int64_t>(values.size())}, std::span<const float>(values));
}

// A Resize's operands, in both orders of axes.
void check_resize(const Resize& op, const std::vector<float>& scales, const std::vector<std::int64_t>& sizes) {
  for (const bool in_nhwc : {false, true}) {
    Network n;
    ValueId x = n.image;
    if (in_nhwc) x = n.convolution(x, 18);
    const ValueId by = scales.empty() ? n.constant(integers(sizes)) : n.constant(floats(scales));
    const auto inputs =
        scales.empty() ? std::vector{x, ValueId::none(), ValueId::none(), by} : std::vector{x, ValueId::none(), by};
    n.graph.set_outputs({n.append(op, inputs)});
    EXPECT_EQ(test::kinds(*xnnpack::Plan::make(n.graph, {.optimize = false})).back(), "resize");
    expect_as_reference(n.graph, {random_tensor({2, 3, 9, 8}, 1)});
  }
}

TEST(Resizing, OfEveryKind) {
  using R = Resize;
  for (const auto mode : {R::Mode::nearest, R::Mode::linear, R::Mode::cubic}) {
    for (const auto transformation :
         {R::Transformation::half_pixel, R::Transformation::pytorch_half_pixel, R::Transformation::align_corners,
          R::Transformation::asymmetric, R::Transformation::half_pixel_symmetric}) {
      SCOPED_TRACE(::testing::Message() << static_cast<int>(mode) << static_cast<int>(transformation));
      R op{.coordinate_transformation_mode = transformation, .mode = mode};
      check_resize(op, {1, 1, 2, 2}, {});
      check_resize(op, {1, 1, 0.6f, 1.7f}, {});
      check_resize(op, {}, {2, op.mode == R::Mode::nearest ? 7 : (3), 5, 19});
      op.nearest_mode = R::Nearest::ceil;
      op.antialias = mode != R::Mode::nearest;
      op.exclude_outside = mode == R::Mode::cubic;
      check_resize(op, {1, 1, 0.4f, 3}, {});
      op.axes = {2, 3};
      check_resize(op, {0.5f, 1}, {});
    }
  }
}

TEST(Resizing, OfOtherRanksAndTypes) {
  const Resize linear{.mode = Resize::Mode::linear};
  check_kind("resize", Resize{}, {7}, {Tensor(), floats({2.5f})});
  for (const Shape& shape : {Shape{2, 3, 11}, Shape{1, 2, 3, 4, 5}}) {
    Graph graph;
    const ValueId x = graph.add_input("x", float_fact(shape));
    std::vector<float> scales(shape.rank(), 1.0f);
    scales.back() = 1.75f;
    scales[2] = 2.0f;
    graph.set_outputs({graph.append(linear, {x, ValueId::none(), graph.add_constant("scales", floats(scales))}, "resize")});
    EXPECT_EQ(test::kinds(*xnnpack::Plan::make(graph, {.optimize = false})), std::vector<std::string>{"resize"});
    expect_as_reference(graph, {random_tensor(shape, 1)});
  }
  Graph graph;
  const ValueId x = graph.add_input("x", float_fact({1, 2, 3, 4}));
  const ValueId cast = graph.append(Cast{DType::int8}, {x}, "cast");
  graph.set_outputs(
      {graph.append(Resize{}, {cast, ValueId::none(), graph.add_constant("scales", floats({1, 1, 2, 3}))}, "resize")});
  expect_as_reference(graph, {random_tensor({1, 2, 3, 4}, 1)});
}

struct TransposedCase {
  std::int64_t inputs, outputs;  // outputs of a group
  std::vector<std::int64_t> kernel;
  ConvTranspose op;
};

TEST(TransposedConvolutions, AsReference) {
  const std::vector<TransposedCase> cases = {
      {6, 4, {3, 3}, {}},
      {6, 4, {2, 2}, {.strides = {2, 2}}},
      {6, 17, {4, 4}, {.pads = {1, 1, 1, 1}, .strides = {2, 2}}},
      {6, 4, {3, 3}, {.output_padding = {1, 0}, .pads = {1, 0, 1, 2}, .strides = {2, 3}}},
      {6, 2, {3, 2}, {.group = 3, .strides = {1, 2}}},
      {6, 1, {3, 3}, {.group = 6, .pads = {1, 1, 1, 1}, .strides = {2, 2}}},
      {6, 3, {2, 3}, {.dilations = {2, 3}, .pads = {0, 1, 2, 1}, .strides = {2, 1}}},
      {6, 5, {1, 1}, {.strides = {3, 2}}},
      {6, 5, {1, 1}, {}},
      {1, 1, {5, 3}, {.auto_pad = AutoPad::valid, .strides = {4, 5}}},
  };
  for (const TransposedCase& c : cases) {
    SCOPED_TRACE(::testing::PrintToString(c.kernel));
    const Tensor weight = random_tensor({c.inputs, c.outputs, c.kernel[0], c.kernel[1]}, 3);
    const Tensor bias = random_tensor({c.outputs * c.op.group}, 4);
    check_kind("transposed_convolution", c.op, {2, c.inputs, 5, 7}, {weight});
    check_kind("transposed_convolution", c.op, {1, c.inputs, 3, 1}, {weight, bias});
    check_after_convolution("transposed_convolution", c.op, {weight, bias}, c.inputs);
  }
}

TEST(TransposedConvolutions, OfOneAxisAndWithAnActivation) {
  check_kind("transposed_convolution", ConvTranspose{.output_padding = {1}, .pads = {1, 0}, .strides = {2}}, {2, 3, 9},
             {random_tensor({3, 4, 3}, 3), random_tensor({4}, 4)});
  Network n;
  const ValueId y =
      n.append(ConvTranspose{.strides = {2, 2}}, {n.convolution(n.image, 6), n.constant(random_tensor({6, 5, 2, 2}, 3))});
  EXPECT_EQ(n.run(n.convolution(n.append(Relu{}, {y}), 4)),
            (std::vector<std::string>{"convolution", "transposed_convolution", "convolution", "transpose"}));
}

TEST(TransposedConvolutions, WhatXnnpackDoesNotHaveIsLeft) {
  const Tensor weight = random_tensor({3, 4, 3, 3}, 3);
  for (const ConvTranspose& op :
       {ConvTranspose{.output_padding = {2, 0}, .strides = {2, 2}}, ConvTranspose{.output_shape = {9, 9}, .strides = {2, 2}},
        ConvTranspose{.auto_pad = AutoPad::same_upper, .strides = {2, 2}}})
    check_kind("fallback", op, {1, 3, 4, 4}, {weight});
}

TEST(AlongAnAxis, Softmax) {
  for (const std::int64_t axis : {0, 1, 2, 3, -1}) {
    check_kind("softmax", Softmax{.axis = axis}, {2, 3, 4, 5});
    check_kind("log_softmax", LogSoftmax{.axis = axis}, {2, 3, 4, 5});
    check_kind("arg_extreme", ArgMax{.axis = axis}, {2, 3, 4, 5});
    check_kind("arg_extreme", ArgMin{.axis = axis, .keepdims = false}, {2, 3, 4, 5});
  }
  for (const std::int64_t axis : {0, 1, 2, 3}) {
    check_kind("softmax", Softmax{.axis = axis, .coerce_to_2d = true}, {2, 3, 4, 5});
    check_kind("log_softmax", LogSoftmax{.axis = axis, .coerce_to_2d = true}, {2, 3, 4, 5});
  }
}

// Of channels, where they lie last.
TEST(AlongAnAxis, OfChannelsInNhwc) {
  check_after_convolution("softmax", Softmax{.axis = 1});
  check_after_convolution("log_softmax", LogSoftmax{.axis = 1});
  Network n;
  const ValueId chosen = n.append(ArgMax{.axis = 1, .keepdims = false}, {n.convolution(n.image, 6)});
  const auto kinds = n.run(chosen);
  EXPECT_EQ(kinds, (std::vector<std::string>{"convolution", "arg_extreme"}));
}

TEST(AlongAnAxis, OfWhatIsNotANumberAndOfEquals) {
  Tensor x = Tensor::from<float>({4, 4}, {1, 2, 2, 1, NAN, 1, 2, 3, 3, NAN, NAN, 1, 0, -0.0f, 0, -1});
  for (const bool last : {false, true}) {
    for (const std::int64_t axis : {0, 1}) {
      expect_as_reference(test::graph_of(ArgMax{.axis = axis, .select_last_index = last}, {x.shape()}), {x});
      expect_as_reference(test::graph_of(ArgMin{.axis = axis, .select_last_index = last}, {x.shape()}), {x});
    }
  }
}

TEST(StacksOfMatrices, AsReference) {
  const std::vector<std::pair<Shape, Shape>> shapes = {{{3, 5}, {5, 4}},          {{2, 3, 5}, {2, 5, 4}},
                                                       {{2, 1, 3, 5}, {4, 5, 7}}, {{1, 3, 5}, {6, 5, 33}},
                                                       {{2, 3, 1, 5}, {1, 1}},    {{2, 3, 2, 17, 40}, {3, 1, 40, 19}},
                                                       {{1, 9}, {2, 9, 1}}};
  for (auto [a, b] : shapes) {
    if (b == Shape{1, 1}) b = Shape{2, 1, 5, 1};
    SCOPED_TRACE(a.to_string() + " and " + b.to_string());
    const Graph graph = test::graph_of(MatMul{}, {a, b});
    EXPECT_EQ(test::kinds(*xnnpack::Plan::make(graph)), std::vector<std::string>{"batch_product"});
    expect_as_reference(graph, {random_tensor(a, 1), random_tensor(b, 2)});
  }
  check_kind("batch_product", MatMul{}, {2, 3, 4, 5}, {random_tensor({3, 5, 6}, 2)});
}

// Attention's: the second matrix is read in the order that it has.
TEST(StacksOfMatrices, OfATransposedFactor) {
  for (const std::int64_t length : {1, 7, 8}) {
    Graph graph;
    const ValueId q = graph.add_input("q", float_fact({2, 3, length, 8})),
                  k = graph.add_input("k", float_fact({2, 3, length, 8}));
    graph.set_outputs({graph.append(MatMul{}, {q, graph.append(Transpose{{0, 1, 3, 2}}, {k}, "t")}, "scores")});
    ThreadPool pool(1);
    xnnpack::Session session(xnnpack::Plan::make(graph), pool);
    session.reshape(std::vector<Shape>{{2, 3, length, 8}, {2, 3, length, 8}});
    EXPECT_EQ(session.step_count(), 1u);
    expect_as_reference(graph, {random_tensor({2, 3, length, 8}, 1), random_tensor({2, 3, length, 8}, 2)});
  }
}

}  // namespace
}  // namespace resnet
