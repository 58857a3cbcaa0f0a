#include "lib/xnnpack/lower/pool_kernel.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "lib/kernels/bytes.h"
#include "lib/xnnpack/faults.h"
#include "lib/xnnpack/lower/elementwise.h"
#include "lib/xnnpack/lower/integer_step.h"

namespace resnet::xnnpack {

namespace {

// How many of a window's elements lie before a place of its axis.
struct Reach {
  std::int64_t start, kernel, dilation;

  std::int64_t before(std::int64_t place) const {
    return place <= start ? 0 : std::min(kernel, (place - start + dilation - 1) / dilation);
  }
};

// Counted, not walked: a kernel may be far larger than its input. With ceil_mode a last window may go beyond the padding, too.
std::vector<kernels::PoolTaps> taps_of(const Window& window, std::size_t axis, std::int64_t size, std::int64_t outputs,
                                       bool counts_padding) {
  std::vector<kernels::PoolTaps> taps;
  for (std::int64_t o = 0; o < outputs; ++o) {
    const Reach reach{o * window.strides[axis] - window.pads_begin[axis], window.kernel[axis], window.dilations[axis]};
    const std::int64_t first = reach.before(0), count = reach.before(size) - first;
    const std::int64_t divisor = counts_padding ? reach.before(size + window.pads_end[axis]) : count;
    // Where there is no such tap, or no second one, its place could be out of all bounds.
    taps.push_back({count > 0 ? reach.start + first * reach.dilation : 0, count > 1 ? reach.dilation : 0, count, divisor});
    if (has_fault(PlantedFault::window_edge_lost) && count > 1 && count < reach.kernel) --taps.back().count;
  }
  return taps;
}

using Kernel = void (*)(const kernels::Pool&, const float*, float*, std::size_t, std::size_t);

PoolRun of_floats(Kernel kernel) {
  return [kernel](const kernels::Pool& pool, const std::byte* x, std::byte* y, std::size_t begin, std::size_t end) {
    kernel(pool, reinterpret_cast<const float*>(x), reinterpret_cast<float*>(y), begin, end);
  };
}

PoolRun of_bytes(bool is_signed) {
  return [is_signed](const kernels::Pool& pool, const std::byte* x, std::byte* y, std::size_t begin, std::size_t end) {
    kernels::max_pool(pool, is_signed, x, y, begin, end);
  };
}

// Of maps whose channels are the second axis.
template <typename Operator>
void emit_pool(Emitter& e, const Operator& op, bool counts_padding, PoolRun run, ValueId output) {
  const Shape& x = e.shape(e.node().inputs[0]);
  const Window window = window_of(op, Dims(x.dims().begin() + 2, x.dims().end()));
  emit_pool(e, window, counts_padding, channels_last(x.rank()), std::move(run), output);
}

template <typename Operator>
class KernelPoolStep : public Step {
 public:
  KernelPoolStep(const Operator& op, const Site& site)
      : Step(site), op_(op), wants_(site.has_rank(0, 4) ? Layout::nhwc : Layout::as_graph) {}
  Layout wants() const override { return wants_; }
  std::string_view method() const override { return "any form"; }

 protected:
  const Operator& op() const { return op_; }

 private:
  Operator op_;
  Layout wants_;
};

class MaxPoolOfAnyForm final : public KernelPoolStep<MaxPool> {
 public:
  using KernelPoolStep::KernelPoolStep;
  std::string_view kind() const override { return "max_pool"; }
  void emit(Emitter& e) const override {
    emit_pool(e, op(), false, dtype() == DType::float32 ? of_floats(kernels::max_pool) : of_bytes(dtype() == DType::int8),
              output());
  }
};

class AveragePoolOfAnyForm final : public KernelPoolStep<AveragePool> {
 public:
  using KernelPoolStep::KernelPoolStep;
  std::string_view kind() const override { return "average_pool"; }
  void emit(Emitter& e) const override { emit_average_pool(e, op(), output()); }
};

bool fits(const Site& site) { return site.rank(0) >= 3 && site.rank(0) <= 5; }

}  // namespace

std::unique_ptr<Step> max_pool_of_any_form(const MaxPool& pool, const Site& site) {
  return fits(site) && (site.is_float() || is_byte(site.dtype())) ? std::make_unique<MaxPoolOfAnyForm>(pool, site) : nullptr;
}

std::unique_ptr<Step> average_pool_of_any_form(const AveragePool& pool, const Site& site) {
  return fits(site) && site.is_float() ? std::make_unique<AveragePoolOfAnyForm>(pool, site) : nullptr;
}

// Up to three spatial axes, which become the last ones of three.
void emit_pool(Emitter& e, const Window& window, bool counts_padding, const Order& order, PoolRun run, ValueId output) {
  const ValueId input = e.node().inputs[0];
  const Shape x = physical(e.shape(input), order), y = physical(e.shape(output), order);
  kernels::Pool pool;
  pool.channels = x[x.rank() - 1];
  const std::size_t spatial = x.rank() - 2, unused = 3 - spatial;
  for (std::size_t i = 0; i < unused; ++i) pool.taps[i] = {kernels::PoolTaps{}};
  for (std::size_t i = 0; i < spatial; ++i) {
    pool.in[unused + i] = x[i + 1];
    pool.taps[unused + i] = taps_of(window, i, x[i + 1], y[i + 1], counts_padding);
  }
  const int from = e.demand(input, order);
  const int to = e.produce(output, order);
  const std::size_t outputs = e.elements(output) / static_cast<std::size_t>(pool.channels);
  const std::size_t grain = std::max<std::size_t>(loop_grain / 8 / static_cast<std::size_t>(pool.channels), 1);
  e.add_loop({{from}, {to}}, outputs, grain,
             [pool = std::move(pool), run = std::move(run)](Addresses at, std::size_t begin, std::size_t end) {
               run(pool, at[0], at[1], begin, end);
             });
}

void emit_average_pool(Emitter& e, const AveragePool& pool, ValueId output) {
  emit_pool(e, pool, pool.count_include_pad, of_floats(kernels::average_pool), output);
}

}  // namespace resnet::xnnpack
