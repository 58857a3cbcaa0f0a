#include <array>

#include "formats/onnx/ops/ops.h"

namespace resnet::onnx {

std::span<const OpRow> op_table() {
  static constexpr auto rows = std::to_array<OpRow>({
      {"Add", 1, import_add, export_add},
      {"ArgMax", 1, import_arg_max, export_arg_max},
      {"AveragePool", 1, import_average_pool, export_average_pool},
      {"BatchNormalization", 1, import_batch_normalization, export_batch_normalization},
      {"Cast", 1, import_cast, export_cast},
      {"Clip", 1, import_clip, export_clip},
      {"Concat", 1, import_concat, export_concat},
      {"Constant", 1, import_constant, export_constant},
      {"ConstantOfShape", 9, import_constant_of_shape, export_constant_of_shape},
      {"Conv", 1, import_conv, export_conv},
      {"ConvInteger", 10, import_conv_integer, export_conv_integer},
      {"DequantizeLinear", 10, import_dequantize_linear, export_dequantize_linear},
      {"Div", 1, import_div, export_div},
      {"Dropout", 1, import_dropout, export_dropout},
      {"DynamicQuantizeLinear", 11, import_dynamic_quantize_linear, export_dynamic_quantize_linear},
      {"Expand", 8, import_expand, export_expand},
      {"Flatten", 1, import_flatten, export_flatten},
      {"Gather", 1, import_gather, export_gather},
      {"Gemm", 1, import_gemm, export_gemm},
      {"GlobalAveragePool", 1, import_global_average_pool, export_global_average_pool},
      {"HardSigmoid", 1, import_hard_sigmoid, export_hard_sigmoid},
      {"Identity", 1, import_identity, export_identity},
      {"LogSoftmax", 1, import_log_softmax, export_log_softmax},
      {"MatMul", 1, import_mat_mul, export_mat_mul},
      {"MatMulInteger", 10, import_mat_mul_integer, export_mat_mul_integer},
      {"MaxPool", 1, import_max_pool, export_max_pool},
      {"Mul", 1, import_mul, export_mul},
      {"Pad", 1, import_pad, export_pad},
      {"QGemm", 1, import_q_gemm, export_q_gemm, "com.microsoft"},
      {"QLinearAdd", 1, import_q_linear_add, export_q_linear_add, "com.microsoft"},
      {"QLinearConv", 10, import_q_linear_conv, export_q_linear_conv},
      {"QLinearGlobalAveragePool", 1, import_q_linear_global_average_pool, export_q_linear_global_average_pool, "com.microsoft"},
      {"QLinearMatMul", 10, import_q_linear_mat_mul, export_q_linear_mat_mul},
      {"QuantizeLinear", 10, import_quantize_linear, export_quantize_linear},
      {"ReduceMean", 1, import_reduce_mean, export_reduce_mean},
      {"Relu", 1, import_relu, export_relu},
      {"Reshape", 1, import_reshape, export_reshape},
      {"Shape", 1, import_shape, export_shape},
      {"Sigmoid", 1, import_sigmoid, export_sigmoid},
      {"Slice", 1, import_slice, export_slice},
      {"Softmax", 1, import_softmax, export_softmax},
      {"Squeeze", 1, import_squeeze, export_squeeze},
      {"Sub", 1, import_sub, export_sub},
      {"Sum", 1, import_sum, export_sum},
      {"Transpose", 1, import_transpose, export_transpose},
      {"Unsqueeze", 1, import_unsqueeze, export_unsqueeze},
  });
  return rows;
}

}  // namespace resnet::onnx
