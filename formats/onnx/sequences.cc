// Sequences: lists of values while a file is read, and nothing when it runs. Where a place in one is not known, the nodes stay.
#include <fmt/format.h>

#include <algorithm>

#include "formats/onnx/known_scalar.h"
#include "formats/onnx/reader.h"
#include "lib/base/error.h"

namespace resnet::onnx {

namespace {

std::int64_t integer_of(const ::onnx::NodeProto& proto, const char* name, std::int64_t otherwise) {
  for (const auto& attribute : proto.attribute()) {
    if (attribute.name() == name && attribute.type() == ::onnx::AttributeProto::INT) return attribute.i();
  }
  return otherwise;
}

// Whether a node has an input: neither it nor, within a function, the call leaves it out.
bool is_given(const ::onnx::NodeProto& proto, int index, const Scope& scope) {
  if (index >= proto.input_size() || proto.input(index).empty()) return false;
  const ValueId* value = scope.find(proto.input(index));
  return value == nullptr || !value->is_none();
}

// A place in a sequence of `size`, one past its end included where something is put there. Throws Error(malformed) outside.
std::size_t place(std::int64_t position, std::size_t size, bool insert) {
  const auto count = static_cast<std::int64_t>(size);
  const std::int64_t found = position < 0 ? position + count : position;
  if (found < 0 || found >= count + (insert ? 1 : 0))
    throw Error(Fault::malformed, fmt::format("position {} in a sequence of {}", position, size));
  return static_cast<std::size_t>(found);
}

// The sizes of the pieces of an axis; nothing where they are not known, or too many.
std::optional<std::vector<std::int64_t>> pieces(std::int64_t length, const Fact* split) {
  constexpr std::int64_t most = 10'000;
  std::vector<std::int64_t> sizes;
  if (split == nullptr || !split->has_rank() || split->rank() == 0) {
    std::int64_t chunk = 1;
    if (split != nullptr) {
      const auto known = known_integers(*split);
      if (!known || known->size() != 1) return std::nullopt;
      chunk = known->front();
    }
    if (chunk < 1) throw Error(Fault::malformed, fmt::format("pieces of {}, expected 1 or more", chunk));
    if (length / chunk > most) return std::nullopt;
    for (std::int64_t at = 0; at < length; at += chunk) sizes.push_back(std::min(chunk, length - at));
    return sizes;
  }
  const auto known = known_integers(*split);
  if (!known) return std::nullopt;
  std::int64_t sum = 0;
  for (const std::int64_t size : *known) {
    if (size < 0 || size > length - sum) throw Error(Fault::malformed, fmt::format("pieces that do not add up to {}", length));
    sum += size;
  }
  if (sum != length) throw Error(Fault::malformed, fmt::format("pieces of {} in all, expected {}", sum, length));
  return known;
}

}  // namespace

bool GraphReader::keep_sequence(const std::string& name, std::vector<ValueId> values, Scope& scope) {
  constexpr std::size_t most = 1'000'000;  // a chain that inserts one by one makes half its length squared
  if (values.size() > most - sequence_values_) return false;
  sequence_values_ += values.size();
  scope.sequences.emplace(name, std::move(values));
  return true;
}

bool GraphReader::split_to_sequence(const ::onnx::NodeProto& proto, Scope& scope) {
  const ValueId* x = scope.find(proto.input(0));
  if (x == nullptr || x->is_none() || !model_.graph.fact(*x).has_rank()) return false;
  const Dims dims = *model_.graph.fact(*x).dims;
  const std::size_t axis = normalize_axis(integer_of(proto, "axis", 0), dims.size());
  const bool has_sizes = is_given(proto, 1, scope);
  const ValueId* sizes = has_sizes ? scope.find(proto.input(1)) : nullptr;
  if (!dims[axis].is_number() || (has_sizes && sizes == nullptr)) return false;
  const auto parts = pieces(dims[axis].number(), sizes != nullptr ? &model_.graph.fact(*sizes) : nullptr);
  if (!parts || !may_expand(parts->size())) return false;
  const bool squeezes = !has_sizes && integer_of(proto, "keepdims", 1) == 0;
  const std::string name = scope.prefix + proto.output(0);
  const auto list = [&](const char* what, std::int64_t value) {
    return constant(name + what, Tensor::from<std::int64_t>(Shape{1}, {value}));
  };
  const ValueId axes = list(".axes", static_cast<std::int64_t>(axis)), whole = *x;
  std::vector<ValueId> sequence;
  std::int64_t begin = 0;
  for (const std::int64_t size : *parts) {
    const ValueId starts = list(".starts", begin), ends = list(".ends", begin += size);
    sequence.push_back(append(Slice{}, {whole, starts, ends, axes}, name));
    if (squeezes) sequence.back() = append(Squeeze{}, {sequence.back(), axes}, name);
  }
  return keep_sequence(proto.output(0), std::move(sequence), scope);
}

bool GraphReader::concat_from_sequence(const ::onnx::NodeProto& proto, Scope& scope) {
  const auto* found = scope.find_sequence(proto.input(0));
  if (found == nullptr) return false;
  std::vector<ValueId> parts = *found;
  if (parts.empty()) throw Error(Fault::malformed, "joins an empty sequence");
  const std::int64_t axis = integer_of(proto, "axis", 0);
  const std::string name = scope.prefix + proto.output(0);
  if (integer_of(proto, "new_axis", 0) != 0) {
    if (!may_expand(parts.size())) return false;
    const ValueId axes = constant(name + ".axes", Tensor::from<std::int64_t>(Shape{1}, {axis}));
    for (ValueId& part : parts) part = append(Unsqueeze{}, {part, axes}, name + ".part");
  }
  const std::string made = scope.renames() ? names_.fresh(name) : proto.output(0);
  scope.values.emplace(proto.output(0),
                       model_.graph.append(Concat{.axis = axis}, std::move(parts), scope.prefix + proto.name(), {made}));
  return true;
}

bool GraphReader::read_sequence(const ::onnx::NodeProto& proto, Scope& scope) {
  const std::string& type = proto.op_type();
  const int inputs = proto.input_size();
  if (type == "SequenceConstruct" || type == "SequenceEmpty") {
    std::vector<ValueId> parts;
    for (const std::string& input : proto.input()) {
      const ValueId* value = scope.find(input);
      if (value == nullptr || value->is_none()) return false;
      parts.push_back(*value);
    }
    return keep_sequence(proto.output(0), std::move(parts), scope);
  }
  if (type == "SplitToSequence") return inputs > 0 && split_to_sequence(proto, scope);
  const auto* sequence = inputs > 0 ? scope.find_sequence(proto.input(0)) : nullptr;
  if (sequence == nullptr) return false;
  if (type == "ConcatFromSequence") return concat_from_sequence(proto, scope);
  if (type == "Identity") {
    bind_output(proto, 0, *sequence, scope);
    return true;
  }
  if (type == "SequenceLength") {
    const auto length = static_cast<std::int64_t>(sequence->size());
    bind_output(proto, 0, constant(scope.prefix + proto.output(0) + ".length", Tensor::from<std::int64_t>(Shape{}, {length})),
                scope);
    return true;
  }
  // The last input says where; it may be left out of all but SequenceAt.
  const int at = type == "SequenceInsert" ? 2 : 1;
  const bool says_where = is_given(proto, at, scope);
  const ValueId* given = says_where ? scope.find(proto.input(at)) : nullptr;
  const auto position = given != nullptr ? known_integer(model_.graph, *given) : std::nullopt;
  if (says_where && !position) return false;
  if (type == "SequenceAt" && says_where) {
    bind_output(proto, 0, (*sequence)[place(*position, sequence->size(), false)], scope);
    return true;
  }
  std::vector<ValueId> parts = *sequence;
  if (type == "SequenceErase") {
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(place(position.value_or(-1), parts.size(), false)));
  } else if (type == "SequenceInsert" && inputs > 1) {
    const ValueId* value = scope.find(proto.input(1));
    if (value == nullptr || value->is_none()) return false;
    const std::size_t where = says_where ? place(*position, parts.size(), true) : parts.size();
    parts.insert(parts.begin() + static_cast<std::ptrdiff_t>(where), *value);
  } else {
    return false;
  }
  return keep_sequence(proto.output(0), std::move(parts), scope);
}

}  // namespace resnet::onnx
