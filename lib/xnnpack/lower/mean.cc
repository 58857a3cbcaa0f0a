// GlobalAveragePool and ReduceMean.
#include <algorithm>
#include <utility>
#include <vector>

#include "lib/kernels/elementwise.h"
#include "lib/xnnpack/emitter.h"
#include "lib/xnnpack/faults.h"
#include "lib/xnnpack/lower/lower.h"

namespace resnet::xnnpack {

namespace {

constexpr std::size_t most_axes = 6;

// Over axes that lie side by side in memory.
class MeanStep final : public Step {
 public:
  MeanStep(std::vector<std::size_t> axes, bool keepdims, const Site& site)
      : Step(site), axes_(std::move(axes)), keepdims_(keepdims) {}
  std::string_view kind() const override { return "mean"; }
  void emit(Emitter& emitter) const override;

 private:
  bool is_reduced(std::size_t axis) const { return std::find(axes_.begin(), axes_.end(), axis) != axes_.end(); }
  // The axis of the output.
  std::size_t kept(std::size_t axis) const {
    if (keepdims_) return axis;
    return axis - static_cast<std::size_t>(std::count_if(axes_.begin(), axes_.end(), [&](std::size_t a) { return a < axis; }));
  }

  std::vector<std::size_t> axes_;
  bool keepdims_;
};

void MeanStep::emit(Emitter& e) const {
  const Shape& x = e.shape(e.node().inputs[0]);
  const Place from = e.home(e.node().inputs[0]);
  // In memory the reduced axes should stand side by side: outer x reduced x inner. Where they do not, lib/reference does it.
  std::size_t outer = 1, reduced = 1, inner = 1;
  bool apart = false;
  Order order;
  for (const std::size_t axis : from.order) {
    const auto size = static_cast<std::size_t>(x[axis]);
    if (is_reduced(axis)) {
      apart = apart || (inner > 1 && size > 1);
      reduced *= size;
    } else if (reduced > 1) {
      inner *= size;
    } else {
      outer *= size;
    }
    if (keepdims_ || !is_reduced(axis)) order.push_back(kept(axis));
  }
  if (apart) return e.add_reference();
  const int to = e.produce(output(), std::move(order));
  constexpr std::size_t grain = 256;
  e.add_loop({{from.buffer}, {to}}, outer * inner, grain, [reduced, inner](Addresses at, std::size_t begin, std::size_t end) {
    const float* source = as<float>(at[0]);
    float* means = as<float>(at[1]);
    kernels::mean(source, means, reduced, inner, begin, end);
    if (has_fault(PlantedFault::mean_divisor)) means[begin] *= static_cast<float>(reduced) / static_cast<float>(reduced + 1);
    for (std::size_t i = begin; has_fault(PlantedFault::batch_stride) && i < end; ++i)
      kernels::mean(source - i / inner * inner, means, reduced, inner, i, i + 1);
  });
}

}  // namespace

std::unique_ptr<Step> lower(const GlobalAveragePool&, const Site& site) {
  const std::size_t rank = site.rank(0);
  if (!site.is_float() || rank < 3 || rank > most_axes) return nullptr;
  std::vector<std::size_t> axes;
  for (std::size_t axis = 2; axis < rank; ++axis) axes.push_back(axis);
  return std::make_unique<MeanStep>(std::move(axes), true, site);
}

std::unique_ptr<Step> lower(const ReduceMean& mean, const Site& site) {
  if (!site.is_float()) return nullptr;
  const Fact* facts[] = {&site.fact(0), site.has(1) ? &site.fact(1) : nullptr};
  auto axes = reduced_axes(mean, Facts(facts));
  const bool fits = axes && !axes->empty() && site.rank(0) <= most_axes;
  return fits ? std::make_unique<MeanStep>(std::move(*axes), mean.keepdims, site) : nullptr;
}

}  // namespace resnet::xnnpack
