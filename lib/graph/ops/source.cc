#include "lib/graph/ops/source.h"

#include <fmt/format.h>

#include "lib/base/error.h"
#include "lib/graph/ops/check.h"

namespace resnet {

std::vector<Fact> infer(const Input&, const Facts&, std::size_t) { return {Fact::unknown()}; }
std::vector<Fact> infer(const Constant& op, const Facts&, std::size_t) { return {Fact::constant(op.value)}; }

std::vector<Fact> infer(const ConstantOfShape& op, const Facts& inputs, std::size_t) {
  if (op.value.elements() != 1) {
    throw Error(Fault::malformed, fmt::format("value is {}, expected one element", op.value.shape().to_string()));
  }
  check_dtype(inputs[0], "shape", {DType::int64});
  check_vector(inputs[0], "shape");
  Fact fact{op.value.dtype(), std::nullopt, std::nullopt, std::nullopt};
  if (!inputs[0].elements) return {std::move(fact)};
  for (const Dim& dim : *inputs[0].elements) {
    if (dim.is_number() && dim.number() < 0) throw Error(Fault::malformed, fmt::format("shape holds {}", dim.number()));
  }
  fact.dims = inputs[0].elements;
  const bool integers = op.value.dtype() == DType::int64 || op.value.dtype() == DType::int32;
  if (integers && fact.rank() <= 1) {
    const Dim count = fact.rank() == 0 ? Dim(1) : fact.dims->front();
    if (count.is_number() && count.number() <= 64) {
      fact.elements = Dims(static_cast<std::size_t>(count.number()), Dim(op.value.values_as<std::int64_t>().front()));
    }
  }
  return {std::move(fact)};
}

std::vector<Fact> infer(const ShapeOf& op, const Facts& inputs, std::size_t) {
  if (!inputs[0].dims) return {Fact{DType::int64, std::nullopt, std::nullopt, std::nullopt}};
  const Dims& dims = *inputs[0].dims;
  const auto rank = static_cast<std::int64_t>(dims.size());
  const auto clamp = [rank](std::int64_t index) {
    if (index < 0) index = index < -rank ? 0 : index + rank;
    return std::min(index, rank);
  };
  const std::int64_t start = clamp(op.start), end = std::max(clamp(op.end.value_or(rank)), start);
  return {Fact::of_elements(Dims(dims.begin() + start, dims.begin() + end))};
}

std::vector<Fact> infer(const Cast& op, const Facts& inputs, std::size_t) {
  Fact fact = same_as(inputs[0]);
  const bool integers = op.to == DType::int64 || op.to == DType::int32;
  if (integers && (fact.dtype == DType::int64 || fact.dtype == DType::int32))
    fact.elements = bounded_elements(inputs[0].elements, op.to);
  fact.dtype = op.to;
  return {std::move(fact)};
}

std::vector<Fact> infer(const Identity&, const Facts& inputs, std::size_t) { return {inputs[0]}; }

std::vector<Fact> infer(const Dropout&, const Facts& inputs, std::size_t outputs) {
  std::vector<Fact> facts = {same_as(inputs[0])};
  if (outputs > 1) {
    facts.push_back(facts[0]);
    facts[1].dtype = DType::boolean;
  }
  return facts;
}

}  // namespace resnet
