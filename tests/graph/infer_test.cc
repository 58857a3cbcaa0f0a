// What each operator's inference says of shapes, symbols and values, and what it refuses. The official node cases cover the
// shapes of complete numbers; here stand symbols, values and errors.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "lib/base/error.h"
#include "lib/graph/graph.h"

namespace resnet {
namespace {

using testing::HasSubstr;

const Dim n = Dim::symbol("N"), h = Dim::symbol("h");

Fact floats(Dims dims) { return Fact::of(DType::float32, std::move(dims)); }
Fact integers(const std::vector<std::int64_t>& values) {
  return Fact::constant(Tensor::from(Shape{static_cast<std::int64_t>(values.size())}, std::span(values)));
}

// "float Nx64x7x7", several joined by "; ", with the elements where they are known; or the error.
std::string infer_text(const Op& op, const std::vector<Fact>& inputs, std::size_t outputs = 1) {
  std::vector<const Fact*> pointers;
  for (const Fact& fact : inputs) pointers.push_back(fact == Fact::unknown() ? nullptr : &fact);
  try {
    std::string text;
    for (const Fact& fact : infer(op, Facts(pointers), outputs)) {
      text += (text.empty() ? "" : "; ") + fact.to_string();
      if (fact.elements) text += " = [" + (fact.elements->empty() ? "" : to_string(*fact.elements)) + "]";
    }
    return text;
  } catch (const Error& error) {
    return std::string("error: ") + error.what();
  }
}

TEST(InferConv, SymbolsStay) {
  const Conv conv{.pads = {1, 1, 1, 1}, .strides = {2, 2}};
  EXPECT_EQ(infer_text(conv, {floats({n, 3, 224, 224}), floats({64, 3, 3, 3})}), "float Nx64x112x112");
  EXPECT_EQ(infer_text(conv, {floats({n, 3, h, 224}), floats({64, 3, 3, 3})}), "float Nx64xfloor((h-1)/2)+1x112");
  // A 3x3 convolution with pads of 1 keeps a symbolic size as it is, so that shortcuts add up.
  EXPECT_EQ(infer_text(Conv{.pads = {1, 1, 1, 1}}, {floats({n, 3, h, h}), floats({8, 3, 3, 3})}), "float Nx8xhxh");
}

TEST(InferConv, GroupsDilationsAndPads) {
  EXPECT_EQ(infer_text(Conv{.group = 32}, {floats({1, 128, 7, 7}), floats({128, 4, 3, 3})}), "float 1x128x5x5");
  EXPECT_EQ(infer_text(Conv{.dilations = {2, 3}}, {floats({1, 1, 9, 9}), floats({1, 1, 3, 3})}), "float 1x1x5x3");
  EXPECT_EQ(infer_text(Conv{.pads = {0, 1, 2, 3}}, {floats({1, 1, 5, 5}), floats({1, 1, 3, 3})}), "float 1x1x5x7");
}

TEST(InferConv, Refuses) {
  EXPECT_THAT(infer_text(Conv{}, {floats({1, 4, 8, 8}), floats({2, 3, 3, 3})}), HasSubstr("error: "));
  EXPECT_THAT(infer_text(Conv{.group = 3}, {floats({1, 3, 8, 8}), floats({4, 1, 3, 3})}), HasSubstr("error: "));
  EXPECT_THAT(infer_text(Conv{}, {floats({1, 3, 8, 8}), floats({2, 3, 3, 3}), floats({3})}), HasSubstr("error: "));
  EXPECT_THAT(infer_text(Conv{.strides = {0, 1}}, {floats({1, 3, 8, 8}), floats({2, 3, 3, 3})}), HasSubstr("strides holds 0"));
  EXPECT_THAT(infer_text(Conv{}, {floats({1, 3, 2, 2}), floats({2, 3, 3, 3})}),
              HasSubstr("a window of 3 does not fit into 2 with pads 0 and 0 along axis 2"));
  EXPECT_THAT(infer_text(Conv{}, {floats({1, 3, 8, 8}), Fact::of(DType::int8, {2, 3, 3, 3})}), HasSubstr("error: "));
}

TEST(InferPool, CeilModeCountsTheLastPartialWindow) {
  const auto pooled = [](bool ceil_mode) {
    return infer_text(MaxPool{.ceil_mode = ceil_mode, .kernel_shape = {3, 3}, .strides = {2, 2}}, {floats({1, 64, 112, 112})});
  };
  EXPECT_EQ(pooled(false), "float 1x64x55x55");
  EXPECT_EQ(pooled(true), "float 1x64x56x56");
  // A window that would begin in the padding is not one.
  EXPECT_EQ(infer_text(MaxPool{.ceil_mode = true, .kernel_shape = {1}, .pads = {0, 1}, .strides = {2}}, {floats({1, 1, 4})}),
            "float 1x1x2");
}

TEST(InferPool, GlobalPoolsAndMeans) {
  EXPECT_EQ(infer_text(GlobalAveragePool{}, {floats({n, 512, h, 7})}), "float Nx512x1x1");
  EXPECT_EQ(infer_text(ReduceMean{.keepdims = false}, {floats({n, 512, 7, 7}), integers({2, -1})}), "float Nx512");
  EXPECT_EQ(infer_text(ReduceMean{}, {floats({n, 512, 7, 7}), integers({2, 3})}), "float Nx512x1x1");
  EXPECT_THAT(infer_text(ReduceMean{}, {floats({n, 512}), integers({2})}), HasSubstr("error: "));
}

TEST(InferArithmetic, Broadcasts) {
  EXPECT_EQ(infer_text(Add{}, {floats({n, 64, 1, 1}), floats({64, 7, 7})}), "float Nx64x7x7");
  EXPECT_EQ(infer_text(Mul{}, {floats({h}), floats({1})}), "float h");
  EXPECT_EQ(infer_text(Sum{}, {floats({2, 1}), floats({1, 3}), floats({})}), "float 2x3");
  EXPECT_EQ(infer_text(Add{}, {floats({2, 3}), floats({4})}), "error: cannot broadcast 2x3 with 4");
  EXPECT_THAT(infer_text(Add{}, {floats({2}), Fact::of(DType::int64, {2})}), HasSubstr("error: "));
}

TEST(InferValues, ShapeArithmeticFoldsUnderASymbolicBatch) {
  // x.view(x.size(0), -1) as exporters write it.
  Graph graph;
  const ValueId x = graph.add_input("x", floats({n, 512, 7, 7}));
  const ValueId shape = graph.append(ShapeOf{}, {x}, "shape");
  const ValueId zero = graph.add_constant("zero", Tensor::scalar<std::int64_t>(0));
  const ValueId batch = graph.append(Gather{}, {shape, zero}, "batch");
  const ValueId axes = graph.add_constant("axes", Tensor::from<std::int64_t>(Shape{1}, {0}));
  const ValueId vector = graph.append(Unsqueeze{}, {batch, axes}, "unsqueeze");
  const ValueId rest = graph.add_constant("rest", Tensor::from<std::int64_t>(Shape{1}, {-1}));
  const ValueId target = graph.append(Concat{.axis = 0}, {vector, rest}, "concat");
  EXPECT_EQ(graph.fact(target).elements, (Dims{n, -1}));
  const ValueId y = graph.append(Reshape{}, {x, target}, "reshape");
  EXPECT_EQ(graph.fact(y).to_string(), "float Nx25088");
}

TEST(InferValues, AScalarCannotBeSlicedButMayBeHandedOn) {
  const Fact scalar = Fact::constant(Tensor::scalar(std::int64_t{7}));
  EXPECT_EQ(infer_text(Slice{}, {scalar, integers({}), integers({})}), "int64 scalar = [7]");
  EXPECT_THAT(infer_text(Slice{}, {scalar, integers({0}), integers({1})}), HasSubstr("error: "));
}

TEST(InferClip, SaysWhatABoundHasInsteadOfOneElement) {
  const Fact none = Fact::constant(Tensor::allocate(DType::float32, Shape{0}));
  EXPECT_EQ(infer_text(Clip{}, {floats({2}), none}), "error: min has no elements, expected a scalar");
  EXPECT_EQ(infer_text(Clip{}, {floats({2}), floats({}), floats({3})}), "error: max is 3, expected a scalar");
}

// Before it is known how large the image is, too.
TEST(InferResize, WhatNothingCanBeResizedByIsNamed) {
  const auto list = [](const std::vector<float>& numbers) {
    return Fact::constant(Tensor::from(Shape{static_cast<std::int64_t>(numbers.size())}, std::span(numbers)));
  };
  const Fact none = Fact::unknown();
  for (const Dim& size : {Dim(4), n}) {
    for (const float wrong : {-2.0f, 0.0f, std::nanf("")}) {
      EXPECT_THAT(infer_text(Resize{}, {floats({size, 4}), none, list({1, wrong})}), HasSubstr("expected numbers above 0"))
          << wrong;
    }
    EXPECT_EQ(infer_text(Resize{}, {floats({size, 4}), none, none, integers({1, -3})}),
              "error: sizes holds -3, expected numbers from 0 to 1000000000");
    const Resize crop{.coordinate_transformation_mode = Resize::Transformation::tf_crop_and_resize, .mode = Resize::Mode::linear};
    for (const float wrong : {1e30f, -INFINITY, std::nanf("")}) {
      EXPECT_THAT(infer_text(crop, {floats({4, 4}), list({0, wrong, 1, 1}), none, integers({2, 2})}),
                  HasSubstr("error: roi holds "))
          << wrong;
    }
  }
}

TEST(InferValues, ProductsAndQuotientsOfSymbols) {
  const Fact dims = Fact::of_elements({n, 64, h});
  EXPECT_EQ(infer_text(Slice{}, {dims, integers({1}), integers({3})}), "int64 2 = [64xh]");
  EXPECT_EQ(infer_text(Mul{}, {Fact::of_elements({n}), integers({49})}), "int64 1 = [N*49]");
  EXPECT_EQ(infer_text(Div{}, {Fact::of_elements({n * Dim(49)}), integers({49})}), "int64 1 = [N]");
  EXPECT_EQ(infer_text(Sub{}, {Fact::of_elements({n + Dim(3)}), Fact::of_elements({n})}), "int64 1 = [3]");
  EXPECT_EQ(infer_text(Cast{.to = DType::int32}, {Fact::of_elements({n})}), "int32 1 = [N]");
}

TEST(InferValues, PadsThatAreTurnedAboutInAMatrix) {
  // F.pad as PyTorch exports it: [width, width, height, height, ...] backwards in pairs.
  const Fact pads = Fact::of_elements({0, 0, 0, 0, 8, 9, n, n}), pairs = integers({-1, 2});
  const std::vector<const Fact*> inputs = {&pads, &pairs};
  const Fact matrix = infer(Reshape{}, Facts(inputs), 1)[0];
  EXPECT_EQ(infer_text(Slice{}, {matrix, integers({-1}), integers({-100}), integers({0}), integers({-1})}),
            "int64 4x2 = [NxNx8x9x0x0x0x0]");
  EXPECT_EQ(infer_text(Transpose{.perm = {1, 0}}, {matrix}), "int64 2x4 = [0x0x8xNx0x0x9xN]");
}

TEST(InferReshape, KeepsSymbolsAndRefusesWhatDoesNotDivide) {
  EXPECT_EQ(infer_text(Reshape{}, {floats({n, 512, 1, 1}), integers({0, -1})}), "float Nx512");
  EXPECT_EQ(infer_text(Reshape{}, {floats({n, 8, h}), integers({-1, 8})}), "float N*hx8");
  EXPECT_EQ(infer_text(Reshape{}, {floats({n, 512, 1, 1}), integers({-1, 512})}), "float Nx512");
  EXPECT_EQ(infer_text(Reshape{}, {floats({2, 6}), integers({5, -1})}),
            "error: cannot reshape 2x6 to 5x-1: the number of elements does not divide");
  EXPECT_THAT(infer_text(Reshape{}, {floats({2, 6}), integers({-1, -1})}), HasSubstr("error: "));
  EXPECT_THAT(infer_text(Reshape{}, {floats({2, 6}), integers({-2, 6})}), HasSubstr("-2 is not a dimension"));
  EXPECT_THAT(infer_text(Reshape{}, {floats({2, 6}), integers({2, 6, 0})}), HasSubstr("there is no dimension 2 to copy"));
}

TEST(InferReshape, FlattenSqueezeUnsqueeze) {
  EXPECT_EQ(infer_text(Flatten{}, {floats({n, 512, 1, 1})}), "float Nx512");
  EXPECT_EQ(infer_text(Flatten{.axis = 0}, {floats({2, 3})}), "float 1x6");
  EXPECT_EQ(infer_text(Squeeze{}, {floats({n, 512, 1, 1}), integers({2, 3})}), "float Nx512");
  EXPECT_THAT(infer_text(Squeeze{}, {floats({2, 512}), integers({1})}), HasSubstr("error: "));
  EXPECT_EQ(infer_text(Unsqueeze{}, {floats({n}), integers({0, -1})}), "float 1xNx1");
}

TEST(InferMovement, TransposeConcatPadExpand) {
  EXPECT_EQ(infer_text(Transpose{.perm = {0, 3, 1, 2}}, {floats({n, 32, 32, 3})}), "float Nx3x32x32");
  EXPECT_THAT(infer_text(Transpose{.perm = {0, 0}}, {floats({2, 3})}), HasSubstr("error: "));
  EXPECT_EQ(infer_text(Concat{.axis = 1}, {floats({n, 3, 4}), floats({n, 5, 4})}), "float Nx8x4");
  EXPECT_THAT(infer_text(Concat{.axis = 1}, {floats({2, 3, 4}), floats({2, 5, 5})}), HasSubstr("error: "));
  EXPECT_EQ(infer_text(Pad{}, {floats({n, 16, 8, 8}), integers({0, 8, 0, 0, 0, 8, 0, 0})}), "float Nx32x8x8");
  EXPECT_EQ(infer_text(Expand{}, {floats({3, 1}), integers({2, 1, 6})}), "float 2x3x6");
  EXPECT_EQ(infer_text(Gather{.axis = 1}, {floats({n, 10}), integers({3, 4})}), "float Nx2");
  EXPECT_THAT(infer_text(Gather{}, {floats({2, 3}), integers({2})}), HasSubstr("index 2 is out of range for axis 0 of 2x3"));
}

TEST(InferProducts, GemmAndMatMul) {
  EXPECT_EQ(infer_text(Gemm{.transB = true}, {floats({n, 512}), floats({1000, 512}), floats({1000})}), "float Nx1000");
  EXPECT_THAT(infer_text(Gemm{}, {floats({2, 512}), floats({500, 10})}), HasSubstr("error: "));
  EXPECT_THAT(infer_text(Gemm{}, {floats({2, 5}), floats({5, 10}), floats({11})}), HasSubstr("error: "));
  EXPECT_EQ(infer_text(MatMul{}, {floats({n, 1, 4, 5}), floats({3, 5, 6})}), "float Nx3x4x6");
  EXPECT_EQ(infer_text(MatMul{}, {floats({5}), floats({5})}), "float scalar");
}

TEST(InferQuantize, TypesFollowTheZeroPoint) {
  const Fact scale = floats({}), zero = Fact::of(DType::int8, {});
  EXPECT_EQ(infer_text(QuantizeLinear{}, {floats({n, 8}), scale, zero}), "int8 Nx8");
  EXPECT_EQ(infer_text(QuantizeLinear{}, {floats({n, 8}), scale}), "uint8 Nx8");
  EXPECT_EQ(infer_text(DequantizeLinear{}, {Fact::of(DType::int8, {n, 8}), scale, zero}), "float Nx8");
  EXPECT_THAT(infer_text(DequantizeLinear{.axis = 1}, {Fact::of(DType::int8, {2, 8}), floats({7})}), HasSubstr("error: "));
}

TEST(InferQuantize, PoolsAndTables) {
  const Fact x = Fact::of(DType::uint8, {n, 8, 6, 6}), scale = floats({}), zero = Fact::of(DType::uint8, {});
  const QLinearAveragePool pool{.pool = {.kernel_shape = {2, 2}, .strides = {2, 2}}};
  EXPECT_EQ(infer_text(pool, {x, scale, zero, scale, zero}), "uint8 Nx8x3x3");
  const QLinearAveragePool last{.pool = pool.pool, .channels_last = true};
  EXPECT_EQ(infer_text(last, {Fact::of(DType::uint8, {n, 6, 6, 8}), scale, zero, scale, zero}), "uint8 Nx3x3x8");
  EXPECT_EQ(infer_text(LookupTable{}, {x, Fact::of(DType::int8, {256})}), "int8 Nx8x6x6");
  EXPECT_EQ(infer_text(LookupTable{}, {x, Fact::of(DType::int8, {8, 256})}), "int8 Nx8x6x6");
  EXPECT_THAT(infer_text(LookupTable{}, {x, Fact::of(DType::int8, {7, 256})}), HasSubstr("table is 7x256"));
  EXPECT_THAT(infer_text(LookupTable{}, {floats({n}), Fact::of(DType::int8, {256})}), HasSubstr("x is float"));
}

TEST(Infer, CountsInputsAndOutputs) {
  EXPECT_THAT(infer_text(Relu{}, {floats({2}), floats({2})}), HasSubstr("2 inputs, expected 1"));
  EXPECT_THAT(infer_text(Conv{}, {floats({1, 1, 2, 2})}), HasSubstr("1 input"));
  EXPECT_EQ(infer_text(Dropout{}, {floats({n, 2})}, 2), "float Nx2; bool Nx2");
}

TEST(Infer, AnUnknownOperatorTellsNothing) {
  Opaque opaque;
  opaque.type = "Guess";
  EXPECT_EQ(infer_text(opaque, {floats({2})}, 2), "? ?; ? ?");
  EXPECT_EQ(infer_text(Relu{}, {floats({2})}), "float 2");
}

TEST(Dims, EqualFormulasAreEqualDims) {
  EXPECT_EQ(n * h, h * n);
  EXPECT_EQ((n + Dim(1)) - Dim(1), n);
  EXPECT_EQ(floor_divide(n * Dim(6), Dim(3)), n * Dim(2));
  EXPECT_EQ((h * Dim(2)).to_string(), "h*2");
  EXPECT_EQ(floor_divide(h - Dim(1), Dim(2)) + Dim(1), floor_divide(h - Dim(1), Dim(2)) + Dim(1));
  EXPECT_EQ(n + n, n * Dim(2));
  EXPECT_EQ(n - n, Dim(0));
}

TEST(Dims, OverflowIsAnError) {
  const Dim huge = std::int64_t{1} << 62;
  EXPECT_THROW(static_cast<void>(huge * Dim(4)), Error);
  EXPECT_THROW(static_cast<void>(huge + huge), Error);
}

}  // namespace
}  // namespace resnet
