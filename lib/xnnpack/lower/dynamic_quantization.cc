// DynamicQuantizeLinear: the range of all elements, then the elements.
#include <algorithm>
#include <utility>
#include <vector>

#include "lib/kernels/bytes.h"
#include "lib/xnnpack/emitter.h"
#include "lib/xnnpack/faults.h"
#include "lib/xnnpack/lower/elementwise.h"
#include "lib/xnnpack/lower/lower.h"

namespace resnet::xnnpack {

namespace {

class DynamicQuantizationStep final : public Step {
 public:
  DynamicQuantizationStep(Layout wants, const Site& site) : Step(site), wants_(wants) {}
  std::string_view kind() const override { return "dynamic_quantization"; }
  Layout wants() const override { return wants_; }

  void emit(Emitter& e) const override {
    const ValueId x = e.node().inputs[0];
    const Order order = e.home(x).order;
    const std::size_t count = e.elements(x), parts = (count + part_elements - 1) / part_elements;
    const int from = e.demand(x, order), ranges = e.allocate(parts * sizeof(kernels::FloatRange));
    e.add_loop({{from}, {ranges}}, parts, 1, [count](Addresses at, std::size_t begin, std::size_t end) {
      for (std::size_t part = begin; part < end; ++part) {
        const std::size_t first = part * part_elements, here = std::min(part_elements, count - first);
        as<kernels::FloatRange>(at[1])[part] =
            kernels::range_of(as<float>(at[0]) + first, has_fault(PlantedFault::range_of_half) ? here / 2 : here);
      }
    });
    const int scale = e.produce({node(), 1}, {}), zero_point = e.produce({node(), 2}, {});
    e.add_call({{ranges}, {scale, zero_point}}, [parts](Addresses at) {
      kernels::FloatRange range;
      for (std::size_t part = 0; part < parts; ++part) range = kernels::joined(range, as<kernels::FloatRange>(at[0])[part]);
      const kernels::DynamicScale found = kernels::dynamic_scale(range);
      *as<float>(at[1]) = found.scale;
      *as<std::uint8_t>(at[2]) = found.zero_point;
    });
    e.add_loop({{from, scale, zero_point}, {e.produce(output(), order)}}, count, loop_grain,
               [](Addresses at, std::size_t begin, std::size_t end) {
                 const std::int32_t zero = *as<std::uint8_t>(at[2]);
                 kernels::quantize({.scales = as<float>(at[1]), .zero_points = &zero}, as<float>(at[0]), at[3], begin, end);
               });
  }

 private:
  static constexpr std::size_t part_elements = loop_grain;
  Layout wants_;
};

}  // namespace

std::unique_ptr<Step> lower(const DynamicQuantizeLinear&, const Site& site) {
  if (site.fact(0).dtype != DType::float32 || !site.fact(0).has_rank() || site.node().outputs.size() != 3) return nullptr;
  return std::make_unique<DynamicQuantizationStep>(layout_of_photo(site.fact(0)), site);
}

}  // namespace resnet::xnnpack
