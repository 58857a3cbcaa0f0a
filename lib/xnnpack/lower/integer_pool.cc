// QLinearGlobalAveragePool and QLinearAveragePool.
#include <utility>

#include "lib/kernels/bytes.h"
#include "lib/xnnpack/emitter.h"
#include "lib/xnnpack/faults.h"
#include "lib/xnnpack/lower/integer_step.h"
#include "lib/xnnpack/lower/lower.h"
#include "lib/xnnpack/lower/pool_kernel.h"

namespace resnet::xnnpack {

namespace {

// Both operators' operands are these. Nothing where one is computed.
std::optional<kernels::ByteMean> mean_of(const Site& site) {
  const auto x_scale = single_float(site, 1), y_scale = single_float(site, 3);
  const auto x_zero = single_integer(site, 2, 0), y_zero = single_integer(site, 4, 0);
  const bool fits = x_scale && y_scale && x_zero && y_zero && is_byte(site.fact(0).dtype) && is_byte(site.dtype());
  if (!fits || site.rank(0) < 3 || site.rank(0) > 5) return std::nullopt;
  return kernels::ByteMean{.x_scale = *x_scale,
                           .y_scale = *y_scale,
                           .x_zero_point = has_fault(PlantedFault::zero_point_lost) ? 0 : *x_zero,
                           .y_zero_point = *y_zero,
                           .x_signed = site.fact(0).dtype == DType::int8,
                           .y_signed = site.dtype() == DType::int8};
}

class IntegerPoolStep : public Step {
 public:
  IntegerPoolStep(const kernels::ByteMean& mean, bool channels_last, const Site& site)
      : Step(site),
        mean_(mean),
        channels_last_(channels_last),
        wants_(site.has_rank(0, 4) && !channels_last ? Layout::nhwc : Layout::as_graph) {}
  std::string_view kind() const override { return "average_pool"; }
  std::string_view method() const override { return "integer"; }
  Layout wants() const override { return wants_; }

  void emit(Emitter& e) const override {
    const Shape& x = e.shape(e.node().inputs[0]);
    const Order order = channels_last_ ? canonical_order(x.rank()) : channels_last(x.rank());
    const Shape in_memory = physical(x, order);
    emit_pool(
        e, window(Dims(in_memory.dims().begin() + 1, in_memory.dims().end() - 1)), counts_padding(), order,
        [mean = mean_](const kernels::Pool& pool, const std::byte* from, std::byte* to, std::size_t begin, std::size_t end) {
          kernels::average_pool(pool, mean, from, to, begin, end);
        },
        output());
  }

 protected:
  virtual Window window(const Dims& spatial) const = 0;
  virtual bool counts_padding() const { return false; }

 private:
  kernels::ByteMean mean_;
  bool channels_last_;
  Layout wants_;
};

class GlobalPoolStep final : public IntegerPoolStep {
 public:
  using IntegerPoolStep::IntegerPoolStep;

 protected:
  // All of the map.
  Window window(const Dims& spatial) const override {
    AveragePool pool;
    for (const Dim& dim : spatial) pool.kernel_shape.push_back(dim.number());
    return window_of(pool, spatial);
  }
};

class WindowPoolStep final : public IntegerPoolStep {
 public:
  WindowPoolStep(const AveragePool& pool, const kernels::ByteMean& mean, bool channels_last, const Site& site)
      : IntegerPoolStep(mean, channels_last, site), pool_(pool) {}

 protected:
  Window window(const Dims& spatial) const override { return window_of(pool_, spatial); }
  bool counts_padding() const override { return pool_.count_include_pad; }

 private:
  AveragePool pool_;
};

}  // namespace

std::unique_ptr<Step> lower(const QLinearGlobalAveragePool& op, const Site& site) {
  const auto mean = mean_of(site);
  return mean ? std::make_unique<GlobalPoolStep>(*mean, op.channels_last, site) : nullptr;
}

std::unique_ptr<Step> lower(const QLinearAveragePool& op, const Site& site) {
  const auto mean = mean_of(site);
  return mean ? std::make_unique<WindowPoolStep>(op.pool, *mean, op.channels_last, site) : nullptr;
}

}  // namespace resnet::xnnpack
