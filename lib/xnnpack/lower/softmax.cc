// Softmax and LogSoftmax along any axis.
#include <algorithm>
#include <cmath>
#include <utility>

#include "lib/xnnpack/emitter.h"
#include "lib/xnnpack/faults.h"
#include "lib/xnnpack/lower/elementwise.h"
#include "lib/xnnpack/lower/lower.h"

namespace resnet::xnnpack {

namespace {

// The order in which the values that belong together lie side by side, and how many they are.
struct Rows {
  Order order;
  std::size_t length = 1;
};

template <typename Operator>
Rows rows_of(const Operator& op, const Shape& x, const Order& home) {
  Rows rows;
  if (op.coerce_to_2d) {
    rows.order = canonical_order(x.rank());
    // The axis may be the rank itself: then each element is alone.
    const auto first = static_cast<std::size_t>(op.axis < 0 ? op.axis + static_cast<std::int64_t>(x.rank()) : op.axis);
    for (std::size_t axis = first; axis < x.rank(); ++axis) rows.length *= static_cast<std::size_t>(x[axis]);
    return rows;
  }
  const std::size_t along = normalize_axis(op.axis, x.rank());
  rows.order = home;
  std::stable_partition(rows.order.begin(), rows.order.end(), [&](std::size_t axis) { return axis != along; });
  if (has_fault(PlantedFault::softmax_over_any_axis)) rows.order = canonical_order(x.rank());
  rows.length = static_cast<std::size_t>(has_fault(PlantedFault::softmax_over_any_axis) ? x[x.rank() - 1] : x[along]);
  return rows;
}

class SoftmaxStep final : public Step {
 public:
  SoftmaxStep(const Softmax& op, const Site& site) : Step(site), op_(op) {}
  std::string_view kind() const override { return "softmax"; }

  void emit(Emitter& e) const override {
    const ValueId x = e.node().inputs[0];
    const Rows rows = rows_of(op_, e.shape(x), e.home(x).order);
    xnn_operator_t created = nullptr;
    check(xnn_create_softmax_nc_f32(0, &created), "xnn_create_softmax_nc_f32");
    auto op = e.own(created);
    check(xnn_reshape_softmax_nc_f32(created, rows.length, rows.length, rows.length, e.elements(x) / rows.length,
                                     e.pool().native()),
          "xnn_reshape_softmax_nc_f32");
    const int from = e.demand(x, rows.order);
    const int to = e.produce(output(), rows.order);
    e.add_operator(std::move(op), {{from}, {to}}, [](xnn_operator_t o, Addresses at) {
      check(xnn_setup_softmax_nc_f32(o, as<const float>(at[0]), as<float>(at[1])), "xnn_setup_softmax_nc_f32");
    });
  }

 private:
  Softmax op_;
};

// Measured from the largest, so that no exponential overflows.
void log_softmax(const float* x, float* y, std::size_t length) {
  float largest = x[0];
  for (std::size_t i = 1; i < length; ++i) largest = std::max(largest, x[i]);
  double sum = 0;
  for (std::size_t i = 0; i < length; ++i) sum += static_cast<double>(std::exp(x[i] - largest));
  const double shift = static_cast<double>(largest) + std::log(sum);
  for (std::size_t i = 0; i < length; ++i) y[i] = static_cast<float>(static_cast<double>(x[i]) - shift);
}

class LogSoftmaxStep final : public Step {
 public:
  LogSoftmaxStep(const LogSoftmax& op, const Site& site) : Step(site), op_(op) {}
  std::string_view kind() const override { return "log_softmax"; }

  void emit(Emitter& e) const override {
    const ValueId x = e.node().inputs[0];
    const Rows rows = rows_of(op_, e.shape(x), e.home(x).order);
    const int from = e.demand(x, rows.order);
    const int to = e.produce(output(), rows.order);
    e.add_loop({{from}, {to}}, e.elements(x) / rows.length, std::max<std::size_t>(loop_grain / 16 / rows.length, 1),
               [length = rows.length](Addresses at, std::size_t begin, std::size_t end) {
                 for (std::size_t row = begin; row < end; ++row)
                   log_softmax(as<float>(at[0]) + row * length, as<float>(at[1]) + row * length, length);
               });
  }

 private:
  LogSoftmax op_;
};

bool fits(const Site& site) { return site.is_float() && site.rank(0) > 0; }

}  // namespace

std::unique_ptr<Step> lower(const Softmax& op, const Site& site) {
  return fits(site) ? std::make_unique<SoftmaxStep>(op, site) : nullptr;
}

std::unique_ptr<Step> lower(const LogSoftmax& op, const Site& site) {
  return fits(site) ? std::make_unique<LogSoftmaxStep>(op, site) : nullptr;
}

}  // namespace resnet::xnnpack
