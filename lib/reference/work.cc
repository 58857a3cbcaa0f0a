#include "lib/reference/work.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "lib/base/checked.h"
#include "lib/graph/ops/check.h"
#include "lib/graph/ops/resize_taps.h"
#include "lib/reference/ops/loops.h"

namespace resnet::reference {

namespace {

constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
std::int64_t plus(std::int64_t a, std::int64_t b) { return checked_add(a, b).value_or(most); }
std::int64_t times(std::int64_t a, std::int64_t b) { return checked_multiply(a, b).value_or(most); }
std::int64_t product(std::span<const std::int64_t> numbers) {
  std::int64_t result = 1;
  for (const std::int64_t number : numbers) result = times(result, number);
  return result;
}

// An element that is visited by its indices takes longer than a multiply-add in a product of matrices.
constexpr std::int64_t per_visit = 8;

struct Call {
  Inputs inputs;
  std::int64_t made;

  std::int64_t elements(std::size_t input) const { return has(inputs, input) ? inputs[input]->elements() : 0; }
  const Shape& shape(std::size_t input) const { return inputs[input]->shape(); }
  // Where each element of the output is made of so many terms.
  Work of_terms(std::int64_t terms) const { return {std::max(made, elements(0)), times(made, terms)}; }
  Work of_weight(std::size_t weight) const { return of_terms(product(shape(weight).dims().subspan(1))); }
  Work of_gemm(bool transposed) const { return of_terms(shape(0)[transposed ? 0 : 1]); }
  Work of_product() const { return of_terms(shape(0).dims().back()); }
  Work of_window(const std::vector<std::int64_t>& kernel) const { return of_terms(times(per_visit, product(kernel))); }
  Work of_all_inputs() const {
    std::int64_t all = 0;
    for (std::size_t i = 0; i < inputs.size(); ++i) all = plus(all, elements(i));
    return {std::max(made, all), std::max(made, all)};
  }
};

template <typename T>
constexpr bool is_reduction = false;
template <Reduction reduction>
constexpr bool is_reduction<Reduce<reduction>> = true;
// Operators that compute, and look at each element of what they are given and of what they make a few times.
template <typename T>
constexpr bool is_linear =
    is_reduction<T> ||
    OneOf<T, BatchNormalization, GlobalAveragePool, GlobalMaxPool, GlobalLpPool, QLinearGlobalAveragePool, LookupTable, MaxUnpool,
          ArgMax, ArgMin, Softmax, LogSoftmax, InstanceNormalization, GroupNormalization, LayerNormalization, RMSNormalization,
          MeanVarianceNormalization, LpNormalization, OneHot, CumSum, AffineGrid>;
// Those that do not look at what they are given.
template <typename T>
constexpr bool is_blind = OneOf<T, Input, Constant, ConstantOfShape, ShapeOf, Size, Range, Opaque>;

// Whatever only moves elements, or computes one of a few others.
template <typename T>
Work work(const T&, const Call& call) {
  static_assert(T::traits.effect != Effect::computes || is_linear<T> || is_blind<T>, "an operator that computes says its work");
  if constexpr (is_linear<T>) return call.of_all_inputs();
  return {call.made, call.made};
}

Work work(const Conv&, const Call& call) { return call.of_weight(1); }
Work work(const ConvInteger&, const Call& call) { return call.of_weight(1); }
Work work(const QLinearConv&, const Call& call) { return call.of_weight(3); }
Work work(const Gemm& op, const Call& call) { return call.of_gemm(op.transA); }
Work work(const QGemm& op, const Call& call) { return call.of_gemm(op.transA); }
Work work(const MatMul&, const Call& call) { return call.of_product(); }
Work work(const MatMulInteger&, const Call& call) { return call.of_product(); }
Work work(const QLinearMatMul&, const Call& call) { return call.of_product(); }
Work work(const MaxPool& op, const Call& call) { return call.of_window(op.kernel_shape); }
Work work(const AveragePool& op, const Call& call) { return call.of_window(op.kernel_shape); }
Work work(const QLinearAveragePool& op, const Call& call) { return call.of_window(op.pool.kernel_shape); }
Work work(const LpPool& op, const Call& call) { return call.of_window(op.kernel_shape); }
Work work(const LRN& op, const Call& call) { return call.of_terms(std::min(op.size, call.shape(0)[1])); }
// Each element of the input is multiplied by a kernel for each output channel of its group.
Work work(const ConvTranspose&, const Call& call) {
  return {std::max(call.made, call.elements(0)), times(call.elements(0), product(call.shape(1).dims().subspan(1)))};
}
Work work(const GridSample& op, const Call& call) {
  const std::int64_t taps = op.mode == GridSample::Mode::nearest ? 1 : op.mode == GridSample::Mode::linear ? 2 : 4;
  std::int64_t all = per_visit;
  for (std::size_t axis = 2; axis < call.shape(0).rank(); ++axis) all = times(all, taps);
  return call.of_terms(all);
}
Work work(const Einsum& op, const Call& call) {
  std::vector<std::size_t> ranks;
  for (const Tensor* input : call.inputs) ranks.push_back(input->shape().rank());
  const EinsumIndices indices = einsum_indices(op.equation, ranks);
  std::vector<std::int64_t> sizes(indices.count, 1);
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    for (std::size_t axis = 0; axis < ranks[i]; ++axis) {
      std::int64_t& size = sizes[indices.inputs[i][axis]];
      if (size == 1) size = call.shape(i)[axis];
    }
  }
  return {std::max(call.made, call.elements(0)),
          times(times(per_visit, static_cast<std::int64_t>(ranks.size())), product(sizes))};
}
// Sorted along an axis.
Work work(const TopK& op, const Call& call) {
  const auto size = static_cast<std::uint64_t>(call.shape(0)[normalize_axis(op.axis, call.shape(0).rank())]);
  return {std::max(call.made, call.elements(0)),
          times(call.elements(0), per_visit * static_cast<std::int64_t>(std::bit_width(size)))};
}
// One axis after the other: what is between may be larger than both ends.
Work work(const Resize& op, const Call& call) {
  const auto numbers = [&](std::size_t i) {
    return has(call.inputs, i) ? call.inputs[i]->values_as<double>() : std::vector<double>{};
  };
  std::int64_t between = call.elements(0), all = 0;
  if (call.made == 0) return {0, 0};
  for (const ResizedAxis& axis : resized_axes(op, call.shape(0), numbers(1), numbers(2), list_of(call.inputs, 3))) {
    between = times(between / axis.in, axis.out);
    const double widest = op.antialias && axis.scale < 1 ? 4 / axis.scale : 4;
    all = plus(all, times(between, static_cast<std::int64_t>(widest)));
  }
  return {std::max(call.made, call.elements(0)), all};
}
Work work(const ScatterElements&, const Call& call) { return call.of_all_inputs(); }
Work work(const ScatterND&, const Call& call) { return call.of_all_inputs(); }
Work work_of_each(const Call& call) {
  const std::int64_t read = times(call.made, static_cast<std::int64_t>(call.inputs.size()));
  return {read, read};
}
Work work(const Sum&, const Call& call) { return work_of_each(call); }
Work work(const Mean&, const Call& call) { return work_of_each(call); }
Work work(const Max&, const Call& call) { return work_of_each(call); }
Work work(const Min&, const Call& call) { return work_of_each(call); }

}  // namespace

Work work_of(const Op& op, Inputs inputs, std::int64_t made) {
  return visit([&](const auto& known) { return work(known, Call{inputs, made}); }, op);
}

}  // namespace resnet::reference
