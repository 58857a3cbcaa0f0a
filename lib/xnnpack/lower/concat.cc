// Concat.
#include <algorithm>
#include <utility>
#include <vector>

#include "lib/xnnpack/faults.h"
#include "lib/xnnpack/lower/lower.h"
#include "lib/xnnpack/lower/movement.h"

namespace resnet::xnnpack {

namespace {

class ConcatStep final : public Step {
 public:
  ConcatStep(const Concat& op, const Site& site) : Step(site), op_(op) {}
  std::string_view kind() const override { return "concat"; }

  void emit(Emitter& e) const override {
    Order order = canonical_order(e.shape(output()).rank());
    for (ValueId input : e.node().inputs) {
      if (e.constant(input)) continue;
      order = e.home(input).order;
      break;
    }
    Concat op;
    op.axis = place_of(order, normalize_axis(op_.axis, order.size()));
    std::vector<Emitter::Operand> inputs;
    for (ValueId input : e.node().inputs) inputs.push_back(e.operand(input, order));
    if (has_fault(PlantedFault::concat_reversed)) std::reverse(inputs.begin(), inputs.end());
    e.add_reference(op, std::move(inputs), {e.result(output(), order)});
  }

 private:
  Concat op_;
};

}  // namespace

std::unique_ptr<Step> lower(const Concat& op, const Site& site) { return std::make_unique<ConcatStep>(op, site); }

}  // namespace resnet::xnnpack
