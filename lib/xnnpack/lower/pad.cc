// Pad by constants, of any element type.
#include <algorithm>
#include <utility>
#include <vector>

#include "lib/xnnpack/faults.h"
#include "lib/xnnpack/lower/lower.h"
#include "lib/xnnpack/lower/mapping.h"
#include "lib/xnnpack/lower/movement.h"

namespace resnet::xnnpack {

namespace {

// Which element of an axis of `size` a place beside it repeats.
std::int64_t repeated(Pad::Mode mode, std::int64_t place, std::int64_t size) {
  if (place >= 0 && place < size) return place;
  switch (mode) {
    case Pad::Mode::constant: return nowhere;
    case Pad::Mode::edge: return place < 0 ? 0 : size - 1;
    case Pad::Mode::reflect: return place < 0 ? -place : 2 * (size - 1) - place;
    case Pad::Mode::wrap: return (place % size + size) % size;
  }
  __builtin_unreachable();
}

class PadStep final : public Step {
 public:
  PadStep(const Pad& op, const Site& site) : Step(site), op_(op) {}
  std::string_view kind() const override { return "pad"; }

  void emit(Emitter& e) const override {
    const std::vector<ValueId>& operands = e.node().inputs;
    const Order order = e.home(operands[0]).order;
    auto pads = pads_per_axis(order.size(), e.integers(1), e.integers(3));
    if (has_fault(PlantedFault::pad_ends_swapped)) {
      for (AxisPads& axis : pads) std::swap(axis.begin, axis.end);
    }
    const Shape source = physical(e.shape(operands[0]), order);
    const auto strides = source.strides();
    std::vector<Sources> sources;
    for (std::size_t i = 0; i < order.size(); ++i) {
      const auto& [before, after] = pads[order[i]];
      std::vector<std::ptrdiff_t> list;
      for (std::int64_t place = -before; (before != 0 || after != 0) && place < source[i] + after; ++place) {
        const std::int64_t from = repeated(op_.mode, place, source[i]);
        list.push_back(from == nowhere ? nowhere : from * strides[i]);
      }
      sources.push_back(list.empty() ? Sources::steps(source[i], strides[i]) : Sources::of(std::move(list)));
    }
    std::vector<std::byte> fill(size_of(dtype()), std::byte{0});
    if (operands.size() > 2 && !operands[2].is_none()) {
      const auto value = e.constant(operands[2])->bytes();
      fill.assign(value.begin(), value.end());
    }
    const int from = e.demand(operands[0], order);
    add_mapping(e, from, e.produce(output(), order), sources, size_of(dtype()), std::move(fill));
  }

 private:
  Pad op_;
};

}  // namespace

std::unique_ptr<Step> lower(const Pad& op, const Site& site) {
  return site.dtype() && site.are_constant_from(1) ? std::make_unique<PadStep>(op, site) : nullptr;
}

}  // namespace resnet::xnnpack
