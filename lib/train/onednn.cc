// oneDNN, loaded when the first network learns: linked to the program it would cost every start a millisecond, and bring OpenCL's
// loader with it. Its functions that dnnl.hpp calls are defined here, each of which hands its arguments on to the library's own.
#include "lib/train/onednn.h"

#include <oneapi/dnnl/dnnl.h>

namespace resnet::train {

const SharedLibrary& onednn() {
  static const SharedLibrary library(RESNET_DNNL_LIBRARY, "oneDNN, which trains networks");
  return library;
}

namespace {

template <typename Function>
Function* function_of(const char* name, Function*) {
  Function* function = nullptr;
  onednn().find(name, function);
  return function;
}

}  // namespace

}  // namespace resnet::train

#define RESNET_FORWARD(Result, name, parameters, arguments)                  \
  extern "C" Result name parameters {                                        \
    static const auto name_there = resnet::train::function_of(#name, &name); \
    return name_there arguments;                                             \
  }

RESNET_FORWARD(dnnl_status_t, dnnl_batch_normalization_backward_desc_init,
               (dnnl_batch_normalization_desc_t * bnrm_desc, dnnl_prop_kind_t prop_kind, const dnnl_memory_desc_t* diff_data_desc,
                const dnnl_memory_desc_t* data_desc, float epsilon, unsigned flags),
               (bnrm_desc, prop_kind, diff_data_desc, data_desc, epsilon, flags))
RESNET_FORWARD(dnnl_status_t, dnnl_batch_normalization_forward_desc_init,
               (dnnl_batch_normalization_desc_t * bnrm_desc, dnnl_prop_kind_t prop_kind, const dnnl_memory_desc_t* data_desc,
                float epsilon, unsigned flags),
               (bnrm_desc, prop_kind, data_desc, epsilon, flags))
RESNET_FORWARD(dnnl_status_t, dnnl_dilated_convolution_backward_data_desc_init,
               (dnnl_convolution_desc_t * conv_desc, dnnl_alg_kind_t alg_kind, const dnnl_memory_desc_t* diff_src_desc,
                const dnnl_memory_desc_t* weights_desc, const dnnl_memory_desc_t* diff_dst_desc, const dnnl_dims_t strides,
                const dnnl_dims_t dilates, const dnnl_dims_t padding_l, const dnnl_dims_t padding_r),
               (conv_desc, alg_kind, diff_src_desc, weights_desc, diff_dst_desc, strides, dilates, padding_l, padding_r))
RESNET_FORWARD(dnnl_status_t, dnnl_dilated_convolution_backward_weights_desc_init,
               (dnnl_convolution_desc_t * conv_desc, dnnl_alg_kind_t alg_kind, const dnnl_memory_desc_t* src_desc,
                const dnnl_memory_desc_t* diff_weights_desc, const dnnl_memory_desc_t* diff_bias_desc,
                const dnnl_memory_desc_t* diff_dst_desc, const dnnl_dims_t strides, const dnnl_dims_t dilates,
                const dnnl_dims_t padding_l, const dnnl_dims_t padding_r),
               (conv_desc, alg_kind, src_desc, diff_weights_desc, diff_bias_desc, diff_dst_desc, strides, dilates, padding_l,
                padding_r))
RESNET_FORWARD(dnnl_status_t, dnnl_dilated_convolution_forward_desc_init,
               (dnnl_convolution_desc_t * conv_desc, dnnl_prop_kind_t prop_kind, dnnl_alg_kind_t alg_kind,
                const dnnl_memory_desc_t* src_desc, const dnnl_memory_desc_t* weights_desc, const dnnl_memory_desc_t* bias_desc,
                const dnnl_memory_desc_t* dst_desc, const dnnl_dims_t strides, const dnnl_dims_t dilates,
                const dnnl_dims_t padding_l, const dnnl_dims_t padding_r),
               (conv_desc, prop_kind, alg_kind, src_desc, weights_desc, bias_desc, dst_desc, strides, dilates, padding_l,
                padding_r))
RESNET_FORWARD(dnnl_status_t, dnnl_engine_create, (dnnl_engine_t * engine, dnnl_engine_kind_t kind, size_t index),
               (engine, kind, index))
RESNET_FORWARD(dnnl_status_t, dnnl_engine_destroy, (dnnl_engine_t engine), (engine))
RESNET_FORWARD(dnnl_status_t, dnnl_inner_product_backward_data_desc_init,
               (dnnl_inner_product_desc_t * ip_desc, const dnnl_memory_desc_t* diff_src_desc,
                const dnnl_memory_desc_t* weights_desc, const dnnl_memory_desc_t* diff_dst_desc),
               (ip_desc, diff_src_desc, weights_desc, diff_dst_desc))
RESNET_FORWARD(dnnl_status_t, dnnl_inner_product_backward_weights_desc_init,
               (dnnl_inner_product_desc_t * ip_desc, const dnnl_memory_desc_t* src_desc,
                const dnnl_memory_desc_t* diff_weights_desc, const dnnl_memory_desc_t* diff_bias_desc,
                const dnnl_memory_desc_t* diff_dst_desc),
               (ip_desc, src_desc, diff_weights_desc, diff_bias_desc, diff_dst_desc))
RESNET_FORWARD(dnnl_status_t, dnnl_inner_product_forward_desc_init,
               (dnnl_inner_product_desc_t * ip_desc, dnnl_prop_kind_t prop_kind, const dnnl_memory_desc_t* src_desc,
                const dnnl_memory_desc_t* weights_desc, const dnnl_memory_desc_t* bias_desc, const dnnl_memory_desc_t* dst_desc),
               (ip_desc, prop_kind, src_desc, weights_desc, bias_desc, dst_desc))
RESNET_FORWARD(dnnl_status_t, dnnl_memory_create,
               (dnnl_memory_t * memory, const dnnl_memory_desc_t* memory_desc, dnnl_engine_t engine, void* handle),
               (memory, memory_desc, engine, handle))
RESNET_FORWARD(int, dnnl_memory_desc_equal, (const dnnl_memory_desc_t* lhs, const dnnl_memory_desc_t* rhs), (lhs, rhs))
RESNET_FORWARD(size_t, dnnl_memory_desc_get_size, (const dnnl_memory_desc_t* memory_desc), (memory_desc))
RESNET_FORWARD(dnnl_status_t, dnnl_memory_desc_init_by_strides,
               (dnnl_memory_desc_t * memory_desc, int ndims, const dnnl_dims_t dims, dnnl_data_type_t data_type,
                const dnnl_dims_t strides),
               (memory_desc, ndims, dims, data_type, strides))
RESNET_FORWARD(dnnl_status_t, dnnl_memory_desc_init_by_tag,
               (dnnl_memory_desc_t * memory_desc, int ndims, const dnnl_dims_t dims, dnnl_data_type_t data_type,
                dnnl_format_tag_t tag),
               (memory_desc, ndims, dims, data_type, tag))
RESNET_FORWARD(dnnl_status_t, dnnl_memory_destroy, (dnnl_memory_t memory), (memory))
RESNET_FORWARD(dnnl_status_t, dnnl_memory_get_data_handle, (const_dnnl_memory_t memory, void** handle), (memory, handle))
RESNET_FORWARD(dnnl_status_t, dnnl_memory_get_engine, (const_dnnl_memory_t memory, dnnl_engine_t* engine), (memory, engine))
RESNET_FORWARD(dnnl_status_t, dnnl_memory_get_memory_desc, (const_dnnl_memory_t memory, const dnnl_memory_desc_t** memory_desc),
               (memory, memory_desc))
RESNET_FORWARD(dnnl_status_t, dnnl_pooling_backward_desc_init,
               (dnnl_pooling_desc_t * pool_desc, dnnl_alg_kind_t alg_kind, const dnnl_memory_desc_t* diff_src_desc,
                const dnnl_memory_desc_t* diff_dst_desc, const dnnl_dims_t strides, const dnnl_dims_t kernel,
                const dnnl_dims_t padding_l, const dnnl_dims_t padding_r),
               (pool_desc, alg_kind, diff_src_desc, diff_dst_desc, strides, kernel, padding_l, padding_r))
RESNET_FORWARD(dnnl_status_t, dnnl_pooling_forward_desc_init,
               (dnnl_pooling_desc_t * pool_desc, dnnl_prop_kind_t prop_kind, dnnl_alg_kind_t alg_kind,
                const dnnl_memory_desc_t* src_desc, const dnnl_memory_desc_t* dst_desc, const dnnl_dims_t strides,
                const dnnl_dims_t kernel, const dnnl_dims_t padding_l, const dnnl_dims_t padding_r),
               (pool_desc, prop_kind, alg_kind, src_desc, dst_desc, strides, kernel, padding_l, padding_r))
RESNET_FORWARD(dnnl_status_t, dnnl_primitive_attr_create, (dnnl_primitive_attr_t * attr), (attr))
RESNET_FORWARD(dnnl_status_t, dnnl_primitive_attr_destroy, (dnnl_primitive_attr_t attr), (attr))
RESNET_FORWARD(dnnl_status_t, dnnl_primitive_create, (dnnl_primitive_t * primitive, const_dnnl_primitive_desc_t primitive_desc),
               (primitive, primitive_desc))
RESNET_FORWARD(dnnl_status_t, dnnl_primitive_desc_destroy, (dnnl_primitive_desc_t primitive_desc), (primitive_desc))
RESNET_FORWARD(dnnl_status_t, dnnl_primitive_desc_iterator_create,
               (dnnl_primitive_desc_iterator_t * iterator, const_dnnl_op_desc_t op_desc, const_dnnl_primitive_attr_t attr,
                dnnl_engine_t engine, const_dnnl_primitive_desc_t hint_forward_primitive_desc),
               (iterator, op_desc, attr, engine, hint_forward_primitive_desc))
RESNET_FORWARD(dnnl_status_t, dnnl_primitive_desc_iterator_destroy, (dnnl_primitive_desc_iterator_t iterator), (iterator))
RESNET_FORWARD(dnnl_primitive_desc_t, dnnl_primitive_desc_iterator_fetch, (const_dnnl_primitive_desc_iterator_t iterator),
               (iterator))
RESNET_FORWARD(const dnnl_memory_desc_t*, dnnl_primitive_desc_query_md,
               (const_dnnl_primitive_desc_t primitive_desc, dnnl_query_t what, int index), (primitive_desc, what, index))
RESNET_FORWARD(dnnl_status_t, dnnl_primitive_destroy, (dnnl_primitive_t primitive), (primitive))
RESNET_FORWARD(dnnl_status_t, dnnl_primitive_execute,
               (const_dnnl_primitive_t primitive, dnnl_stream_t stream, int nargs, const dnnl_exec_arg_t* args),
               (primitive, stream, nargs, args))
RESNET_FORWARD(dnnl_status_t, dnnl_reorder_primitive_desc_create,
               (dnnl_primitive_desc_t * reorder_primitive_desc, const dnnl_memory_desc_t* src_desc, dnnl_engine_t src_engine,
                const dnnl_memory_desc_t* dst_desc, dnnl_engine_t dst_engine, const_dnnl_primitive_attr_t attr),
               (reorder_primitive_desc, src_desc, src_engine, dst_desc, dst_engine, attr))
RESNET_FORWARD(dnnl_status_t, dnnl_set_max_cpu_isa, (dnnl_cpu_isa_t isa), (isa))
RESNET_FORWARD(dnnl_status_t, dnnl_stream_create, (dnnl_stream_t * stream, dnnl_engine_t engine, unsigned flags),
               (stream, engine, flags))
RESNET_FORWARD(dnnl_status_t, dnnl_stream_destroy, (dnnl_stream_t stream), (stream))
RESNET_FORWARD(dnnl_status_t, dnnl_stream_wait, (dnnl_stream_t stream), (stream))
