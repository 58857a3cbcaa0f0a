// The only list of operators.
#pragma once

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <functional>
#include <new>
#include <type_traits>
#include <utility>

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

// An operator and its place in the list of all.
template <std::size_t index, typename T>
struct Alternative {};
template <typename Indices, typename... Ts>
struct Alternatives;
template <std::size_t... indices, typename... Ts>
struct Alternatives<std::index_sequence<indices...>, Ts...> : Alternative<indices, Ts>... {
  using Indices = std::index_sequence<indices...>;
  static constexpr std::size_t size = std::max({sizeof(Ts)...}), alignment = std::max({alignof(Ts)...});
};
template <typename... Ts>
using AlternativesOf = Alternatives<std::index_sequence_for<Ts...>, Ts...>;

struct Operators
    : AlternativesOf<Input, Constant, Conv, BatchNormalization, Relu, Clip, Sigmoid, HardSigmoid, Add, Sub, Mul, Div, Sum,
                     MaxPool, AveragePool, GlobalAveragePool, ReduceMean, ArgMax, Flatten, Reshape, Squeeze, Unsqueeze, Transpose,
                     Concat, Slice, Pad, Gather, Expand, ConstantOfShape, ShapeOf, Cast, Identity, Dropout, Gemm, MatMul, Softmax,
                     LogSoftmax, QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear, ConvInteger, MatMulInteger, QLinearConv,
                     QLinearMatMul, QLinearAdd, QLinearGlobalAveragePool, QLinearAveragePool, LookupTable, QGemm, LeakyRelu,
                     ThresholdedRelu, Elu, Selu, Celu, HardSwish, Swish, Mish, Gelu, Softplus, Softsign, Tanh, Erf, Exp, Log,
                     Sqrt, Reciprocal, Floor, Ceil, Round, Sin, Cos, Tan, Asin, Acos, Atan, Sinh, Cosh, Asinh, Acosh, Atanh, Abs,
                     Neg, Sign, Mean, Max, Min, Pow, Mod, PRelu, Equal, Greater, GreaterOrEqual, Less, LessOrEqual, And, Or, Xor,
                     Not, IsNaN, IsInf, Where, ArgMin, GlobalMaxPool, LpPool, GlobalLpPool, MaxUnpool, InstanceNormalization,
                     GroupNormalization, LayerNormalization, RMSNormalization, MeanVarianceNormalization, LpNormalization, LRN,
                     Split, Tile, DepthToSpace, SpaceToDepth, Trilu, GatherElements, GatherND, ScatterElements, ScatterND, TopK,
                     OneHot, CumSum, Range, Size, Einsum, Resize, ConvTranspose, GridSample, AffineGrid, ReduceSum, ReduceMax,
                     ReduceMin, ReduceProd, ReduceL1, ReduceL2, ReduceSumSquare, ReduceLogSum, ReduceLogSumExp, Opaque> {};

template <typename T, std::size_t index>
constexpr std::integral_constant<std::size_t, index> index_in(const Alternative<index, T>&);
template <std::size_t index, typename T>
constexpr std::type_identity<T> type_in(const Alternative<index, T>&);

template <typename T>
concept Operator = requires(const Operators& all) {
  index_in<T>(all);
};
template <Operator T>
inline constexpr std::size_t index_of = decltype(index_in<T>(std::declval<const Operators&>()))::value;
template <std::size_t index>
using OperatorAt = typename decltype(type_in<index>(std::declval<const Operators&>()))::type;

template <typename T, typename... Ts>
concept OneOf = (std::is_same_v<T, Ts> || ...);

// One of them, and what std::variant is, read by the functions of the same names below. Of a variant each function that the
// compiler makes is named after all the alternatives, and there are some for each of them: seconds and megabytes in every file
// that holds a node.
class Op {
 public:
  Op();  // an Input
  template <Operator T>
  Op(T op) : index_(index_of<T>) {  // implicitly
    static_assert(std::is_nothrow_move_constructible_v<T>);
    new (static_cast<void*>(storage_)) T(std::move(op));
  }
  Op(const Op& other);
  Op(Op&& other) noexcept;
  Op& operator=(const Op& other);
  Op& operator=(Op&& other) noexcept;
  ~Op();

  friend bool operator==(const Op& a, const Op& b);

  std::size_t index() const { return index_; }
  // Where it is, whatever it is.
  const void* storage() const { return storage_; }
  void* storage() { return storage_; }

 private:
  std::size_t index_;
  alignas(Operators::alignment) std::byte storage_[Operators::size];
};

template <Operator T>
bool holds_alternative(const Op& op) {
  return op.index() == index_of<T>;
}
template <Operator T>
const T* get_if(const Op* op) {
  return holds_alternative<T>(*op) ? std::launder(static_cast<const T*>(op->storage())) : nullptr;
}
template <Operator T>
T* get_if(Op* op) {
  return holds_alternative<T>(*op) ? std::launder(static_cast<T*>(op->storage())) : nullptr;
}
template <Operator T>
const T& get(const Op& op) {
  assert(holds_alternative<T>(op));
  return *get_if<T>(&op);
}
template <Operator T>
T& get(Op& op) {
  assert(holds_alternative<T>(op));
  return *get_if<T>(&op);
}

template <typename Result, typename Visitor, typename T>
Result visit_as(Visitor& visitor, const Op& op) {
  return visitor(*std::launder(static_cast<const T*>(op.storage())));
}
template <typename Visitor, std::size_t... indices>
decltype(auto) visit_among(std::index_sequence<indices...>, Visitor& visitor, const Op& op) {
  using Result = std::invoke_result_t<Visitor&, const Input&>;
  static constexpr Result (*ways[])(Visitor&, const Op&) = {&visit_as<Result, Visitor, OperatorAt<indices>>...};
  return ways[op.index()](visitor, op);
}
// Calls the visitor by what the op is.
template <typename Visitor>
decltype(auto) visit(Visitor&& visitor, const Op& op) {
  return visit_among(Operators::Indices(), visitor, op);
}

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
