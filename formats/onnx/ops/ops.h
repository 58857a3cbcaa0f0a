// The import and export functions of every operator; op_table.cc lists them.
#pragma once

#include "formats/onnx/node_import.h"

namespace resnet::onnx {

#define RESNET_ONNX_OP(name)          \
  Op import_##name(NodeImport& node); \
  void export_##name(const Op& op, NodeExport& node);

RESNET_ONNX_OP(add)
RESNET_ONNX_OP(arg_max)
RESNET_ONNX_OP(average_pool)
RESNET_ONNX_OP(batch_normalization)
RESNET_ONNX_OP(cast)
RESNET_ONNX_OP(clip)
RESNET_ONNX_OP(concat)
RESNET_ONNX_OP(constant)
RESNET_ONNX_OP(constant_of_shape)
RESNET_ONNX_OP(conv)
RESNET_ONNX_OP(conv_integer)
RESNET_ONNX_OP(dequantize_linear)
RESNET_ONNX_OP(div)
RESNET_ONNX_OP(dynamic_quantize_linear)
RESNET_ONNX_OP(dropout)
RESNET_ONNX_OP(expand)
RESNET_ONNX_OP(flatten)
RESNET_ONNX_OP(gather)
RESNET_ONNX_OP(gemm)
RESNET_ONNX_OP(global_average_pool)
RESNET_ONNX_OP(hard_sigmoid)
RESNET_ONNX_OP(identity)
RESNET_ONNX_OP(log_softmax)
RESNET_ONNX_OP(mat_mul)
RESNET_ONNX_OP(mat_mul_integer)
RESNET_ONNX_OP(max_pool)
RESNET_ONNX_OP(mul)
RESNET_ONNX_OP(pad)
RESNET_ONNX_OP(q_gemm)
RESNET_ONNX_OP(q_linear_add)
RESNET_ONNX_OP(q_linear_conv)
RESNET_ONNX_OP(q_linear_global_average_pool)
RESNET_ONNX_OP(q_linear_mat_mul)
RESNET_ONNX_OP(quantize_linear)
RESNET_ONNX_OP(reduce_mean)
RESNET_ONNX_OP(relu)
RESNET_ONNX_OP(reshape)
RESNET_ONNX_OP(shape)
RESNET_ONNX_OP(sigmoid)
RESNET_ONNX_OP(slice)
RESNET_ONNX_OP(softmax)
RESNET_ONNX_OP(squeeze)
RESNET_ONNX_OP(sub)
RESNET_ONNX_OP(sum)
RESNET_ONNX_OP(transpose)
RESNET_ONNX_OP(unsqueeze)

#undef RESNET_ONNX_OP

// For operators without attributes.
void export_plain(const Op& op, NodeExport& node);

}  // namespace resnet::onnx
