// Cast, QuantizeLinear, DequantizeLinear, and what else lib/reference does element by element.
#include "lib/xnnpack/lower/elementwise.h"

#include <utility>
#include <vector>

#include "lib/xnnpack/emitter.h"
#include "lib/xnnpack/faults.h"
#include "lib/xnnpack/lower/lower.h"

namespace resnet::xnnpack {

namespace {

class ElementwiseStep final : public Step {
 public:
  using Step::Step;
  std::string_view kind() const override { return "elementwise"; }

  void emit(Emitter& e) const override {
    const std::vector<ValueId>& operands = e.node().inputs;
    const Order order = e.home(operands[0]).order;
    std::vector<Emitter::Operand> inputs = {e.operand(operands[0], order)};
    for (std::size_t i = 1; i < operands.size(); ++i)
      inputs.push_back(e.operand(operands[i], operands[i].is_none() ? Order{} : canonical_order(e.shape(operands[i]).rank())));
    e.add_reference(e.node().op, std::move(inputs), {e.result(output(), order)});
  }
};

// Of one scale for all elements.
std::unique_ptr<Step> quantization(const Site& site) {
  const auto& scale = site.fact(1).value;
  const bool single = scale && (scale->elements() == 1 || has_fault(PlantedFault::scale_per_axis_as_one));
  return single && site.are_constant_from(1) ? by_element(site) : nullptr;
}

}  // namespace

std::unique_ptr<Step> by_element(const Site& site) { return std::make_unique<ElementwiseStep>(site); }

std::unique_ptr<Step> lower(const Cast&, const Site& site) { return by_element(site); }
std::unique_ptr<Step> lower(const QuantizeLinear&, const Site& site) { return quantization(site); }
std::unique_ptr<Step> lower(const DequantizeLinear&, const Site& site) { return quantization(site); }

}  // namespace resnet::xnnpack
