// The only list of operators.
#pragma once

#include <variant>

#include "lib/graph/ops/activation.h"
#include "lib/graph/ops/arithmetic.h"
#include "lib/graph/ops/batch_normalization.h"
#include "lib/graph/ops/conv.h"
#include "lib/graph/ops/integer.h"
#include "lib/graph/ops/matmul.h"
#include "lib/graph/ops/movement.h"
#include "lib/graph/ops/opaque.h"
#include "lib/graph/ops/pool.h"
#include "lib/graph/ops/quantize.h"
#include "lib/graph/ops/reduce.h"
#include "lib/graph/ops/reshape.h"
#include "lib/graph/ops/softmax.h"
#include "lib/graph/ops/source.h"

namespace resnet {

using Op = std::variant<Input, Constant, Conv, BatchNormalization, Relu, Clip, Sigmoid, HardSigmoid, Add, Sub, Mul, Div, Sum,
                        MaxPool, AveragePool, GlobalAveragePool, ReduceMean, ArgMax, Flatten, Reshape, Squeeze, Unsqueeze,
                        Transpose, Concat, Slice, Pad, Gather, Expand, ConstantOfShape, ShapeOf, Cast, Identity, Dropout, Gemm,
                        MatMul, Softmax, LogSoftmax, QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear, ConvInteger,
                        MatMulInteger, QLinearConv, QLinearMatMul, QLinearAdd, QLinearGlobalAveragePool, QGemm, Opaque>;

// The operator's name, with its domain in front where that is not ONNX's own: "Conv", "com.microsoft.QLinearAdd".
std::string type_of(const Op& op);
std::string_view domain_of(const Op& op);

const OpTraits& traits_of(const Op& op);

// The facts of `outputs` outputs. Checks the numbers of inputs and outputs, then calls the operator's own infer().
// Throws Error(malformed) where the inputs contradict each other or the attributes.
std::vector<Fact> infer(const Op& op, const Facts& inputs, std::size_t outputs);

}  // namespace resnet
