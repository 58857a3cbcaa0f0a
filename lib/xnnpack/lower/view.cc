// What changes only the shape's name: Reshape, Flatten, Squeeze, Unsqueeze, Identity and Transpose. No bytes move.
#include <algorithm>
#include <utility>
#include <vector>

#include "lib/xnnpack/emitter.h"
#include "lib/xnnpack/faults.h"
#include "lib/xnnpack/lower/lower.h"

namespace resnet::xnnpack {

namespace {

// Axes of the operand that become axes of the result, each in the graph's order: 4x6 seen as 4x2x3 has {0} -> {0} and {1} -> {1,
// 2}.
struct Group {
  std::vector<std::size_t> from, to;
};

// Between shapes of as many elements, of which there are some: the smallest groups.
std::vector<Group> groups_of(const Shape& from, const Shape& to) {
  std::vector<Group> groups;
  std::size_t i = 0, j = 0;
  while (i < from.rank() || j < to.rank()) {
    Group group;
    std::int64_t taken = 1, given = 1;
    const auto take = [&] { taken *= from[i], group.from.push_back(i++); };
    const auto give = [&] { given *= to[j], group.to.push_back(j++); };
    if (i < from.rank()) take();
    if (j < to.rank()) give();
    while (taken != given) taken < given ? take() : give();
    groups.push_back(std::move(group));
  }
  return groups;
}

// The first place in memory of an axis of the group that has more than one element; the end where there is none.
std::size_t place_of(const Group& group, const Shape& shape, const Order& order) {
  std::size_t first = order.size();
  for (const std::size_t axis : group.from) {
    if (shape[axis] > 1)
      first = std::min(first, static_cast<std::size_t>(std::find(order.begin(), order.end(), axis) - order.begin()));
  }
  return first;
}

// The same buffer with another shape. Groups keep their places, so that channels may be split and joined in NHWC; only a group
// whose axes lie apart, or in another order, is brought together.
class ViewStep final : public Step {
 public:
  using Step::Step;
  std::string_view kind() const override { return "view"; }
  bool takes_empty() const override { return true; }

  void emit(Emitter& e) const override {
    const ValueId x = e.node().inputs[0];
    const Shape from = e.shape(x), to = e.shape(output());
    if (from.elements() == 0) return emit_in_order(e, x, canonical_order(from.rank()), canonical_order(to.rank()));
    const Place home = e.home(x);
    std::vector<Group> groups = groups_of(from, to);
    std::stable_sort(groups.begin(), groups.end(), [&](const Group& a, const Group& b) {
      return place_of(a, from, home.order) < place_of(b, from, home.order);
    });
    Order before, after;
    for (const Group& group : groups) {
      before.insert(before.end(), group.from.begin(), group.from.end());
      after.insert(after.end(), group.to.begin(), group.to.end());
    }
    emit_in_order(e, x, before, std::move(after));
  }

 private:
  void emit_in_order(Emitter& e, ValueId x, const Order& before, Order after) const {
    const int buffer = has_fault(PlantedFault::view_of_axes_apart) ? e.home(x).buffer : e.demand(x, before);
    e.place(output(), {buffer, std::move(after)});
  }
};

// The same buffer with another order of axes.
class TransposeStep final : public Step {
 public:
  TransposeStep(const Transpose& op, const Site& site) : Step(site), op_(op) {}
  std::string_view kind() const override { return "transpose"; }
  bool takes_empty() const override { return true; }

  void emit(Emitter& e) const override {
    const Place from = e.home(e.node().inputs[0]);
    const auto perm = permutation_of(op_, from.order.size());
    Order order;
    for (const std::size_t axis : from.order) {
      order.push_back(has_fault(PlantedFault::transpose_misnamed)
                          ? perm[axis]
                          : static_cast<std::size_t>(std::find(perm.begin(), perm.end(), axis) - perm.begin()));
    }
    e.place(output(), {from.buffer, std::move(order)});
  }

 private:
  Transpose op_;
};

}  // namespace

std::unique_ptr<Step> lower(const Reshape&, const Site& site) { return std::make_unique<ViewStep>(site); }
std::unique_ptr<Step> lower(const Flatten&, const Site& site) { return std::make_unique<ViewStep>(site); }
std::unique_ptr<Step> lower(const Squeeze&, const Site& site) { return std::make_unique<ViewStep>(site); }
std::unique_ptr<Step> lower(const Unsqueeze&, const Site& site) { return std::make_unique<ViewStep>(site); }
std::unique_ptr<Step> lower(const Identity&, const Site& site) { return std::make_unique<ViewStep>(site); }
std::unique_ptr<Step> lower(const Transpose& op, const Site& site) { return std::make_unique<TransposeStep>(op, site); }

}  // namespace resnet::xnnpack
