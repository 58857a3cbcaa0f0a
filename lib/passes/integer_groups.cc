#include "lib/passes/integer_groups.h"

#include <algorithm>
#include <cmath>

#include "lib/base/error.h"
#include "lib/reference/reference.h"

namespace resnet {

namespace {

// Far above what networks need: a small file must not ask for much.
constexpr std::size_t most_bytes = std::size_t{64} << 20, most_rows = std::size_t{1} << 20;
constexpr std::int64_t most_elements = 1 << 16;
constexpr int most_depth = 8;

bool given(const Node& node, std::size_t index) { return index < node.inputs.size() && !node.inputs[index].is_none(); }

}  // namespace

const IntegerGroups::Coded* IntegerGroups::coded(ValueId value) const {
  const auto found = coded_.find(value);
  return found == coded_.end() ? nullptr : &found->second;
}

void IntegerGroups::set_coded(ValueId value, Coded coded) {
  const std::size_t bytes = coded.table.size() * sizeof(Row);
  if (bytes > most_bytes - coded_bytes_) return;
  coded_bytes_ += bytes;
  const std::vector<NodeId>& readers = readers_.of(value.node);
  uses_[value] = readers.size();
  coded_.insert_or_assign(value, std::move(coded));
}

void IntegerGroups::let_go(NodeId id, bool replaced) {
  if (!replaced && coded({id, 0}) == nullptr) return;
  for (const ValueId input : graph_.node(id).inputs) {
    const auto found = coded_.find(input);
    if (found == coded_.end() || readers_.is_output(input) || --uses_[input] > 0) continue;
    if (found->second.table.size() == 1) continue;  // small, and may be asked for once more
    coded_bytes_ -= found->second.table.size() * sizeof(Row);
    coded_.erase(found);
  }
}

bool IntegerGroups::spend(std::size_t rows) {
  if (rows > most_rows - rows_) return false;
  rows_ += rows;
  return true;
}

std::optional<Tensor> IntegerGroups::known(ValueId value, int depth) const {
  if (value.is_none()) return std::nullopt;
  const Fact& fact = graph_.fact(value);
  if (fact.value) return fact.value->is_released() ? std::nullopt : fact.value;
  const Node& node = graph_.node(value.node);
  const auto shape = fact.shape();
  const bool changes = only_changes_form(node.op) && reference::can_evaluate(node.op);
  if (!changes || node.outputs.size() != 1 || !shape || shape->elements() > most_elements || depth > most_depth)
    return std::nullopt;
  std::vector<std::optional<Tensor>> held;
  std::vector<const Tensor*> inputs;
  held.reserve(node.inputs.size());
  for (const ValueId input : node.inputs) {
    held.push_back(known(input, depth + 1));
    if (!held.back() && !input.is_none()) return std::nullopt;
    inputs.push_back(held.back() ? &*held.back() : nullptr);
  }
  try {
    return reference::evaluate(node.op, inputs).front();
  } catch (const Error&) {
    return std::nullopt;
  }
}

std::optional<Quantization> IntegerGroups::quantization_at(NodeId id, std::optional<DType> dtype) const {
  const Node& node = graph_.node(id);
  const auto scale = known(node.inputs[1]);
  const auto zero = given(node, 2) ? known(node.inputs[2]) : std::nullopt;
  if (!scale || !dtype || (given(node, 2) && !zero)) return std::nullopt;
  return quantization_of(*scale, zero ? &*zero : nullptr, *dtype);
}

void IntegerGroups::note_parameters(const Quantization& quantization, ValueId scale, ValueId zero_point) {
  scales_.try_emplace(quantization.scale, rewriter_.map(scale));
  if (!zero_point.is_none()) zeros_.try_emplace({quantization.dtype, quantization.zero_point}, rewriter_.map(zero_point));
}

ValueId IntegerGroups::scale(float value) {
  const auto found = scales_.find(value);
  if (found != scales_.end()) return found->second;
  return scales_[value] = rewriter_.add_constant("quantization.scale", Tensor::scalar(value));
}

ValueId IntegerGroups::zero(const Quantization& quantization) {
  const auto key = std::pair(quantization.dtype, quantization.zero_point);
  const auto found = zeros_.find(key);
  if (found != zeros_.end()) return found->second;
  return zeros_[key] = rewriter_.add_constant("quantization.zero_point", zero_point_of(quantization));
}

std::optional<float> IntegerGroups::padding_of(const Node& pad) const {
  if (!given(pad, 2)) return 0.0f;
  const auto number = known(pad.inputs[2]);
  if (!number || number->elements() != 1) return std::nullopt;
  return number->values_as<float>()[0];
}

std::optional<std::uint8_t> IntegerGroups::byte_of(const Row& row, std::optional<float> number) {
  if (!number) return std::nullopt;
  const auto found = std::find(row.begin(), row.end(), *number);
  if (found == row.end()) return std::nullopt;
  return static_cast<std::uint8_t>(found - row.begin());
}

void IntegerGroups::pad_by(std::vector<ValueId>& inputs, std::int32_t number, DType dtype) {
  if (inputs.size() < 3) inputs.resize(3, ValueId::none());
  inputs[2] = zero({dtype, 1, number});
}

ValueId IntegerGroups::constant(NodeId id, const char* suffix, Tensor tensor) {
  const Node& node = graph_.node(id);
  return rewriter_.add_constant(name_of(node) + suffix, std::move(tensor));
}

ValueId IntegerGroups::emit(NodeId id, Op op, std::vector<ValueId> inputs) {
  const Node& node = graph_.node(id);
  std::vector<std::string> outputs;
  for (const Value& value : node.outputs)
    outputs.push_back(rewriter_.fresh((value.name.empty() ? node.name : value.name) + ".quantized"));
  if (!holds_alternative<Split>(op)) outputs.resize(1);
  return rewriter_.graph().append(std::move(op), std::move(inputs), node.name, std::move(outputs));
}

std::optional<ValueId> IntegerGroups::look_up(const Coded& x, const ByteTable& table, DType dtype) {
  if (is_identity(table) && x.quantization.dtype == dtype) return x.bytes;
  if (!options_.tables) return std::nullopt;
  const auto key = std::tuple(x.bytes, dtype, table);
  if (const auto found = looked_up_.find(key); found != looked_up_.end()) return found->second;
  const std::size_t bytes = table.size() * sizeof(ByteRow);
  if (bytes > most_bytes - table_bytes_) return std::nullopt;
  table_bytes_ += bytes;
  const std::string base = rewriter_.graph().value(x.bytes).name, name = rewriter_.graph().node(x.bytes.node).name;
  const ValueId rows = rewriter_.add_constant(base + ".table", tensor_of(table, dtype));
  return looked_up_[key] = rewriter_.graph().append(LookupTable{}, {x.bytes, rows}, name, {rewriter_.fresh(base + ".looked_up")});
}

std::optional<IntegerGroups::Operand> IntegerGroups::operand(ValueId value, std::optional<DType> dtype) {
  const Coded* x = coded(value);
  if (x == nullptr) return std::nullopt;
  Quantization as = x->quantization;
  if (dtype && *dtype != as.dtype) {
    as.dtype = *dtype;
    as.zero_point += as.dtype == DType::int8 ? -128 : 128;
  }
  const auto bytes = exactly(x->table, as);
  if (!bytes) return std::nullopt;
  const auto at = look_up(*x, *bytes, as.dtype);
  return at ? std::optional(Operand{*at, as}) : std::nullopt;
}

std::optional<Tensor> IntegerGroups::bytes_of_weight(ValueId value) const {
  const Fact& fact = graph_.fact(value);
  if (!is_byte(fact.dtype)) return std::nullopt;
  if (fact.value) return fact.value->is_released() ? std::nullopt : fact.value;
  // Weights that the file holds as floats.
  const Node& node = graph_.node(value.node);
  if (!holds_alternative<QuantizeLinear>(node.op)) return std::nullopt;
  std::vector<const Tensor*> inputs;
  for (const ValueId input : node.inputs) {
    const Fact* const constant = input.is_none() ? nullptr : &graph_.fact(input);
    if (constant != nullptr && (!constant->value || constant->value->is_released())) return std::nullopt;
    inputs.push_back(constant == nullptr ? nullptr : &*constant->value);
  }
  return reference::evaluate(node.op, inputs).front();
}

std::optional<IntegerGroups::Weight> IntegerGroups::find_weight(ValueId value, int depth) const {
  const Node& node = graph_.node(value.node);
  if (depth > most_depth || value.slot != 0 || node.inputs.empty()) return std::nullopt;
  if (holds_alternative<Identity>(node.op)) return find_weight(node.inputs[0], depth + 1);
  if (const auto* transpose = get_if<Transpose>(&node.op)) {
    auto weight = find_weight(node.inputs[0], depth + 1);
    if (!weight) return std::nullopt;
    const auto perm = permutation_of(*transpose, weight->bytes.shape().rank());
    weight->axis = static_cast<std::size_t>(std::find(perm.begin(), perm.end(), weight->axis) - perm.begin());
    const Tensor* inputs[] = {&weight->bytes};
    weight->bytes = reference::evaluate(node.op, inputs).front();
    weight->bytes_id = ValueId::none();
    return weight;
  }
  const auto* op = get_if<DequantizeLinear>(&node.op);
  const bool fits = op != nullptr && op->block_size == 0 && node.outputs[0].fact.dtype == DType::float32;
  auto bytes = fits ? bytes_of_weight(node.inputs[0]) : std::nullopt;
  const auto scales = bytes ? known(node.inputs[1]) : std::nullopt;
  if (!scales || bytes->shape().rank() == 0) return std::nullopt;
  Weight weight{*bytes, *scales, zero_point_of({bytes->dtype(), 1, 0}), 0, {}, {}, {}};
  if (given(node, 2)) {
    const auto zeros = known(node.inputs[2]);
    if (!zeros) return std::nullopt;
    weight.zeros = *zeros;
  }
  weight.axis = normalize_axis(op->axis, bytes->shape().rank());
  const auto numbers = scales->values_as<float>();
  if (!std::all_of(numbers.begin(), numbers.end(), [](float s) { return s > 0 && std::isfinite(s); })) return std::nullopt;
  const auto of = [&](std::size_t index, const Tensor& tensor) {
    const bool is_constant = given(node, index) && graph_.fact(node.inputs[index]).value == tensor;
    return is_constant ? rewriter_.map(node.inputs[index]) : ValueId::none();
  };
  if (graph_.fact(node.inputs[0]).value) weight.bytes_id = rewriter_.map(node.inputs[0]);
  weight.scales_id = of(1, weight.scales);
  weight.zeros_id = of(2, weight.zeros);
  return weight;
}

const IntegerGroups::Weight* IntegerGroups::weight(ValueId value) {
  const auto [found, fresh] = weights_.try_emplace(value, std::nullopt);
  std::optional<Weight>& weight = found->second;
  if (fresh) {
    weight = find_weight(value, 0);
    if (weight) {
      if (weight->bytes_id.is_none()) weight->bytes_id = constant(value.node, ".bytes", weight->bytes);
      if (weight->scales_id.is_none()) weight->scales_id = constant(value.node, ".scale", weight->scales);
      if (weight->zeros_id.is_none()) weight->zeros_id = constant(value.node, ".zero_point", weight->zeros);
    }
  }
  return weight ? &*weight : nullptr;
}

}  // namespace resnet
