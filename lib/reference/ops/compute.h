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
void compute(const ReduceMean& op, Inputs inputs, Outputs outputs);
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
void compute(const QGemm& op, Inputs inputs, Outputs outputs);

}  // namespace resnet::reference
