// Slice by constants, of any element type.
#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "lib/xnnpack/faults.h"
#include "lib/xnnpack/lower/lower.h"
#include "lib/xnnpack/lower/movement.h"

namespace resnet::xnnpack {

namespace {

// Rows of bytes that lie side by side in the source as in the result, which is written from its beginning to its end.
struct Rows {
  struct Axis {
    std::size_t count;
    std::ptrdiff_t stride;  // bytes of the source
  };
  std::vector<Axis> axes;  // the outermost first
  std::size_t count = 1, bytes = 0;
  std::ptrdiff_t offset = 0;  // of the first one in the source

  std::ptrdiff_t source_of(std::size_t row) const {
    std::ptrdiff_t source = offset;
    for (auto axis = axes.rbegin(); axis != axes.rend(); ++axis) {
      source += static_cast<std::ptrdiff_t>(row % axis->count) * axis->stride;
      row /= axis->count;
    }
    return source;
  }
};

Rows rows_of(const Shape& source, const std::vector<SliceRange>& ranges, std::size_t element_bytes) {
  Rows rows;
  rows.bytes = element_bytes;
  auto stride = static_cast<std::ptrdiff_t>(element_bytes);
  bool whole = true;  // so far: what is copied of the axes after this one is one piece
  for (std::size_t axis = source.rank(); axis-- > 0;) {
    const SliceRange& range = ranges[axis];
    const auto count = static_cast<std::size_t>(range.count);
    rows.offset += range.start * stride;
    if (whole && (range.step == 1 || count == 1)) {
      rows.bytes *= count;
    } else if (count > 1) {
      rows.axes.insert(rows.axes.begin(), {count, range.step * stride});
      rows.count *= count;
      whole = false;
    }
    whole = whole && range.count == source[axis];
    stride *= source[axis];
  }
  return rows;
}

class SliceStep final : public Step {
 public:
  using Step::Step;
  std::string_view kind() const override { return "slice"; }

  void emit(Emitter& e) const override {
    const ValueId x = e.node().inputs[0];
    const Order order = e.home(x).order;
    auto starts = e.integers(1), ends = e.integers(2), axes = e.integers(3);
    for (std::size_t i = 0; has_fault(PlantedFault::slice_shifted) && i < starts.size(); ++i) {
      if (starts[i] <= 0 || ends[i] <= 0) continue;
      --starts[i];
      --ends[i];
    }
    if (axes.empty()) {
      for (std::size_t i = 0; i < starts.size(); ++i) axes.push_back(static_cast<std::int64_t>(i));
    }
    for (std::int64_t& axis : axes) axis = place_of(order, normalize_axis(axis, order.size()));
    const Shape source = physical(e.shape(x), order);
    const Rows rows = rows_of(source, slice_ranges(source, std::move(starts), std::move(ends), std::move(axes), e.integers(4)),
                              size_of(dtype()));
    const int from = e.demand(x, order);
    const int to = e.produce(output(), order);
    e.add_loop({{from}, {to}}, rows.count, std::max<std::size_t>(bytes_of_part / rows.bytes, 1),
               [rows](Addresses at, std::size_t begin, std::size_t end) {
                 for (std::size_t row = begin; row < end; ++row)
                   std::memcpy(at[1] + row * rows.bytes, at[0] + rows.source_of(row), rows.bytes);
               });
  }
};

}  // namespace

std::unique_ptr<Step> lower(const Slice&, const Site& site) {
  return site.dtype() && site.are_constant_from(1) ? std::make_unique<SliceStep>(site) : nullptr;
}

}  // namespace resnet::xnnpack
