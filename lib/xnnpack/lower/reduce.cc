// Reductions over axes, and the pools over whole maps.
#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "lib/kernels/elementwise.h"
#include "lib/kernels/reduction.h"
#include "lib/xnnpack/emitter.h"
#include "lib/xnnpack/faults.h"
#include "lib/xnnpack/lower/lower.h"

namespace resnet::xnnpack {

namespace {

kernels::Fold fold_of(Reduction reduction) {
  using kernels::Fold;
  switch (reduction) {
    case Reduction::mean:
    case Reduction::sum:
    case Reduction::log_sum:
    case Reduction::log_sum_exp: return Fold::sum;
    case Reduction::max: return Fold::largest;
    case Reduction::min: return Fold::least;
    case Reduction::prod: return Fold::product;
    case Reduction::l1: return Fold::absolutes;
    case Reduction::l2:
    case Reduction::sum_square: return Fold::squares;
  }
  __builtin_unreachable();
}

// How the reduced axes lie in memory: side by side, between those before and after them.
struct Middle {
  std::size_t outer = 1, reduced = 1, inner = 1;
  bool apart = false;  // they do not
};

class ReduceStep final : public Step {
 public:
  ReduceStep(Reduction reduction, std::vector<std::size_t> axes, bool keepdims, const Site& site)
      : Step(site), reduction_(reduction), axes_(std::move(axes)), keepdims_(keepdims) {}
  std::string_view kind() const override { return reduction_ == Reduction::mean ? "mean" : "reduce"; }
  void emit(Emitter& emitter) const override;

 private:
  bool is_reduced(std::size_t axis) const { return std::find(axes_.begin(), axes_.end(), axis) != axes_.end(); }
  // The axis of the output.
  std::size_t kept(std::size_t axis) const {
    if (keepdims_) return axis;
    return axis - static_cast<std::size_t>(std::count_if(axes_.begin(), axes_.end(), [&](std::size_t a) { return a < axis; }));
  }
  Middle middle_of(const Shape& x, const Order& order) const;
  void emit_mean(Emitter& emitter, int from, int to, const Middle& middle, std::size_t grain) const;
  double finished(double result, std::size_t reduced) const;
  // Elements [begin, end) of the output, none of which lie in two rows.
  void reduce(const Middle& middle, const float* x, float* y, std::size_t begin, std::size_t end) const;

  Reduction reduction_;
  std::vector<std::size_t> axes_;
  bool keepdims_;
};

Middle ReduceStep::middle_of(const Shape& x, const Order& order) const {
  Middle middle;
  for (const std::size_t axis : order) {
    const auto size = static_cast<std::size_t>(x[axis]);
    if (is_reduced(axis)) {
      middle.apart = middle.apart || (middle.inner > 1 && size > 1);
      middle.reduced *= size;
    } else if (middle.reduced > 1) {
      middle.inner *= size;
    } else {
      middle.outer *= size;
    }
  }
  return middle;
}

void ReduceStep::emit(Emitter& e) const {
  const ValueId input = e.node().inputs[0];
  const Shape& x = e.shape(input);
  Order order = e.home(input).order;
  Middle middle = middle_of(x, order);
  if (middle.apart) {
    std::stable_partition(order.begin(), order.end(), [&](std::size_t axis) { return !is_reduced(axis); });
    middle = middle_of(x, order);
  }
  Order result;
  for (const std::size_t axis : order) {
    if (keepdims_ || !is_reduced(axis)) result.push_back(kept(axis));
  }
  const int from = e.demand(input, order);
  const int to = e.produce(output(), std::move(result));
  // Some cache lines of neighbours at a time, and enough to be worth a part.
  constexpr std::size_t elements_of_part = 16384, neighbours = 32;
  const std::size_t parts = elements_of_part / middle.reduced / neighbours + 1;
  const std::size_t grain = middle.inner == 1 ? std::max<std::size_t>(elements_of_part / middle.reduced, 1) : parts * neighbours;
  if (reduction_ == Reduction::mean && middle.inner > 1) return emit_mean(e, from, to, middle, grain);
  e.add_loop({{from}, {to}}, middle.outer * middle.inner, grain,
             [this, middle](Addresses at, std::size_t begin, std::size_t end) {
               while (begin < end) {
                 const std::size_t next = std::min(end, begin + middle.inner - begin % middle.inner);
                 reduce(middle, as<float>(at[0]), as<float>(at[1]), begin, next);
                 begin = next;
               }
             });
}

void ReduceStep::emit_mean(Emitter& e, int from, int to, const Middle& middle, std::size_t grain) const {
  e.add_loop({{from}, {to}}, middle.outer * middle.inner, grain,
             [reduced = middle.reduced, inner = middle.inner](Addresses at, std::size_t begin, std::size_t end) {
               const float* source = as<float>(at[0]);
               float* means = as<float>(at[1]);
               kernels::mean(source, means, reduced, inner, begin, end);
               if (has_fault(PlantedFault::mean_divisor))
                 means[begin] *= static_cast<float>(reduced) / static_cast<float>(reduced + 1);
               for (std::size_t i = begin; has_fault(PlantedFault::batch_stride) && i < end; ++i)
                 kernels::mean(source - i / inner * inner, means, reduced, inner, i, i + 1);
             });
}

double ReduceStep::finished(double result, std::size_t reduced) const {
  if (reduction_ == Reduction::mean) return result / static_cast<double>(reduced);
  if (reduction_ == Reduction::l2) return std::sqrt(result);
  return reduction_ == Reduction::log_sum ? std::log(result) : result;
}

void ReduceStep::reduce(const Middle& middle, const float* x, float* y, std::size_t begin, std::size_t end) const {
  const kernels::Fold fold = fold_of(reduction_);
  const float* row = x + begin / middle.inner * middle.reduced * middle.inner;
  const std::size_t rows = middle.reduced - (has_fault(PlantedFault::reduced_too_few) && middle.reduced > 1 ? 1 : 0);
  if (middle.inner == 1) {
    y[begin] = static_cast<float>(finished(kernels::fold(fold, row, rows), middle.reduced));
    return;
  }
  std::array<double, 256> results;
  while (begin < end) {
    const std::size_t count = std::min(end - begin, results.size());
    kernels::fold_columns(fold, row + begin % middle.inner, rows, middle.inner, count, results.data());
    for (std::size_t i = 0; i < count; ++i) y[begin + i] = static_cast<float>(finished(results[i], middle.reduced));
    begin += count;
  }
}

// Over all positions of each map.
std::unique_ptr<Step> of_maps(Reduction reduction, const Site& site) {
  if (!site.is_float() || site.rank(0) < 3) return nullptr;
  std::vector<std::size_t> axes;
  for (std::size_t axis = 2; axis < site.rank(0); ++axis) axes.push_back(axis);
  return std::make_unique<ReduceStep>(reduction, std::move(axes), true, site);
}

template <Reduction reduction>
std::unique_ptr<Step> over_axes(const Reduce<reduction>& op, const Site& site) {
  if (!site.is_float()) return nullptr;
  const Fact* facts[] = {&site.fact(0), site.has(1) ? &site.fact(1) : nullptr};
  auto axes = reduced_axes(op, Facts(facts));
  const bool fits = axes && !axes->empty();
  return fits ? std::make_unique<ReduceStep>(reduction, std::move(*axes), op.keepdims, site) : nullptr;
}

}  // namespace

std::unique_ptr<Step> lower(const GlobalAveragePool&, const Site& site) { return of_maps(Reduction::mean, site); }
std::unique_ptr<Step> lower(const GlobalMaxPool&, const Site& site) { return of_maps(Reduction::max, site); }
std::unique_ptr<Step> lower(const GlobalLpPool& op, const Site& site) {
  return op.p == 1 || op.p == 2 ? of_maps(op.p == 1 ? Reduction::l1 : Reduction::l2, site) : nullptr;
}

std::unique_ptr<Step> lower(const ReduceL1& op, const Site& site) { return over_axes(op, site); }
std::unique_ptr<Step> lower(const ReduceL2& op, const Site& site) { return over_axes(op, site); }
std::unique_ptr<Step> lower(const ReduceLogSum& op, const Site& site) { return over_axes(op, site); }
std::unique_ptr<Step> lower(const ReduceMax& op, const Site& site) { return over_axes(op, site); }
std::unique_ptr<Step> lower(const ReduceMean& op, const Site& site) { return over_axes(op, site); }
std::unique_ptr<Step> lower(const ReduceMin& op, const Site& site) { return over_axes(op, site); }
std::unique_ptr<Step> lower(const ReduceProd& op, const Site& site) { return over_axes(op, site); }
std::unique_ptr<Step> lower(const ReduceSum& op, const Site& site) { return over_axes(op, site); }
std::unique_ptr<Step> lower(const ReduceSumSquare& op, const Site& site) { return over_axes(op, site); }

}  // namespace resnet::xnnpack
