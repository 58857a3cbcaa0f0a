// The only list of operators.
#pragma once

#include <type_traits>
#include <utility>
#include <variant>

#include "lib/graph/ops/activation.h"
#include "lib/graph/ops/arithmetic.h"
#include "lib/graph/ops/batch_normalization.h"
#include "lib/graph/ops/conv.h"
#include "lib/graph/ops/conv_transpose.h"
#include "lib/graph/ops/function.h"
#include "lib/graph/ops/indexing.h"
#include "lib/graph/ops/integer.h"
#include "lib/graph/ops/logic.h"
#include "lib/graph/ops/matmul.h"
#include "lib/graph/ops/movement.h"
#include "lib/graph/ops/normalization.h"
#include "lib/graph/ops/opaque.h"
#include "lib/graph/ops/pool.h"
#include "lib/graph/ops/quantize.h"
#include "lib/graph/ops/rearrange.h"
#include "lib/graph/ops/reduce.h"
#include "lib/graph/ops/reshape.h"
#include "lib/graph/ops/resize.h"
#include "lib/graph/ops/sample.h"
#include "lib/graph/ops/softmax.h"
#include "lib/graph/ops/source.h"

namespace resnet {

using AnyOp =
    std::variant<Input, Constant, Conv, BatchNormalization, Relu, Clip, Sigmoid, HardSigmoid, Add, Sub, Mul, Div, Sum, MaxPool,
                 AveragePool, GlobalAveragePool, ReduceMean, ArgMax, Flatten, Reshape, Squeeze, Unsqueeze, Transpose, Concat,
                 Slice, Pad, Gather, Expand, ConstantOfShape, ShapeOf, Cast, Identity, Dropout, Gemm, MatMul, Softmax, LogSoftmax,
                 QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear, ConvInteger, MatMulInteger, QLinearConv, QLinearMatMul,
                 QLinearAdd, QLinearGlobalAveragePool, QLinearAveragePool, LookupTable, QGemm, LeakyRelu, ThresholdedRelu, Elu,
                 Selu, Celu, HardSwish, Swish, Mish, Gelu, Softplus, Softsign, Tanh, Erf, Exp, Log, Sqrt, Reciprocal, Floor, Ceil,
                 Round, Sin, Cos, Tan, Asin, Acos, Atan, Sinh, Cosh, Asinh, Acosh, Atanh, Abs, Neg, Sign, Mean, Max, Min, Pow,
                 Mod, PRelu, Equal, Greater, GreaterOrEqual, Less, LessOrEqual, And, Or, Xor, Not, IsNaN, IsInf, Where, ArgMin,
                 GlobalMaxPool, LpPool, GlobalLpPool, MaxUnpool, InstanceNormalization, GroupNormalization, LayerNormalization,
                 RMSNormalization, MeanVarianceNormalization, LpNormalization, LRN, Split, Tile, DepthToSpace, SpaceToDepth,
                 Trilu, GatherElements, GatherND, ScatterElements, ScatterND, TopK, OneHot, CumSum, Range, Size, Einsum, Resize,
                 ConvTranspose, GridSample, AffineGrid, ReduceSum, ReduceMax, ReduceMin, ReduceProd, ReduceL1, ReduceL2,
                 ReduceSumSquare, ReduceLogSum, ReduceLogSumExp, Opaque>;

template <typename T, typename Variant>
inline constexpr bool is_alternative = false;
template <typename T, typename... Ts>
inline constexpr bool is_alternative<T, std::variant<Ts...>> = (std::is_same_v<T, Ts> || ...);

// One of them. It is a class, and not the variant itself, so that what copies, moves and destroys a hundred alternatives is
// compiled once, and not in each file that holds a node.
class Op : public AnyOp {
 public:
  Op();  // an Input
  template <typename T>
  requires is_alternative<T, AnyOp> Op(T op) : AnyOp(std::in_place_type<T>, std::move(op)) {}
  Op(const Op& other);
  Op(Op&& other) noexcept;
  Op& operator=(const Op& other);
  Op& operator=(Op&& other) noexcept;
  ~Op();
};

// The operator's name, preceded by its domain where that is not ONNX's own: "Conv", "com.microsoft.QLinearAdd".
std::string type_of(const Op& op);
std::string_view domain_of(const Op& op);

const OpTraits& traits_of(const Op& op);
inline Effect effect_of(const Op& op) { return traits_of(op).effect; }

// Whether the first output holds the first input's elements, all of them and nothing else: of another type, shape or order.
bool only_changes_form(const Op& op);

// The facts of `outputs` outputs. Checks the numbers of inputs and outputs, then calls the operator's own infer().
// Throws Error(malformed) where the inputs contradict each other or the attributes.
std::vector<Fact> infer(const Op& op, const Facts& inputs, std::size_t outputs);

}  // namespace resnet
