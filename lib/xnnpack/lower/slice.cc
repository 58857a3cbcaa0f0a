// Slice by constants.
#include <utility>
#include <vector>

#include "lib/xnnpack/faults.h"
#include "lib/xnnpack/lower/lower.h"
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
    const auto steps = e.integers(4);
    for (std::size_t i = 0; has_fault(PlantedFault::slice_shifted) && i < starts.size(); ++i) {
      if (starts[i] <= 0 || ends[i] <= 0) continue;
      --starts[i];
      --ends[i];
    }
    if (axes.empty()) {
      for (std::size_t i = 0; i < starts.size(); ++i) axes.push_back(static_cast<std::int64_t>(i));
    }
    for (std::int64_t& axis : axes) axis = place_of(order, normalize_axis(axis, order.size()));
    std::vector<Emitter::Operand> inputs = {e.operand(x, order), operand_of(starts), operand_of(ends), operand_of(axes)};
    if (!steps.empty()) inputs.push_back(operand_of(steps));
    e.add_reference(e.node().op, std::move(inputs), {e.result(output(), order)});
  }
};

}  // namespace

std::unique_ptr<Step> lower(const Slice&, const Site& site) {
  return site.are_constant_from(1) ? std::make_unique<SliceStep>(site) : nullptr;
}

}  // namespace resnet::xnnpack
