// What changes only the shape's name: Reshape, Flatten, Squeeze, Unsqueeze, Identity and Transpose. No bytes move.
#include <algorithm>
#include <utility>

#include "lib/xnnpack/emitter.h"
#include "lib/xnnpack/faults.h"
#include "lib/xnnpack/lower/lower.h"

namespace resnet::xnnpack {

namespace {

// The same buffer with another shape.
class ViewStep final : public Step {
 public:
  using Step::Step;
  std::string_view kind() const override { return "view"; }
  bool takes_empty() const override { return true; }

  void emit(Emitter& e) const override {
    const ValueId x = e.node().inputs[0];
    const int buffer = e.demand(x, canonical_order(e.shape(x).rank()));
    e.place(output(), {buffer, canonical_order(e.shape(output()).rank())});
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
