// Gemm and MatMul by a constant matrix.
#include <utility>

#include "lib/kernels/convolution.h"
#include "lib/xnnpack/emitter.h"
#include "lib/xnnpack/faults.h"
#include "lib/xnnpack/lower/activation.h"
#include "lib/xnnpack/lower/batch_product.h"
#include "lib/xnnpack/lower/lower.h"
#include "lib/xnnpack/lower/operator_weights.h"

namespace resnet::xnnpack {

namespace {

// What a product is by.
struct Factor {
  Tensor weight;
  bool rows_are_outputs = false;  // outputs x inputs; else inputs x outputs
  std::optional<Tensor> bias;

  // For lib/kernels: a convolution of one tap.
  kernels::Filter filter() const {
    const Shape& shape = weight.shape();
    return rows_are_outputs ? kernels::Filter{.channels = shape[1], .outputs = shape[0]}
                            : kernels::Filter{.channels = shape[0], .outputs = shape[1]};
  }
};

class ProductStep : public ActivatedStep {
 public:
  ProductStep(const kernels::Filter& filter, const Site& site) : ActivatedStep(Channels::last, site), filter_(filter) {}
  std::string_view kind() const override { return "product"; }

 protected:
  const kernels::Filter& filter() const { return filter_; }
  Access access(Emitter& e) const {
    const ValueId x = e.node().inputs[0];
    const int from = e.demand(x, canonical_order(e.shape(x).rank()));
    return {{from}, {e.produce(output(), canonical_order(e.shape(output()).rank()))}};
  }

 private:
  kernels::Filter filter_;
};

Tensor transpose(const Tensor& matrix) {
  const std::int64_t rows = matrix.shape()[0], columns = matrix.shape()[1];
  Tensor result = Tensor::allocate(DType::float32, Shape{columns, rows});
  const float* source = matrix.data<float>().data();
  float* target = result.mutable_data<float>().data();
  for (std::int64_t i = 0; i < columns; ++i) {
    for (std::int64_t k = 0; k < rows; ++k) *target++ = source[k * columns + i];
  }
  return result;
}

class KernelProductStep final : public ProductStep {
 public:
  KernelProductStep(const Factor& factor, const Site& site) : ProductStep(factor.filter(), site) {
    packed_ = site.planning().packing().pack(
        site.id(), kernels::packed_size(filter()) * sizeof(float), factor.weight.size_bytes(),
        [factor, filter = filter()](std::byte* packed) {
          const Tensor weight = factor.rows_are_outputs ? factor.weight : transpose(factor.weight);
          kernels::pack_filter(filter, weight.data<float>().data(), factor.bias ? factor.bias->data<float>().data() : nullptr,
                               as<float>(packed));
        });
  }
  std::optional<Weights> weights() const override { return Weights{packed_, packed_->bytes().size()}; }

  void emit(Emitter& e) const override {
    kernels::Convolution c;
    c.filter = filter();
    c.pixel_stride = c.filter.channels;
    c.width = c.out_width = e.shape(e.node().inputs[0]).elements() / c.filter.channels;
    c.least = activation().least;
    c.most = activation().most;
    c.finish = finish();
    const auto* packed = reinterpret_cast<const float*>(packed_->bytes().data());
    e.add_loop(access(e), kernels::convolution_parts(c), 1, [c, packed](Addresses at, std::size_t begin, std::size_t end) {
      kernels::convolve(c, as<float>(at[0]), packed, nullptr, as<float>(at[1]), begin, end);
    });
  }

 private:
  std::shared_ptr<const Buffer> packed_;
};

class XnnpackProductStep final : public ProductStep {
 public:
  XnnpackProductStep(Factor factor, const Site& site)
      : ProductStep(factor.filter(), site),
        rows_are_outputs_(factor.rows_are_outputs),
        weights_(site, std::move(factor.weight), std::move(factor.bias)) {
    weights_.pack(site, [&] { return create(); });
  }
  std::optional<Weights> weights() const override { return weights_.weights(); }

  void emit(Emitter& e) const override {
    auto op = e.keep([&] { return create(); });
    const Shape& x = e.shape(e.node().inputs[0]);
    const std::int64_t rows = x.elements() / x[x.rank() - 1];
    check(xnn_reshape_fully_connected_nc_f32(op.get(), static_cast<std::size_t>(rows), e.pool().native()),
          "xnn_reshape_fully_connected_nc_f32");
    e.add_operator(
        std::move(op), access(e),
        [](xnn_operator_t o, Addresses at) {
          check(xnn_setup_fully_connected_nc_f32(o, as<const float>(at[0]), as<float>(at[1])),
                "xnn_setup_fully_connected_nc_f32");
        },
        after(e));
  }

 private:
  Operator create() const {
    const auto inputs = static_cast<std::size_t>(filter().channels), outputs = static_cast<std::size_t>(filter().outputs);
    xnn_operator_t created = nullptr;
    check(xnn_create_fully_connected_nc_f32(
              inputs, outputs, inputs, outputs, weights_.weight(), weights_.bias(), activation().least, activation().most,
              rows_are_outputs_ ? 0 : XNN_FLAG_TRANSPOSE_WEIGHTS, nullptr, weights_.cache().provider(), &created),
          "xnn_create_fully_connected_nc_f32");
    return Operator(created);
  }

  bool rows_are_outputs_;
  OperatorWeights weights_;
};

std::unique_ptr<Step> product(Factor factor, const Site& site) {
  const kernels::Filter filter = factor.filter();
  const bool fits_kernels = kernels::convolution_is_fast() && filter.outputs >= 16 && filter.channels >= 16;
  if (fits_kernels) return std::make_unique<KernelProductStep>(factor, site);
  return std::make_unique<XnnpackProductStep>(std::move(factor), site);
}

Tensor scaled_by(float factor, const Tensor& tensor) {
  Tensor scaled = Tensor::allocate(DType::float32, tensor.shape());
  for (std::int64_t i = 0; i < scaled.elements(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    scaled.mutable_data<float>()[at] = factor * tensor.data<float>()[at];
  }
  return scaled;
}

// Gemm's C, times beta, for each output.
Tensor bias_of(const Gemm& gemm, const Tensor& c, std::int64_t outputs) {
  const auto values = c.values_as<float>();
  Tensor bias = Tensor::allocate(DType::float32, Shape{outputs});
  for (std::size_t i = 0; i < static_cast<std::size_t>(outputs); ++i) {
    bias.mutable_data<float>()[i] = gemm.beta * values[values.size() == 1 ? 0 : i];
  }
  return bias;
}

bool fits(const Gemm& gemm, const Site& site) {
  if (!site.is_float() || gemm.transA || !site.is_constant(1) || site.fact(1).value->elements() == 0) return false;
  if (!site.has(2)) return true;
  if (!site.is_constant(2)) return false;
  const Shape& c = site.fact(2).value->shape();
  const std::int64_t outputs = site.fact(1).value->shape()[gemm.transB ? 0 : 1];
  return c.elements() == 1 || (c.elements() == outputs && c[c.rank() - 1] == outputs);
}

}  // namespace

std::unique_ptr<Step> lower(const Gemm& gemm, const Site& site) {
  if (!fits(gemm, site)) return nullptr;
  Factor factor{.weight = *site.fact(1).value, .rows_are_outputs = gemm.transB};
  const bool scales = gemm.alpha != 1.0f && !has_fault(PlantedFault::alpha_lost);
  if (scales && !site.planning().packing().given(site.id())) factor.weight = scaled_by(gemm.alpha, factor.weight);
  if (site.has(2)) factor.bias = bias_of(gemm, *site.fact(2).value, factor.filter().outputs);
  return product(std::move(factor), site);
}

std::unique_ptr<Step> lower(const MatMul&, const Site& site) {
  const bool by_constant = site.is_float() && site.rank(0) >= 2 && site.is_constant(1) &&
                           site.fact(1).value->shape().rank() == 2 && site.fact(1).value->elements() > 0;
  return by_constant ? product({.weight = *site.fact(1).value}, site) : batch_product(site);
}

}  // namespace resnet::xnnpack
