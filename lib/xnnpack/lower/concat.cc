// Concat, of any element type.
#include <algorithm>
#include <cstring>
#include <set>
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
    const std::vector<ValueId>& inputs = e.node().inputs;
    const Order order = this->order(e);
    const Shape result = physical(e.shape(output()), order);
    const auto axis = static_cast<std::size_t>(place_of(order, normalize_axis(op_.axis, order.size())));
    Access access;
    Parts parts(result, axis, size_of(dtype()));
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const ValueId input = inputs[has_fault(PlantedFault::concat_reversed) ? inputs.size() - 1 - i : i];
      access.reads.push_back(e.demand(input, order));
      parts.add(physical(e.shape(input), order)[axis]);
    }
    access.writes = {e.produce(output(), order)};
    const std::size_t count = parts.count(), grain = parts.grain();
    e.add_loop(std::move(access), count, grain, [parts = std::move(parts)](Addresses at, std::size_t begin, std::size_t end) {
      parts.each(begin, end, [&](std::size_t part, std::size_t bytes, std::size_t in_whole, std::size_t in_part) {
        std::memcpy(at.back() + in_whole, at[part] + in_part, bytes);
      });
    });
  }

 private:
  // That in which most of what is joined lies already.
  Order order(Emitter& e) const {
    const std::vector<ValueId>& inputs = e.node().inputs;
    constexpr std::size_t most_candidates = 16;  // networks have two
    std::vector<Order> candidates;
    std::set<Order> seen;
    for (const ValueId input : inputs) {
      if (candidates.size() == most_candidates) break;
      if (!e.constant(input) && seen.insert(e.home(input).order).second) candidates.push_back(e.home(input).order);
    }
    Order best = canonical_order(e.shape(output()).rank());
    std::size_t most = 0;
    for (const Order& order : candidates) {
      std::size_t elements = 0;
      for (ValueId input : inputs) {
        if (!e.constant(input) && same_bytes(e.shape(input), e.home(input).order, order)) elements += e.elements(input);
      }
      if (elements <= most) continue;
      most = elements;
      best = order;
    }
    return best;
  }

  Concat op_;
};

}  // namespace

std::unique_ptr<Step> lower(const Concat& op, const Site& site) {
  return site.dtype() ? std::make_unique<ConcatStep>(op, site) : nullptr;
}

}  // namespace resnet::xnnpack
