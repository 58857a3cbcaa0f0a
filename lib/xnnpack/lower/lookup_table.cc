// LookupTable: on whatever layout there is.
#include <utility>

#include "lib/kernels/bytes.h"
#include "lib/xnnpack/emitter.h"
#include "lib/xnnpack/faults.h"
#include "lib/xnnpack/lower/elementwise.h"
#include "lib/xnnpack/lower/lower.h"
#include "lib/xnnpack/lower/movement.h"

namespace resnet::xnnpack {

namespace {

class LookupTableStep final : public Step {
 public:
  LookupTableStep(const Tensor& table, const Site& site) : Step(site), table_(table) {}
  std::string_view kind() const override { return "look_up"; }

  void emit(Emitter& e) const override {
    const ValueId x = e.node().inputs[0];
    const Order order = e.home(x).order;
    // Elements of a channel that lie side by side.
    std::size_t channels = 1, inner = 1;
    if (table_.shape().rank() == 2 && !has_fault(PlantedFault::table_of_first_channel)) {
      const Shape in_memory = physical(e.shape(x), order);
      const auto place = static_cast<std::size_t>(place_of(order, 1));
      channels = static_cast<std::size_t>(in_memory[place]);
      for (std::size_t axis = place + 1; axis < in_memory.rank(); ++axis) inner *= static_cast<std::size_t>(in_memory[axis]);
    }
    const int from = e.demand(x, order);
    e.add_loop({{from}, {e.produce(output(), order)}}, e.elements(output()), loop_grain,
               [table = table_, channels, inner](Addresses at, std::size_t begin, std::size_t end) {
                 const auto* tables = reinterpret_cast<const std::uint8_t*>(table.bytes().data());
                 const auto* bytes = as<std::uint8_t>(at[0]);
                 auto* results = as<std::uint8_t>(at[1]);
                 if (channels == 1) return kernels::look_up(tables, bytes + begin, results + begin, end - begin);
                 kernels::look_up(tables, channels, inner, bytes, results, begin, end);
               });
  }

 private:
  Tensor table_;
};

}  // namespace

std::unique_ptr<Step> lower(const LookupTable&, const Site& site) {
  if (!site.is_constant(1) || !site.fact(0).has_rank()) return nullptr;
  return std::make_unique<LookupTableStep>(*site.fact(1).value, site);
}

}  // namespace resnet::xnnpack
