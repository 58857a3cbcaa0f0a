#include "lib/xnnpack/step.h"

namespace resnet::xnnpack {

const char* name_of(Kind kind) {
  switch (kind) {
    case Kind::convolution: return "convolution";
    case Kind::product: return "product";
    case Kind::max_pool: return "max_pool";
    case Kind::average_pool: return "average_pool";
    case Kind::mean: return "mean";
    case Kind::add: return "add";
    case Kind::binary: return "binary";
    case Kind::normalization: return "normalization";
    case Kind::clamp: return "clamp";
    case Kind::sigmoid: return "sigmoid";
    case Kind::softmax: return "softmax";
    case Kind::view: return "view";
    case Kind::transpose: return "transpose";
    case Kind::slice: return "slice";
    case Kind::pad: return "pad";
    case Kind::concat: return "concat";
    case Kind::elementwise: return "elementwise";
    case Kind::fallback: return "fallback";
  }
  __builtin_unreachable();
}

const char* method_of(const Step& step) {
  if (step.kind != Kind::convolution) return "";
  return step.filter ? kernels::name_of(step.method) : "xnnpack";
}

}  // namespace resnet::xnnpack
