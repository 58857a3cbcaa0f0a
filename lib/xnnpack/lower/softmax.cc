// Softmax over the last axis.
#include <utility>

#include "lib/xnnpack/emitter.h"
#include "lib/xnnpack/faults.h"
#include "lib/xnnpack/lower/lower.h"

namespace resnet::xnnpack {

namespace {

class SoftmaxStep final : public Step {
 public:
  using Step::Step;
  std::string_view kind() const override { return "softmax"; }

  void emit(Emitter& e) const override {
    const Shape& x = e.shape(e.node().inputs[0]);
    const auto channels = static_cast<std::size_t>(x[x.rank() - 1]);
    const std::size_t rows = static_cast<std::size_t>(x.elements()) / channels;
    xnn_operator_t created = nullptr;
    check(xnn_create_softmax_nc_f32(0, &created), "xnn_create_softmax_nc_f32");
    auto op = e.own(created);
    check(xnn_reshape_softmax_nc_f32(created, channels, channels, channels, rows, e.pool().native()),
          "xnn_reshape_softmax_nc_f32");
    const Order order = canonical_order(x.rank());
    const int from = e.demand(e.node().inputs[0], order);
    const int to = e.produce(output(), order);
    e.add_operator(std::move(op), {{from}, {to}}, [](xnn_operator_t o, Addresses at) {
      check(xnn_setup_softmax_nc_f32(o, as<const float>(at[0]), as<float>(at[1])), "xnn_setup_softmax_nc_f32");
    });
  }
};

}  // namespace

std::unique_ptr<Step> lower(const Softmax& softmax, const Site& site) {
  const std::size_t rank = site.rank(0);
  const bool fits = site.is_float() && rank > 0 && !softmax.coerce_to_2d &&
                    (normalize_axis(softmax.axis, rank) + 1 == rank || has_fault(PlantedFault::softmax_over_any_axis));
  return fits ? std::make_unique<SoftmaxStep>(site) : nullptr;
}

}  // namespace resnet::xnnpack
