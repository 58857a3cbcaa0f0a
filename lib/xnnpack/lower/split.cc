// Split, of any element type.
#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "lib/xnnpack/faults.h"
#include "lib/xnnpack/lower/lower.h"
#include "lib/xnnpack/lower/movement.h"

namespace resnet::xnnpack {

namespace {

class SplitStep final : public Step {
 public:
  SplitStep(const Split& op, const Site& site) : Step(site), op_(op) {}
  std::string_view kind() const override { return "split"; }

  void emit(Emitter& e) const override {
    const ValueId x = e.node().inputs[0];
    const Order order = e.home(x).order;
    const Shape source = physical(e.shape(x), order);
    const auto axis = static_cast<std::size_t>(place_of(order, normalize_axis(op_.axis, order.size())));
    Access access{.reads = {e.demand(x, order)}};
    Parts parts(source, axis, size_of(dtype()));
    for (std::size_t slot = 0; slot < e.node().outputs.size(); ++slot) {
      const ValueId part{node(), static_cast<std::int32_t>(slot)};
      const std::size_t before = slot > 0 ? parts.back().bytes : 0;
      parts.add(physical(e.shape(part), order)[axis]);
      if (has_fault(PlantedFault::split_shifted)) parts.back().offset -= before;
      access.writes.push_back(e.produce(part, order));
    }
    const std::size_t count = parts.count(), grain = parts.grain();
    e.add_loop(std::move(access), count, grain, [parts = std::move(parts)](Addresses at, std::size_t begin, std::size_t end) {
      parts.each(begin, end, [&](std::size_t part, std::size_t bytes, std::size_t in_whole, std::size_t in_part) {
        std::memcpy(at[part + 1] + in_part, at[0] + in_whole, bytes);
      });
    });
  }

 private:
  Split op_;
};

}  // namespace

std::unique_ptr<Step> lower(const Split& op, const Site& site) {
  return site.dtype() ? std::make_unique<SplitStep>(op, site) : nullptr;
}

}  // namespace resnet::xnnpack
