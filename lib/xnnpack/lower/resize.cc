// Resize by constants: the nearest elements are moved, as any type; else float32 is interpolated, one axis after the other.
#include <algorithm>
#include <memory>
#include <numeric>
#include <utility>
#include <vector>

#include "lib/graph/ops/resize_taps.h"
#include "lib/kernels/weighted_rows.h"
#include "lib/xnnpack/emitter.h"
#include "lib/xnnpack/faults.h"
#include "lib/xnnpack/lower/elementwise.h"
#include "lib/xnnpack/lower/lower.h"
#include "lib/xnnpack/lower/mapping.h"
#include "lib/xnnpack/lower/movement.h"

namespace resnet::xnnpack {

namespace {

// The taps of all places along an axis of the output, one place after the other.
class AxisTaps {
 public:
  AxisTaps(const Resize& op, const ResizedAxis& axis) {
    for (std::int64_t i = 0; i < axis.out; ++i) {
      const ResizeTaps taps = resize_taps(op, axis, has_fault(PlantedFault::resize_shifted) && i > 0 ? i - 1 : i);
      places_.insert(places_.end(), taps.places.begin(), taps.places.end());
      for (const double weight : taps.weights) weights_.push_back(static_cast<float>(weight));
      begins_.push_back(places_.size());
    }
  }
  kernels::WeightedRows at(std::size_t place) const {
    const std::size_t first = begins_[place], count = begins_[place + 1] - first;
    return {std::span(places_).subspan(first, count), std::span(weights_).subspan(first, count)};
  }

 private:
  std::vector<std::int64_t> places_;
  std::vector<float> weights_;
  std::vector<std::size_t> begins_ = {0};
};

class ResizeStep final : public Step {
 public:
  ResizeStep(const Resize& op, const Site& site) : Step(site), op_(op) {}
  std::string_view kind() const override { return "resize"; }

  void emit(Emitter& e) const override {
    const ValueId x = e.node().inputs[0];
    const auto axes = axes_of(e, e.shape(x));
    if (!axes) return e.add_reference();
    op_.mode == Resize::Mode::nearest ? emit_nearest(e, x, *axes) : emit_interpolated(e, x, *axes);
  }

 private:
  // Nothing where a list is computed, and known to nobody before the run.
  std::optional<std::vector<ResizedAxis>> axes_of(const Emitter& e, const Shape& x) const {
    const std::vector<ValueId>& inputs = e.node().inputs;
    const auto has = [&](std::size_t index) { return index < inputs.size() && !inputs[index].is_none(); };
    std::vector<double> scales;
    std::optional<std::vector<std::int64_t>> sizes(std::in_place);
    if (has(2)) {
      if (!e.constant(inputs[2])) return std::nullopt;
      scales = e.constant(inputs[2])->values_as<double>();
    }
    if (has(3)) sizes = known_integers(e.graph().fact(inputs[3]));
    if (!sizes) return std::nullopt;
    return resized_axes(op_, x, {}, scales, *sizes);
  }

  void emit_nearest(Emitter& e, ValueId x, const std::vector<ResizedAxis>& axes) const {
    const Order order = e.home(x).order;
    const auto strides = physical(e.shape(x), order).strides();
    std::vector<Sources> sources;
    for (std::size_t i = 0; i < order.size(); ++i) {
      const ResizedAxis& axis = axes[order[i]];
      std::vector<std::ptrdiff_t> list;
      for (std::int64_t place = 0; place < axis.out; ++place) {
        const bool shifted = has_fault(PlantedFault::resize_shifted) && place > 0;
        list.push_back(resize_taps(op_, axis, shifted ? place - 1 : place).places[0] * strides[i]);
      }
      sources.push_back(Sources::of(std::move(list)));
    }
    const int from = e.demand(x, order);
    add_mapping(e, from, e.produce(output(), order), sources, size_of(dtype()));
  }

  void emit_interpolated(Emitter& e, ValueId x, const std::vector<ResizedAxis>& axes) const;

  Resize op_;
};

bool is_resized(const ResizedAxis& axis) { return axis.in != axis.out || axis.scale != 1; }

// In which order of axes: as they are, where the last one stays as it is, so that rows of it are added up.
Order order_of(const Shape& x, const Order& home, const std::vector<ResizedAxis>& axes) {
  const auto last =
      std::find_if(home.rbegin(), home.rend(), [&](std::size_t axis) { return x[axis] > 1 || is_resized(axes[axis]); });
  if (last == home.rend() || !is_resized(axes[*last])) return home;
  Order order = home;
  std::stable_partition(order.begin(), order.end(), [&](std::size_t axis) { return axis == 0 || is_resized(axes[axis]); });
  return order;
}

// Adds a call that resizes one axis of `dims`, which lie as they are named.
int add_pass(Emitter& e, int from, int to, const std::vector<std::int64_t>& dims, std::size_t axis, AxisTaps taps,
             std::int64_t out) {
  const auto product = [&](std::size_t first, std::size_t last) {
    return std::accumulate(dims.begin() + static_cast<std::ptrdiff_t>(first), dims.begin() + static_cast<std::ptrdiff_t>(last),
                           std::size_t{1}, [](std::size_t all, std::int64_t dim) { return all * static_cast<std::size_t>(dim); });
  };
  const std::size_t outer = product(0, axis), inner = product(axis + 1, dims.size());
  const auto in = static_cast<std::size_t>(dims[axis]), places = static_cast<std::size_t>(out);
  e.add_loop({{from}, {to}}, outer * places, std::max<std::size_t>(loop_grain / inner, 1),
             [taps = std::make_shared<const AxisTaps>(std::move(taps)), in, places, inner](Addresses at, std::size_t begin,
                                                                                           std::size_t end) {
               for (std::size_t row = begin; row < end; ++row) {
                 const float* x = as<float>(at[0]) + row / places * in * inner;
                 kernels::add_rows(taps->at(row % places), x, as<float>(at[1]) + row * inner, inner);
               }
             });
  return to;
}

void ResizeStep::emit_interpolated(Emitter& e, ValueId x, const std::vector<ResizedAxis>& axes) const {
  const Order order = order_of(e.shape(x), e.home(x).order, axes);
  std::vector<std::int64_t> dims(order.size());
  std::vector<std::size_t> resized;  // places in memory
  for (std::size_t i = 0; i < order.size(); ++i) {
    dims[i] = axes[order[i]].in;
    if (is_resized(axes[order[i]])) resized.push_back(i);
  }
  int from = e.demand(x, order);
  if (resized.empty()) return e.place(output(), {from, order});
  // What becomes smaller first, so that less is between.
  std::stable_sort(resized.begin(), resized.end(), [&](std::size_t a, std::size_t b) {
    const ResizedAxis &one = axes[order[a]], &other = axes[order[b]];
    return static_cast<double>(one.out) / static_cast<double>(one.in) <
           static_cast<double>(other.out) / static_cast<double>(other.in);
  });
  for (const std::size_t place : resized) {
    const ResizedAxis& axis = axes[order[place]];
    std::vector<std::int64_t> after = dims;
    after[place] = axis.out;
    const int to = place == resized.back() ? e.produce(output(), order) : e.allocate_floats(after);
    from = add_pass(e, from, to, dims, place, AxisTaps(op_, axis), axis.out);
    dims = std::move(after);
  }
}

}  // namespace

std::unique_ptr<Step> lower(const Resize& op, const Site& site) {
  const bool crops = op.coordinate_transformation_mode == Resize::Transformation::tf_crop_and_resize;
  const bool moves = op.mode == Resize::Mode::nearest && site.dtype() && site.dtype() != DType::boolean;
  const bool fits = !crops && site.fact(0).has_rank() && (moves || site.is_float());
  return fits ? std::make_unique<ResizeStep>(op, site) : nullptr;
}

}  // namespace resnet::xnnpack
