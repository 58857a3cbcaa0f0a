// What clamps, and the activations that a step does as it goes.
#include "lib/xnnpack/lower/activation.h"

#include <utility>

#include "lib/xnnpack/faults.h"
#include "lib/xnnpack/lower/elementwise.h"
#include "lib/xnnpack/lower/functions.h"

namespace resnet::xnnpack {

std::optional<Activation> activation_of(const Site& site) {
  if (!site.is_float()) return std::nullopt;
  Activation activation;
  if (holds_alternative<Relu>(site.node().op)) {
    activation.least = 0;
    return activation;
  }
  if (!holds_alternative<Clip>(site.node().op)) return std::nullopt;
  for (std::size_t i = 1; i < 3; ++i) {
    if (!site.has(i)) continue;
    if (!site.is_constant(i)) return std::nullopt;
    if (has_fault(PlantedFault::upper_bound_lost) && i == 2) continue;
    (i == 1 ? activation.least : activation.most) = site.fact(i).value->values_as<float>().at(0);
  }
  if (!(activation.least < activation.most)) return std::nullopt;
  return activation;
}

bool ClampingStep::absorb(const Site& reader, std::size_t operand) {
  if (clamped_ || operand != 0) return false;
  const auto activation = activation_of(reader);
  if (!activation) return false;
  if (!has_fault(PlantedFault::activation_lost)) activation_ = *activation;
  clamped_ = true;
  return true;
}

// The channels come last in memory.
std::optional<kernels::Axes> ActivatedStep::axes_of(const Shape& shape, const Dims& result) const {
  if (shape.rank() > result.size()) return std::nullopt;
  if (shape.elements() == 1) return kernels::Axes();
  const std::vector<std::int64_t> dims = full_dims(shape, result.size());
  const std::size_t axis = channels_ == Channels::last ? result.size() - 1 : 1;
  if (axis >= dims.size() || dims[axis] != shape.elements() || !result[axis].is(dims[axis])) return std::nullopt;
  return kernels::Axes{{0, 0}, {static_cast<std::size_t>(dims[axis]), 1}};
}

bool ActivatedStep::absorb(const Site& reader, std::size_t operand) {
  if (chain_.links.empty() && ClampingStep::absorb(reader, operand)) return true;
  const auto links = links_of(reader, operand);
  const auto &own = reader.graph().fact(output()).dims, &dims = reader.node().outputs[0].fact.dims;
  if (!links || !own || own != dims) return false;
  std::vector<std::optional<kernels::Axes>> axes;
  for (const PlannedLink& planned : *links) {
    axes.emplace_back(kernels::Axes());
    if (!has_operand(planned.link.function)) continue;
    const Fact& fact = reader.graph().fact(planned.operand);
    if (fact.value) {
      axes.back() = axes_of(fact.value->shape(), *dims);
    } else if (takes_maps_ && fact.dims == dims) {
      axes.back() = kernels::Axes{{0, 1}};
    } else {
      return false;
    }
    if (!axes.back()) return false;
  }
  for (std::size_t i = 0; i < links->size() && !has_fault(PlantedFault::activation_lost); ++i) {
    const PlannedLink& planned = (*links)[i];
    if (!chain_.links.empty() && take_bounds(chain_.links.back(), planned.link)) continue;
    chain_.links.push_back(planned.link);
    ops_.push_back(planned.op);
    if (!has_operand(planned.link.function)) continue;
    chain_.links.back().operand = operands_.size();
    chain_.links.back().axes = *axes[i];
    if (const auto& constant = reader.graph().fact(planned.operand).value) {
      constants_.push_back(*constant);
      operands_.push_back(constants_.back().data<float>().data());
    } else {
      maps_.push_back({operands_.size(), planned.operand});
      operands_.push_back(nullptr);
    }
  }
  return true;
}

Emitter::Loop ActivatedStep::after(Emitter& e) const {
  if (!finish()) return {};
  return {e.elements(output()), loop_grain,
          [after = finish()](Addresses at, std::size_t begin, std::size_t end) { after.apply(as<float>(at[1]), begin, end); }};
}

}  // namespace resnet::xnnpack
