// Slice by constants, of any element type.
#include <utility>
#include <vector>

#include "lib/xnnpack/faults.h"
#include "lib/xnnpack/lower/lower.h"
#include "lib/xnnpack/lower/mapping.h"
#include "lib/xnnpack/lower/movement.h"

namespace resnet::xnnpack {

namespace {

class SliceStep final : public Step {
 public:
  using Step::Step;
  std::string_view kind() const override { return "slice"; }

  void emit(Emitter& e) const override {
    const ValueId x = e.node().inputs[0];
    const Order order = e.home(x).order;
    auto starts = e.integers(1), ends = e.integers(2), axes = e.integers(3);
    for (std::size_t i = 0; has_fault(PlantedFault::slice_shifted) && i < starts.size(); ++i) {
      if (starts[i] <= 0 || ends[i] <= 0) continue;
      --starts[i];
      --ends[i];
    }
    if (axes.empty()) {
      for (std::size_t i = 0; i < starts.size(); ++i) axes.push_back(static_cast<std::int64_t>(i));
    }
    for (std::int64_t& axis : axes) axis = place_of(order, normalize_axis(axis, order.size()));
    const Shape source = physical(e.shape(x), order);
    const auto strides = source.strides();
    std::vector<Sources> sources;
    for (const SliceRange& range : slice_ranges(source, std::move(starts), std::move(ends), std::move(axes), e.integers(4))) {
      const std::int64_t stride = strides[sources.size()];
      // A step may be huge where only one element is taken.
      sources.push_back(Sources::steps(range.count, range.count > 1 ? range.step * stride : 0, range.start * stride));
    }
    const int from = e.demand(x, order);
    add_mapping(e, from, e.produce(output(), order), sources, size_of(dtype()));
  }
};

}  // namespace

std::unique_ptr<Step> lower(const Slice&, const Site& site) {
  return site.dtype() && site.are_constant_from(1) ? std::make_unique<SliceStep>(site) : nullptr;
}

}  // namespace resnet::xnnpack
