#include "lib/xnnpack/lower/integer_step.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "lib/xnnpack/faults.h"
#include "lib/xnnpack/lower/byte_addition.h"
#include "lib/xnnpack/lower/elementwise.h"

namespace resnet::xnnpack {

namespace {

template <typename T>
std::optional<std::vector<T>> numbers_of(const Site& site, std::size_t operand, std::int64_t channels) {
  if (!site.has(operand)) return std::vector<T>();
  const auto& value = site.fact(operand).value;
  if (!value || (value->elements() != 1 && value->elements() != channels)) return std::nullopt;
  return value->values_as<T>();
}

bool is_signed(std::optional<DType> dtype) { return dtype == DType::int8; }

std::int32_t byte_at(const Tensor& table, std::size_t place) {
  const auto byte = std::to_integer<std::uint8_t>(table.bytes()[place]);
  return table.dtype() == DType::int8 ? static_cast<std::int8_t>(byte) : byte;
}

}  // namespace

std::optional<float> single_float(const Site& site, std::size_t operand, std::optional<float> otherwise) {
  if (!site.has(operand)) return otherwise;
  const auto& value = site.fact(operand).value;
  if (!value || value->elements() != 1 || value->dtype() != DType::float32) return std::nullopt;
  return value->data<float>()[0];
}

std::optional<std::int32_t> single_integer(const Site& site, std::size_t operand, std::int32_t otherwise) {
  if (!site.has(operand)) return otherwise;
  const auto& value = site.fact(operand).value;
  if (!value || value->elements() != 1) return std::nullopt;
  return value->values_as<std::int32_t>()[0];
}

std::optional<std::vector<float>> floats_of(const Site& site, std::size_t operand, std::int64_t channels) {
  if (site.has(operand) && site.fact(operand).dtype != DType::float32) return std::nullopt;
  return numbers_of<float>(site, operand, channels);
}

std::optional<std::vector<std::int32_t>> integers_of(const Site& site, std::size_t operand, std::int64_t channels) {
  return numbers_of<std::int32_t>(site, operand, channels);
}

bool take_quantization(IntegerSums& sums, const Site& site, std::size_t y_operand, float alpha) {
  const std::int64_t outputs = sums.filter.outputs;
  const auto x_scale = single_float(site, 1), y_scale = single_float(site, y_operand, 1.0f);
  const auto x_zero = single_integer(site, 2, 0), y_zero = single_integer(site, y_operand + 1, 0);
  const auto scales = floats_of(site, 4, outputs);
  auto zero_points = integers_of(site, 5, outputs);
  if (!x_scale || !y_scale || !x_zero || !y_zero || !scales || scales->empty() || !zero_points) return false;
  sums.w_zero_points = std::move(*zero_points);
  sums.x_zero_point = *x_zero;
  sums.y_zero_point = *y_zero;
  sums.output = site.has(y_operand) ? kernels::IntegerOutput::bytes : kernels::IntegerOutput::floats;
  sums.factors.resize(static_cast<std::size_t>(outputs));
  for (std::size_t i = 0; i < sums.factors.size(); ++i) {
    const std::size_t of = scales->size() == 1 || has_fault(PlantedFault::scale_per_axis_as_one) ? 0 : i;
    sums.factors[i] = alpha * *x_scale * (*scales)[of] / *y_scale;
  }
  return true;
}

bool take_zero_point(IntegerSums& sums, const Site& site, std::size_t operand) {
  if (!site.has(operand)) return true;
  const Fact& fact = site.fact(operand);
  if (fact.value) {
    const auto number = single_integer(site, operand, 0);
    sums.x_zero_point = number.value_or(0);
    return number.has_value();
  }
  const auto shape = fact.shape();
  if (!shape || shape->elements() != 1 || !is_byte(fact.dtype)) return false;
  if (!has_fault(PlantedFault::zero_point_lost)) sums.computed_zero_point = site.node().inputs[operand];
  return true;
}

IntegerStep::IntegerStep(Channels channels, IntegerSums sums, const Site& site)
    : ActivatedStep(channels, site, true), sums_(std::move(sums)), y_signed_(is_signed(site.dtype())) {
  scaled_ = sums_.output == kernels::IntegerOutput::floats;  // by the operator itself
  least_ = y_signed_ ? std::numeric_limits<std::int8_t>::min() : 0;
  most_ = y_signed_ ? std::numeric_limits<std::int8_t>::max() : std::numeric_limits<std::uint8_t>::max();
  sums_.filter.x_signed = is_signed(site.fact(0).dtype.value_or(DType::uint8));
  const Tensor weight = *site.fact(weight_operand(site.node().op)).value;
  if (has_fault(PlantedFault::bias_lost)) sums_.bias.reset();
  packed_ = site.planning().packing().pack(site.id(), kernels::packed_size(sums_.filter), weight.size_bytes(),
                                           [weight, filter = sums_.filter, order = sums_.order, zero_points = sums_.w_zero_points,
                                            bias = sums_.bias](std::byte* packed) {
                                             const Tensor ordered = order(weight);
                                             kernels::pack_filter(filter,
                                                                  {.values = ordered.bytes().data(),
                                                                   .is_signed = weight.dtype() == DType::int8,
                                                                   .zero_points = zero_points,
                                                                   .bias = bias ? bias->data<std::int32_t>().data() : nullptr},
                                                                  as<std::uint8_t>(packed));
                                           });
  sums_.bias.reset();
}

bool IntegerStep::absorb(const Site& reader, std::size_t operand) {
  switch (sums_.output) {
    case kernels::IntegerOutput::bytes: return absorb_into_bytes(reader, operand);
    case kernels::IntegerOutput::floats: return absorb_into_floats(reader, operand);
    case kernels::IntegerOutput::sums: break;
  }
  const auto* cast = get_if<Cast>(&reader.node().op);
  if (cast == nullptr || cast->to != DType::float32) return false;
  sums_.output = kernels::IntegerOutput::floats;
  sums_.factors.assign(static_cast<std::size_t>(filter().outputs), 1);
  return true;
}

bool IntegerStep::absorb_into_bytes(const Site& reader, std::size_t operand) {
  if (holds_alternative<LookupTable>(reader.node().op) && operand == 0 && reader.is_constant(1)) {
    // The channels are the second axis, of which a product's are the last.
    const auto& table = reader.fact(1).value;
    const bool per_channel = table->shape().rank() == 2;
    if (per_channel && !(reader.has_rank(0, 2) || reader.has_rank(0, 4))) return false;
    if (!take_table(*table)) stages_.push_back({.table = *table});
    y_signed_ = is_signed(reader.dtype());
    return true;
  }
  const auto addition = byte_addition_of(reader);
  if (!addition || (operand != 0 && operand != 3)) return false;
  const ValueId addend = reader.node().inputs[3 - operand];
  const bool alike = reader.fact(0).has_rank() && reader.fact(0).dims == reader.fact(3).dims;
  if (!alike || reader.graph().fact(addend).value) return false;
  Stage stage{.addition = *addition, .addend = addend, .addend_first = operand == 3};
  if (has_fault(PlantedFault::byte_addends_swapped)) stage.addend_first = !stage.addend_first;
  if (!has_fault(PlantedFault::residual_lost)) stages_.push_back(std::move(stage));
  y_signed_ = addition->y_signed;
  return true;
}

// Whether it is a clamp of what is computed, or of what was already clamped: bounds cost nothing.
bool IntegerStep::take_table(const Tensor& table) {
  if (!stages_.empty() || table.elements() != 256 || (table.dtype() == DType::int8) != y_signed_) return false;
  const auto place = [&](std::int32_t value) { return static_cast<std::size_t>(static_cast<std::uint8_t>(value)); };
  const std::int32_t least = byte_at(table, place(least_)), most = byte_at(table, place(most_));
  if (least > most) return false;
  for (std::int32_t value = least_; value <= most_; ++value) {
    if (byte_at(table, place(value)) != std::clamp(value, least, most)) return false;
  }
  if (has_fault(PlantedFault::table_lost)) return true;
  least_ = std::max(least_, least);
  most_ = std::min(most_, most);
  return true;
}

bool IntegerStep::absorb_into_floats(const Site& reader, std::size_t operand) {
  const auto &own = reader.graph().fact(output()).dims, &dims = reader.node().outputs[0].fact.dims;
  if (own && own == dims && shifts_.empty() && !is_activated() && (take_scale(reader, operand) || take_shift(reader, operand)))
    return true;
  return ActivatedStep::absorb(reader, operand);
}

// A factor that is constant or computed.
bool IntegerStep::take_scale(const Site& reader, std::size_t operand) {
  if (scaled_ || !holds_alternative<Mul>(reader.node().op) || !reader.is_float()) return false;
  const ValueId other = reader.node().inputs[1 - operand];
  const Fact& fact = reader.graph().fact(other);
  const auto shape = fact.shape();
  const auto axes = shape ? axes_of(*shape, *reader.node().outputs[0].fact.dims) : std::nullopt;
  if (!axes || fact.dtype != DType::float32) return false;
  scaled_ = true;
  if (fact.value) {
    const auto values = fact.value->data<float>();
    for (std::size_t i = 0; i < sums_.factors.size(); ++i) sums_.factors[i] = values[values.size() == 1 ? 0 : i];
    return true;
  }
  scale_ = other;
  scale_per_output_ = !axes->empty();
  return true;
}

bool IntegerStep::take_shift(const Site& reader, std::size_t operand) {
  if (!holds_alternative<Add>(reader.node().op) || !reader.is_constant(1 - operand)) return false;
  const auto& value = reader.fact(1 - operand).value;
  if (!axes_of(value->shape(), *reader.node().outputs[0].fact.dims)) return false;
  const auto values = value->data<float>();
  shifts_.resize(static_cast<std::size_t>(filter().outputs));
  for (std::size_t i = 0; i < shifts_.size(); ++i) {
    if (!has_fault(PlantedFault::bias_lost)) shifts_[i] = values[values.size() == 1 ? 0 : i];
  }
  return true;
}

std::vector<kernels::ByteStage> IntegerStep::stages() const {
  std::vector<kernels::ByteStage> stages;
  std::size_t addends = 0;
  for (const Stage& stage : stages_) {
    stages.emplace_back();
    if (stage.table) {
      stages.back().table = reinterpret_cast<const std::uint8_t*>(stage.table->bytes().data());
      stages.back().table_per_channel = stage.table->shape().rank() == 2;
    } else {
      stages.back().addition = stage.addition;
      stages.back().addend_first = stage.addend_first;
      stages.back().addend = addends++;
    }
  }
  return stages;
}

// All that a run reads, so that it allocates nothing.
struct IntegerStep::Bound {
  kernels::IntegerConvolution convolution;
  kernels::IntegerOperands operands;
  std::vector<kernels::ByteStage> stages;
  std::vector<const void*> addends;
  std::vector<const float*> finish;
};

std::shared_ptr<IntegerStep::Bound> IntegerStep::bind(Emitter& e) const {
  auto bound = std::make_shared<Bound>();
  kernels::IntegerConvolution& c = bound->convolution;
  c = sizes(e);
  c.filter = sums_.filter;
  c.output = sums_.output;
  c.y_signed = is_signed(e.dtype({node(), 0}));
  c.y_zero_point = sums_.y_zero_point;
  c.least_byte = least_;
  c.most_byte = most_;
  bound->stages = stages();
  c.stages = &bound->stages;
  c.least = activation().least;
  c.most = activation().most;
  c.finish = finish();
  bound->operands.x_zero_point = sums_.x_zero_point;
  bound->operands.packed = reinterpret_cast<const std::uint8_t*>(packed_->bytes().data());
  bound->operands.factors = sums_.factors.data();
  bound->operands.shifts = shifts_.empty() ? nullptr : shifts_.data();
  bound->addends.resize(stages_.size());
  if (c.finish) {
    bound->finish = operands();
    c.finish.operands = bound->finish.data();
  }
  return bound;
}

// In the order in which emit() has the step read.
void IntegerStep::take(Addresses at, Bound& bound) const {
  kernels::IntegerOperands& o = bound.operands;
  std::size_t next = 0;
  o.x = at[next++];
  if (!sums_.computed_zero_point.is_none()) {
    const auto byte = std::to_integer<std::uint8_t>(*at[next++]);
    o.x_zero_point = bound.convolution.filter.x_signed ? static_cast<std::int8_t>(byte) : byte;
  }
  if (!scale_.is_none()) {
    const auto* values = as<float>(at[next++]);
    if (scale_per_output_) {
      o.factors = values;
    } else {
      o.multiplier = *values;
    }
  }
  std::size_t addends = 0;
  for (const Stage& stage : stages_) {
    if (!stage.table) bound.addends[addends++] = at[next++];
  }
  for (const Map& map : maps()) bound.finish[map.operand] = as<float>(at[next++]);
  o.addends = bound.addends.data();
  o.y = at[at.size() - 2];
}

void IntegerStep::emit(Emitter& e) const {
  const std::shared_ptr<Bound> bound = bind(e);
  const ValueId x = e.node().inputs[0];
  const Order order = order_of(e.shape(output()).rank());
  const auto as_it_is = [&](ValueId id) { return e.demand(id, canonical_order(e.shape(id).rank())); };
  Access access{.reads = {e.demand(x, order_of(e.shape(x).rank()))}};
  if (!sums_.computed_zero_point.is_none()) access.reads.push_back(as_it_is(sums_.computed_zero_point));
  if (!scale_.is_none()) access.reads.push_back(as_it_is(scale_));
  for (const Stage& stage : stages_) {
    if (!stage.table) access.reads.push_back(e.demand(stage.addend, order));
  }
  for (const Map& map : maps()) access.reads.push_back(e.demand(map.value, order));
  const std::size_t scratch = kernels::integer_scratch(bound->convolution, e.pool().threads());
  access.writes = {e.produce(output(), order), scratch > 0 ? e.allocate(scratch) : -1};
  e.add_call(std::move(access), [this, bound, pool = &e.pool()](Addresses at) {
    take(at, *bound);
    kernels::convolve(bound->convolution, bound->operands, as<std::uint8_t>(at.back()), *pool);
  });
}

}  // namespace resnet::xnnpack
