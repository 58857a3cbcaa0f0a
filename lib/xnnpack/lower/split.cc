// Split, of any element type.
#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "lib/xnnpack/faults.h"
#include "lib/xnnpack/lower/lower.h"
#include "lib/xnnpack/lower/movement.h"

namespace resnet::xnnpack {

namespace {

// What each row of the operand gives to an output.
struct Part {
  std::size_t bytes, offset;
};

class SplitStep final : public Step {
 public:
  SplitStep(const Split& op, const Site& site) : Step(site), op_(op) {}
  std::string_view kind() const override { return "split"; }

  void emit(Emitter& e) const override {
    const ValueId x = e.node().inputs[0];
    const Order order = e.home(x).order;
    const Shape source = physical(e.shape(x), order);
    const auto axis = static_cast<std::size_t>(place_of(order, normalize_axis(op_.axis, order.size())));
    std::size_t rows = 1, row_bytes = size_of(dtype());
    for (std::size_t i = 0; i < axis; ++i) rows *= static_cast<std::size_t>(source[i]);
    for (std::size_t i = axis + 1; i < source.rank(); ++i) row_bytes *= static_cast<std::size_t>(source[i]);
    Access access{.reads = {e.demand(x, order)}};
    std::vector<Part> parts;
    std::size_t offset = 0;
    for (std::size_t slot = 0; slot < e.node().outputs.size(); ++slot) {
      const ValueId part{node(), static_cast<std::int32_t>(slot)};
      const std::size_t bytes = row_bytes * static_cast<std::size_t>(physical(e.shape(part), order)[axis]);
      parts.push_back({bytes, has_fault(PlantedFault::split_shifted) && slot > 0 ? offset - parts.back().bytes : offset});
      offset += bytes;
      access.writes.push_back(e.produce(part, order));
    }
    // Each row's parts are work of their own: along the first axis there is only one row.
    e.add_loop(std::move(access), rows * parts.size(), std::max<std::size_t>(bytes_of_part * parts.size() / offset, 1),
               [parts, offset](Addresses at, std::size_t begin, std::size_t end) {
                 for (std::size_t i = begin; i < end; ++i) {
                   const std::size_t row = i / parts.size(), part = i % parts.size();
                   const auto& [bytes, start] = parts[part];
                   if (bytes > 0) std::memcpy(at[part + 1] + row * bytes, at[0] + row * offset + start, bytes);
                 }
               });
  }

 private:
  Split op_;
};

}  // namespace

std::unique_ptr<Step> lower(const Split& op, const Site& site) {
  return site.dtype() ? std::make_unique<SplitStep>(op, site) : nullptr;
}

}  // namespace resnet::xnnpack
