// ArgMax and ArgMin of float32 along any axis.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

#include "lib/xnnpack/emitter.h"
#include "lib/xnnpack/faults.h"
#include "lib/xnnpack/lower/elementwise.h"
#include "lib/xnnpack/lower/lower.h"
#include "lib/xnnpack/lower/movement.h"

namespace resnet::xnnpack {

namespace {

// What ArgMax and ArgMin have in common.
struct Choice {
  std::int64_t axis;
  bool keepdims, last, largest;

  // NaN is above all numbers in both.
  bool beats(float value, float best) const {
    if (std::isnan(value) || std::isnan(best)) return std::isnan(value) && (!std::isnan(best) || last);
    if (value == best) return last;
    return (value > best) == largest;
  }
  std::int64_t of(const float* x, std::size_t size, std::size_t stride) const {
    std::size_t where = 0;
    for (std::size_t k = 1; k < size; ++k) {
      if (beats(x[k * stride], x[where * stride])) where = k;
    }
    return static_cast<std::int64_t>(where);
  }
};

class ArgExtremeStep final : public Step {
 public:
  ArgExtremeStep(const Choice& choice, const Site& site) : Step(site), choice_(choice) {}
  std::string_view kind() const override { return "arg_extreme"; }

  void emit(Emitter& e) const override {
    const ValueId x = e.node().inputs[0];
    const Order order = e.home(x).order;
    const Shape shape = physical(e.shape(x), order);
    const std::size_t axis = normalize_axis(choice_.axis, order.size());
    const auto at = static_cast<std::size_t>(place_of(order, axis));
    std::size_t inner = 1;
    for (std::size_t i = at + 1; i < shape.rank(); ++i) inner *= static_cast<std::size_t>(shape[i]);
    Order result;
    for (const std::size_t own : order) {
      if (choice_.keepdims || own != axis) result.push_back(own - (!choice_.keepdims && own > axis ? 1 : 0));
    }
    const auto size = static_cast<std::size_t>(shape[at]);
    const int from = e.demand(x, order);
    const int to = e.produce(output(), std::move(result));
    e.add_loop({{from}, {to}}, e.elements(output()), std::max<std::size_t>(loop_grain / size, 1),
               [choice = choice_, size, inner](Addresses addresses, std::size_t begin, std::size_t end) {
                 const std::size_t seen = size - (has_fault(PlantedFault::last_never_chosen) && size > 1 ? 1 : 0);
                 for (std::size_t i = begin; i < end; ++i) {
                   const float* column = as<float>(addresses[0]) + i / inner * size * inner + i % inner;
                   as<std::int64_t>(addresses[1])[i] = choice.of(column, seen, inner);
                 }
               });
  }

 private:
  Choice choice_;
};

template <typename Operator>
std::unique_ptr<Step> choose(const Operator& op, bool largest, const Site& site) {
  const bool fits = site.fact(0).dtype == DType::float32 && site.rank(0) > 0;
  return fits ? std::make_unique<ArgExtremeStep>(Choice{op.axis, op.keepdims, op.select_last_index, largest}, site) : nullptr;
}

}  // namespace

std::unique_ptr<Step> lower(const ArgMax& op, const Site& site) { return choose(op, true, site); }
std::unique_ptr<Step> lower(const ArgMin& op, const Site& site) { return choose(op, false, site); }

}  // namespace resnet::xnnpack
