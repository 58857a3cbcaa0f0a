// What a plan holds for each node that runs: how it is computed, decided once.
#pragma once

#include <limits>
#include <memory>
#include <vector>

#include "lib/graph/graph.h"
#include "lib/kernels/method.h"
#include "lib/xnnpack/handles.h"
#include "lib/xnnpack/packed_weights.h"

namespace resnet::xnnpack {

// How a node runs. All but `fallback` are for float32.
enum class Kind : std::uint8_t {
  convolution,  // 2-D, constant weight; by lib/kernels or by XNNPACK
  product,      // Gemm or MatMul by a constant matrix
  max_pool,
  average_pool,
  mean,           // GlobalAveragePool, ReduceMean
  add,            // equal shapes, with the activation after it
  binary,         // Add, Sub, Mul, Div with broadcasting
  normalization,  // BatchNormalization that could not be folded, with the activation after it
  clamp,          // Relu, Clip
  sigmoid,
  softmax,
  view,       // Reshape, Flatten, Squeeze, Unsqueeze, Identity, Dropout: no bytes move
  transpose,  // changes the layout's name, not the bytes
  slice,      // Slice, Pad and Concat by lib/reference, on whatever layout there is
  pad,
  concat,
  elementwise,  // one input, element by element, by lib/reference, on whatever layout there is
  fallback,     // lib/reference, in the graph's own order of axes
};

const char* name_of(Kind kind);
struct Step;
// By which a convolution is computed; "" for other kinds.
const char* method_of(const Step& step);

struct Activation {
  float least = -std::numeric_limits<float>::infinity();
  float most = std::numeric_limits<float>::infinity();
};

struct Step {
  NodeId node = -1;
  Kind kind = Kind::fallback;
  ValueId output;         // of the node, or of the activation that is fused into it
  Activation activation;  // convolution, product, add, normalization, clamp
  // convolution, product: packed once; `weight` and `bias` are kept only where XNNPACK packs anew for each session.
  std::unique_ptr<PackedWeights> packed;
  Tensor weight, bias;
  bool has_bias = false;
  // convolution by lib/kernels: its packed weights, and what is added to it where an Add is fused into it.
  std::shared_ptr<const Buffer> filter;
  kernels::Method method = kernels::Method::direct;  // that the filter is packed for
  ValueId addend = ValueId::none();
  // normalization: per channel.
  std::vector<float> scale, shift;
};

}  // namespace resnet::xnnpack
