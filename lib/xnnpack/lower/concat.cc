// Concat, of any element type.
#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "lib/xnnpack/faults.h"
#include "lib/xnnpack/lower/lower.h"
#include "lib/xnnpack/lower/movement.h"

namespace resnet::xnnpack {

namespace {

// What an operand gives to each row of the result.
struct Part {
  std::size_t bytes, offset;
};

class ConcatStep final : public Step {
 public:
  ConcatStep(const Concat& op, const Site& site) : Step(site), op_(op) {}
  std::string_view kind() const override { return "concat"; }

  void emit(Emitter& e) const override {
    const std::vector<ValueId>& inputs = e.node().inputs;
    const Order order = this->order(e);
    const Shape result = physical(e.shape(output()), order);
    const auto axis = static_cast<std::size_t>(place_of(order, normalize_axis(op_.axis, order.size())));
    std::size_t rows = 1, row_bytes = size_of(dtype());
    for (std::size_t i = 0; i < axis; ++i) rows *= static_cast<std::size_t>(result[i]);
    for (std::size_t i = axis + 1; i < result.rank(); ++i) row_bytes *= static_cast<std::size_t>(result[i]);
    Access access;
    std::vector<Part> parts;
    std::size_t offset = 0;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const ValueId input = inputs[has_fault(PlantedFault::concat_reversed) ? inputs.size() - 1 - i : i];
      access.reads.push_back(e.demand(input, order));
      parts.push_back({row_bytes * static_cast<std::size_t>(physical(e.shape(input), order)[axis]), offset});
      offset += parts.back().bytes;
    }
    access.writes = {e.produce(output(), order)};
    // Each row's parts are work of their own: along the first axis there is only one row.
    e.add_loop(std::move(access), rows * parts.size(), std::max<std::size_t>(bytes_of_part * parts.size() / offset, 1),
               [parts, offset](Addresses at, std::size_t begin, std::size_t end) {
                 for (std::size_t i = begin; i < end; ++i) {
                   const std::size_t row = i / parts.size(), part = i % parts.size();
                   const auto& [bytes, start] = parts[part];
                   std::memcpy(at.back() + row * offset + start, at[part] + row * bytes, bytes);
                 }
               });
  }

 private:
  // That in which most of what is joined lies already.
  Order order(Emitter& e) const {
    const std::vector<ValueId>& inputs = e.node().inputs;
    Order best = canonical_order(e.shape(output()).rank());
    std::size_t most = 0;
    for (ValueId candidate : inputs) {
      if (e.constant(candidate)) continue;
      const Order order = e.home(candidate).order;
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
