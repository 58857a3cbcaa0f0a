// Pad by constants.
#include <algorithm>
#include <utility>
#include <vector>

#include "lib/xnnpack/faults.h"
#include "lib/xnnpack/lower/lower.h"
#include "lib/xnnpack/lower/movement.h"

namespace resnet::xnnpack {

namespace {

class PadStep final : public Step {
 public:
  using Step::Step;
  std::string_view kind() const override { return "pad"; }

  void emit(Emitter& e) const override {
    const std::vector<ValueId>& operands = e.node().inputs;
    const Order order = e.home(operands[0]).order;
    const auto per_axis = pads_per_axis(order.size(), e.integers(1), e.integers(3));
    std::vector<std::int64_t> pads;
    for (const std::size_t axis : order) pads.push_back(per_axis[axis].begin);
    for (const std::size_t axis : order) pads.push_back(per_axis[axis].end);
    if (has_fault(PlantedFault::pad_ends_swapped)) std::rotate(pads.begin(), pads.begin() + std::ssize(order), pads.end());
    std::vector<Emitter::Operand> inputs = {e.operand(operands[0], order), operand_of(pads)};
    const bool has_value = operands.size() > 2 && !operands[2].is_none();
    if (has_value) inputs.push_back({.value = e.constant(operands[2]), .dtype = e.dtype(operands[2])});
    e.add_reference(e.node().op, std::move(inputs), {e.result(output(), order)});
  }
};

}  // namespace

std::unique_ptr<Step> lower(const Pad&, const Site& site) {
  return site.are_constant_from(1) ? std::make_unique<PadStep>(site) : nullptr;
}

}  // namespace resnet::xnnpack
