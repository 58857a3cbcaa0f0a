// Expand and Tile, of any element type.
#include <utility>
#include <vector>

#include "lib/xnnpack/faults.h"
#include "lib/xnnpack/lower/lower.h"
#include "lib/xnnpack/lower/mapping.h"

namespace resnet::xnnpack {

namespace {

// Each axis of the operand repeated as often as the result has it; the result may have more axes before them.
class RepeatStep final : public Step {
 public:
  RepeatStep(std::string_view kind, const Site& site) : Step(site), kind_(kind) {}
  std::string_view kind() const override { return kind_; }

  void emit(Emitter& e) const override {
    const ValueId x = e.node().inputs[0];
    const Shape &shape = e.shape(x), &repeated = e.shape(output());
    const Order order = e.home(x).order;
    const auto strides = physical(shape, order).strides();
    const std::size_t added = repeated.rank() - shape.rank();
    Order result = canonical_order(added);
    std::vector<Sources> sources;
    for (std::size_t axis = 0; axis < added; ++axis) sources.push_back(Sources::steps(repeated[axis], 0));
    for (std::size_t i = 0; i < order.size(); ++i) {
      const std::int64_t size = shape[order[i]], count = repeated[order[i] + added];
      result.push_back(order[i] + added);
      if (size == 1 || size == count) {
        sources.push_back(Sources::steps(count, size == 1 ? 0 : strides[i]));
        continue;
      }
      std::vector<std::ptrdiff_t> list;
      for (std::int64_t place = 0; place < count; ++place) {
        const std::int64_t each_in_turn = place % size, each_at_once = place / (count / size);
        list.push_back((has_fault(PlantedFault::tile_each_at_once) ? each_at_once : each_in_turn) * strides[i]);
      }
      sources.push_back(Sources::of(std::move(list)));
    }
    const int from = e.demand(x, order);
    add_mapping(e, from, e.produce(output(), std::move(result)), sources, size_of(dtype()));
  }

 private:
  std::string_view kind_;
};

}  // namespace

std::unique_ptr<Step> lower(const Expand&, const Site& site) {
  return site.dtype() ? std::make_unique<RepeatStep>("expand", site) : nullptr;
}

std::unique_ptr<Step> lower(const Tile&, const Site& site) {
  return site.dtype() ? std::make_unique<RepeatStep>("tile", site) : nullptr;
}

}  // namespace resnet::xnnpack
