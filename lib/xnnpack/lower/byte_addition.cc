#include "lib/xnnpack/lower/byte_addition.h"

#include <utility>

#include "lib/xnnpack/emitter.h"
#include "lib/xnnpack/faults.h"
#include "lib/xnnpack/lower/elementwise.h"
#include "lib/xnnpack/lower/integer_step.h"
#include "lib/xnnpack/lower/lower.h"

namespace resnet::xnnpack {

namespace {

// Of values of equal shape, on the layout of the first that is computed.
class ByteAdditionStep final : public Step {
 public:
  ByteAdditionStep(const kernels::ByteAddition& addition, const Site& site) : Step(site), addition_(addition) {}
  std::string_view kind() const override { return "byte_addition"; }

  void emit(Emitter& e) const override {
    ValueId a = e.node().inputs[0], b = e.node().inputs[3];
    const Order order = e.home(e.constant(a) ? b : a).order;
    if (has_fault(PlantedFault::byte_addends_swapped)) std::swap(a, b);
    const int from_a = e.demand(a, order), from_b = e.demand(b, order);
    e.add_loop({{from_a, from_b}, {e.produce(output(), order)}}, e.elements(output()), loop_grain,
               [addition = addition_](Addresses at, std::size_t begin, std::size_t end) {
                 kernels::add_bytes(addition, at[0] + begin, at[1] + begin, at[2] + begin, end - begin);
               });
  }

 private:
  kernels::ByteAddition addition_;
};

}  // namespace

std::optional<kernels::ByteAddition> byte_addition_of(const Site& site) {
  if (!holds_alternative<QLinearAdd>(site.node().op) || !is_byte(site.dtype())) return std::nullopt;
  const auto a_scale = single_float(site, 1), b_scale = single_float(site, 4), y_scale = single_float(site, 6);
  const auto a_zero = single_integer(site, 2, 0), b_zero = single_integer(site, 5, 0), y_zero = single_integer(site, 7, 0);
  if (!a_scale || !b_scale || !y_scale || !a_zero || !b_zero || !y_zero) return std::nullopt;
  kernels::ByteAddition addition{.a_factor = *a_scale / *y_scale,
                                 .b_factor = *b_scale / *y_scale,
                                 .a_signed = site.fact(0).dtype == DType::int8,
                                 .b_signed = site.fact(3).dtype == DType::int8,
                                 .y_signed = site.dtype() == DType::int8};
  const float of_a = addition.a_factor * static_cast<float>(*a_zero), of_b = addition.b_factor * static_cast<float>(*b_zero);
  addition.shift = static_cast<float>(*y_zero) - (of_a + of_b);
  return addition;
}

std::unique_ptr<Step> lower(const QLinearAdd&, const Site& site) {
  const auto addition = byte_addition_of(site);
  const bool alike = site.fact(0).has_rank() && site.fact(0).dims == site.fact(3).dims;
  return addition && alike ? std::make_unique<ByteAdditionStep>(*addition, site) : nullptr;
}

}  // namespace resnet::xnnpack
