// QGemm, QLinearMatMul and MatMulInteger by a constant matrix.
#include <algorithm>
#include <utility>

#include "lib/xnnpack/faults.h"
#include "lib/xnnpack/lower/integer_step.h"
#include "lib/xnnpack/lower/lower.h"

namespace resnet::xnnpack {

namespace {

// Rows of x, each a pixel of a map of one row.
class IntegerProductStep final : public IntegerStep {
 public:
  IntegerProductStep(IntegerSums sums, const Site& site) : IntegerStep(Channels::last, std::move(sums), site) {}
  std::string_view kind() const override { return "product"; }

 protected:
  kernels::IntegerConvolution sizes(Emitter& e) const override {
    kernels::IntegerConvolution c;
    c.width = c.out_width = e.shape(e.node().inputs[0]).elements() / filter().channels;
    return c;
  }
  Order order_of(std::size_t rank) const override { return canonical_order(rank); }
};

// Inputs x outputs as outputs x inputs.
Tensor transpose(const Tensor& matrix) {
  const std::int64_t rows = matrix.shape()[0], columns = matrix.shape()[1];
  Tensor result = Tensor::allocate(matrix.dtype(), Shape{columns, rows});
  const std::byte* source = matrix.bytes().data();
  std::byte* target = result.mutable_bytes().data();
  for (std::int64_t i = 0; i < columns; ++i) {
    for (std::int64_t k = 0; k < rows; ++k) *target++ = source[k * columns + i];
  }
  return result;
}

// Of a matrix that is the operand of this number; nothing where there is no fast way.
std::optional<IntegerSums> sums_by(const Site& site, std::size_t operand, bool rows_are_outputs) {
  const auto& weight = site.fact(operand).value;
  if (!weight || weight->shape().rank() != 2 || weight->elements() == 0 || !is_byte(site.fact(0).dtype) || site.rank(0) < 2)
    return std::nullopt;
  IntegerSums sums;
  sums.filter.outputs = weight->shape()[rows_are_outputs ? 0 : 1];
  sums.filter.channels = weight->shape()[rows_are_outputs ? 1 : 0];
  sums.order = rows_are_outputs ? [](const Tensor& matrix) { return matrix; } : transpose;
  return sums;
}

// One for all, or one for each output.
std::optional<Tensor> bias_of(const Tensor& c, std::int64_t outputs) {
  const Shape& shape = c.shape();
  if (c.elements() != 1 && (c.elements() != outputs || shape[shape.rank() - 1] != outputs)) return std::nullopt;
  Tensor bias = Tensor::allocate(DType::int32, Shape{outputs});
  const auto values = c.data<std::int32_t>();
  for (std::size_t i = 0; i < static_cast<std::size_t>(outputs); ++i)
    bias.mutable_data<std::int32_t>()[i] = values[values.size() == 1 ? 0 : i];
  return bias;
}

}  // namespace

std::unique_ptr<Step> lower(const QGemm& op, const Site& site) {
  auto sums = sums_by(site, 3, op.transB);
  if (!sums || op.transA) return nullptr;
  if (!take_quantization(*sums, site, 7, has_fault(PlantedFault::alpha_lost) ? 1 : op.alpha)) return nullptr;
  if (site.has(6)) {
    const auto& c = site.fact(6).value;
    sums->bias = c ? bias_of(*c, sums->filter.outputs) : std::nullopt;
    if (!sums->bias) return nullptr;
  }
  return std::make_unique<IntegerProductStep>(std::move(*sums), site);
}

std::unique_ptr<Step> lower(const QLinearMatMul&, const Site& site) {
  auto sums = sums_by(site, 3, false);
  if (!sums || !take_quantization(*sums, site, 6)) return nullptr;
  return std::make_unique<IntegerProductStep>(std::move(*sums), site);
}

std::unique_ptr<Step> lower(const MatMulInteger&, const Site& site) {
  auto sums = sums_by(site, 1, false);
  if (!sums || !take_zero_point(*sums, site, 2)) return nullptr;
  auto zero_points = integers_of(site, 3, sums->filter.outputs);
  if (!zero_points) return nullptr;
  sums->w_zero_points = std::move(*zero_points);
  return std::make_unique<IntegerProductStep>(std::move(*sums), site);
}

}  // namespace resnet::xnnpack
