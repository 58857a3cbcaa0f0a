// Gather by constants, of any element type.
#include <fmt/format.h>

#include <utility>
#include <vector>

#include "lib/base/error.h"
#include "lib/xnnpack/faults.h"
#include "lib/xnnpack/lower/lower.h"
#include "lib/xnnpack/lower/mapping.h"
#include "lib/xnnpack/lower/movement.h"

namespace resnet::xnnpack {

namespace {

class GatherStep final : public Step {
 public:
  GatherStep(const Gather& op, const Site& site) : Step(site), op_(op) {}
  std::string_view kind() const override { return "gather"; }

  void emit(Emitter& e) const override {
    const ValueId x = e.node().inputs[0];
    const Order order = e.home(x).order;
    const Shape source = physical(e.shape(x), order);
    const auto strides = source.strides();
    const std::size_t axis = normalize_axis(op_.axis, order.size());
    // The axis gives place to those of the indices, which lie side by side as it does.
    const std::size_t given = e.shape(e.node().inputs[1]).rank();
    std::vector<Sources> sources;
    Order result;
    for (std::size_t i = 0; i < order.size(); ++i) {
      if (order[i] != axis) {
        result.push_back(order[i] < axis ? order[i] : order[i] + given - 1);
        sources.push_back(Sources::steps(source[i], strides[i]));
        continue;
      }
      for (std::size_t k = 0; k < given; ++k) result.push_back(axis + k);
      sources.push_back(Sources::of(indices(e, axis, source[i])));
      sources.back().scale(strides[i], 0);
    }
    const int from = e.demand(x, order);
    add_mapping(e, from, e.produce(output(), std::move(result)), sources, size_of(dtype()));
  }

 private:
  static std::vector<std::ptrdiff_t> indices(const Emitter& e, std::size_t axis, std::int64_t size) {
    std::vector<std::ptrdiff_t> indices;
    for (const std::int64_t index : e.integers(1)) {
      if (index < -size || index >= size) {
        throw Error(Fault::malformed, fmt::format("index {} is out of range for axis {} of {} elements", index, axis, size));
      }
      const std::int64_t place = index < 0 ? index + size : index;
      indices.push_back(has_fault(PlantedFault::gather_reversed) ? size - 1 - place : place);
    }
    return indices;
  }

  Gather op_;
};

}  // namespace

std::unique_ptr<Step> lower(const Gather& op, const Site& site) {
  const bool fits = site.dtype() && site.fact(0).has_rank() && site.is_constant(1);
  return fits ? std::make_unique<GatherStep>(op, site) : nullptr;
}

}  // namespace resnet::xnnpack
