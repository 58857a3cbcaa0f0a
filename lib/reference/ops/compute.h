// One compute() per operator (an operator without one does not compile); reference.cc dispatches to them.
#pragma once

#include "lib/reference/reference.h"

namespace resnet::reference {

using Outputs = std::span<Tensor>;

// Operators that are a formula on a real number (lib/graph/ops/activation.h).
template <typename T>
concept HasFormula = requires(const T& op, double x) {
  op.at(x);
};
// y[i] = formula(op, x[i]), rounded once. Throws Error(unsupported) for types that are not floating-point ones.
void apply(double (*formula)(const void* op, double x), const void* op, const Tensor& x, Tensor& y);
template <HasFormula T>
void compute(const T& op, Inputs inputs, Outputs outputs) {
  apply([](const void* self, double x) { return static_cast<const T*>(self)->at(x); }, &op, *inputs[0], outputs[0]);
}

void compute(const Conv& op, Inputs inputs, Outputs outputs);
void compute(const BatchNormalization& op, Inputs inputs, Outputs outputs);
void compute(const Relu& op, Inputs inputs, Outputs outputs);
void compute(const Clip& op, Inputs inputs, Outputs outputs);
void compute(const Add& op, Inputs inputs, Outputs outputs);
void compute(const Sub& op, Inputs inputs, Outputs outputs);
void compute(const Mul& op, Inputs inputs, Outputs outputs);
void compute(const Div& op, Inputs inputs, Outputs outputs);
void compute(const Sum& op, Inputs inputs, Outputs outputs);
void compute(const MaxPool& op, Inputs inputs, Outputs outputs);
void compute(const AveragePool& op, Inputs inputs, Outputs outputs);
void compute(const GlobalAveragePool& op, Inputs inputs, Outputs outputs);
void reduce(Reduction reduction, bool noop_with_empty_axes, Inputs inputs, Tensor& y);
template <Reduction reduction>
void compute(const Reduce<reduction>& op, Inputs inputs, Outputs outputs) {
  reduce(reduction, op.noop_with_empty_axes, inputs, outputs[0]);
}
void compute(const ArgMax& op, Inputs inputs, Outputs outputs);
void compute(const Transpose& op, Inputs inputs, Outputs outputs);
void compute(const Concat& op, Inputs inputs, Outputs outputs);
void compute(const Slice& op, Inputs inputs, Outputs outputs);
void compute(const Pad& op, Inputs inputs, Outputs outputs);
void compute(const Gather& op, Inputs inputs, Outputs outputs);
void compute(const Expand& op, Inputs inputs, Outputs outputs);
void compute(const ConstantOfShape& op, Inputs inputs, Outputs outputs);
void compute(const ShapeOf& op, Inputs inputs, Outputs outputs);
void compute(const Cast& op, Inputs inputs, Outputs outputs);
void compute(const Dropout& op, Inputs inputs, Outputs outputs);
void compute(const Gemm& op, Inputs inputs, Outputs outputs);
void compute(const MatMul& op, Inputs inputs, Outputs outputs);
void compute(const Softmax& op, Inputs inputs, Outputs outputs);
void compute(const LogSoftmax& op, Inputs inputs, Outputs outputs);
void compute(const QuantizeLinear& op, Inputs inputs, Outputs outputs);
void compute(const DequantizeLinear& op, Inputs inputs, Outputs outputs);
void compute(const DynamicQuantizeLinear& op, Inputs inputs, Outputs outputs);
void compute(const ConvInteger& op, Inputs inputs, Outputs outputs);
void compute(const MatMulInteger& op, Inputs inputs, Outputs outputs);
void compute(const QLinearConv& op, Inputs inputs, Outputs outputs);
void compute(const QLinearMatMul& op, Inputs inputs, Outputs outputs);
void compute(const QLinearAdd& op, Inputs inputs, Outputs outputs);
void compute(const QLinearGlobalAveragePool& op, Inputs inputs, Outputs outputs);
void compute(const QLinearAveragePool& op, Inputs inputs, Outputs outputs);
void compute(const LookupTable& op, Inputs inputs, Outputs outputs);
void compute(const QGemm& op, Inputs inputs, Outputs outputs);
void compute(const Abs& op, Inputs inputs, Outputs outputs);
void compute(const Neg& op, Inputs inputs, Outputs outputs);
void compute(const Sign& op, Inputs inputs, Outputs outputs);
void compute(const Mean& op, Inputs inputs, Outputs outputs);
void compute(const Max& op, Inputs inputs, Outputs outputs);
void compute(const Min& op, Inputs inputs, Outputs outputs);
void compute(const Pow& op, Inputs inputs, Outputs outputs);
void compute(const Mod& op, Inputs inputs, Outputs outputs);
void compute(const PRelu& op, Inputs inputs, Outputs outputs);
void compute(const Equal& op, Inputs inputs, Outputs outputs);
void compute(const Greater& op, Inputs inputs, Outputs outputs);
void compute(const GreaterOrEqual& op, Inputs inputs, Outputs outputs);
void compute(const Less& op, Inputs inputs, Outputs outputs);
void compute(const LessOrEqual& op, Inputs inputs, Outputs outputs);
void compute(const And& op, Inputs inputs, Outputs outputs);
void compute(const Or& op, Inputs inputs, Outputs outputs);
void compute(const Xor& op, Inputs inputs, Outputs outputs);
void compute(const Not& op, Inputs inputs, Outputs outputs);
void compute(const IsNaN& op, Inputs inputs, Outputs outputs);
void compute(const IsInf& op, Inputs inputs, Outputs outputs);
void compute(const Where& op, Inputs inputs, Outputs outputs);
void compute(const ArgMin& op, Inputs inputs, Outputs outputs);
void compute(const GlobalMaxPool& op, Inputs inputs, Outputs outputs);
void compute(const LpPool& op, Inputs inputs, Outputs outputs);
void compute(const GlobalLpPool& op, Inputs inputs, Outputs outputs);
void compute(const MaxUnpool& op, Inputs inputs, Outputs outputs);
void compute(const InstanceNormalization& op, Inputs inputs, Outputs outputs);
void compute(const GroupNormalization& op, Inputs inputs, Outputs outputs);
void compute(const LayerNormalization& op, Inputs inputs, Outputs outputs);
void compute(const RMSNormalization& op, Inputs inputs, Outputs outputs);
void compute(const MeanVarianceNormalization& op, Inputs inputs, Outputs outputs);
void compute(const LpNormalization& op, Inputs inputs, Outputs outputs);
void compute(const LRN& op, Inputs inputs, Outputs outputs);
void compute(const Split& op, Inputs inputs, Outputs outputs);
void compute(const Tile& op, Inputs inputs, Outputs outputs);
void compute(const DepthToSpace& op, Inputs inputs, Outputs outputs);
void compute(const SpaceToDepth& op, Inputs inputs, Outputs outputs);
void compute(const Trilu& op, Inputs inputs, Outputs outputs);
void compute(const GatherElements& op, Inputs inputs, Outputs outputs);
void compute(const GatherND& op, Inputs inputs, Outputs outputs);
void compute(const ScatterElements& op, Inputs inputs, Outputs outputs);
void compute(const ScatterND& op, Inputs inputs, Outputs outputs);
void compute(const TopK& op, Inputs inputs, Outputs outputs);
void compute(const OneHot& op, Inputs inputs, Outputs outputs);
void compute(const CumSum& op, Inputs inputs, Outputs outputs);
void compute(const Range& op, Inputs inputs, Outputs outputs);
void compute(const Size& op, Inputs inputs, Outputs outputs);
void compute(const Einsum& op, Inputs inputs, Outputs outputs);
void compute(const Resize& op, Inputs inputs, Outputs outputs);
void compute(const ConvTranspose& op, Inputs inputs, Outputs outputs);
void compute(const GridSample& op, Inputs inputs, Outputs outputs);
void compute(const AffineGrid& op, Inputs inputs, Outputs outputs);

}  // namespace resnet::reference
