// Gemm and MatMul.
#pragma once

#include "lib/graph/op_traits.h"

namespace resnet {

// alpha * A' * B' + beta * C, where ' is an optional transposition; C (optional since version 11) broadcasts to (M, N).
struct Gemm {
  static constexpr OpTraits traits{"Gemm", {2, 3}, {1, 1}};
  float alpha = 1.0f;
  float beta = 1.0f;
  bool transA = false;
  bool transB = false;
  static constexpr auto attributes() {
    return attributes_are(attribute("alpha", &Gemm::alpha), attribute("beta", &Gemm::beta), attribute("transA", &Gemm::transA),
                          attribute("transB", &Gemm::transB));
  }
  friend bool operator==(const Gemm&, const Gemm&) = default;
};
// numpy.matmul: stacks of matrices broadcast; 1-D operands lose the dim that was added before or after.
struct MatMul {
  static constexpr OpTraits traits{"MatMul", {2, 2}, {1, 1}};
  friend bool operator==(const MatMul&, const MatMul&) = default;
};
// What multiplying a by b gives by MatMul's rules, where it can be told. Throws Error(malformed) where they do not fit.
std::optional<Dims> product_dims(const Fact& a, const Fact& b);

std::vector<Fact> infer(const Gemm& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const MatMul& op, const Facts& inputs, std::size_t outputs);

}  // namespace resnet
