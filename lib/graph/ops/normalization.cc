#include "lib/graph/ops/normalization.h"

#include <fmt/format.h>

#include "lib/base/error.h"
#include "lib/graph/ops/check.h"

namespace resnet {

namespace {

// x (N, C, ...) and vectors of C as the inputs after it.
void check_channels(const Facts& inputs) {
  const Fact& x = inputs[0];
  if (x.has_rank() && x.rank() < 2)
    throw Error(Fault::malformed, fmt::format("input is {}, expected N x C and more", to_string(*x.dims)));
  for (std::size_t i = 1; i < inputs.size(); ++i) {
    if (!inputs.has(i)) continue;
    check_vector(inputs[i], i == 1 ? "scale" : "bias");
    const auto shape = inputs[i].shape();
    if (!shape || !x.has_rank() || !(*x.dims)[1].is_number() || shape->elements() == (*x.dims)[1].number()) continue;
    throw Error(Fault::malformed, fmt::format("{} has {} elements, expected {} as there are channels", i == 1 ? "scale" : "bias",
                                              shape->elements(), (*x.dims)[1].number()));
  }
}

// That an input broadcasts to the dims from `axis` on.
void check_broadcasts(const Fact& x, std::size_t axis, const Facts& inputs, std::size_t index) {
  if (!inputs.has(index) || !inputs[index].dims) return;
  const Dims rest(x.dims->begin() + static_cast<std::ptrdiff_t>(axis), x.dims->end());
  const Dims& own = *inputs[index].dims;
  if (own.size() > x.dims->size() || broadcast(*x.dims, own).size() != x.dims->size()) {
    throw Error(Fault::malformed, fmt::format("cannot broadcast {} to {}", to_string(own), to_string(rest)));
  }
  const Dims whole = broadcast(*x.dims, own);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    if ((*x.dims)[i].is_number() && whole[i] != (*x.dims)[i])
      throw Error(Fault::malformed, fmt::format("cannot broadcast {} to {}", to_string(own), to_string(rest)));
  }
}

}  // namespace

std::vector<Fact> infer(const InstanceNormalization&, const Facts& inputs, std::size_t) {
  check_channels(inputs);
  return {same_as(inputs[0])};
}

std::vector<Fact> infer(const GroupNormalization& op, const Facts& inputs, std::size_t) {
  check_channels(inputs);
  const Fact& x = inputs[0];
  if (op.num_groups < 1) throw Error(Fault::malformed, fmt::format("num_groups is {}, expected at least 1", op.num_groups));
  if (x.has_rank() && (*x.dims)[1].is_number() && (*x.dims)[1].number() % op.num_groups != 0) {
    throw Error(Fault::malformed,
                fmt::format("{} channels cannot be divided into {} groups", (*x.dims)[1].number(), op.num_groups));
  }
  return {same_as(x)};
}

std::vector<Fact> infer(const LayerNormalization& op, const Facts& inputs, std::size_t outputs) {
  std::vector<Fact> facts = {same_as(inputs[0])};
  Fact statistic{DType::float32, inputs[0].dims, std::nullopt, std::nullopt};
  if (inputs[0].has_rank()) {
    const std::size_t first = normalize_axis(op.axis, inputs[0].rank());
    for (std::size_t i = 1; i < 3; ++i) check_broadcasts(inputs[0], first, inputs, i);
    for (std::size_t axis = first; axis < statistic.rank(); ++axis) (*statistic.dims)[axis] = 1;
  }
  facts.resize(outputs, statistic);
  return facts;
}

std::vector<Fact> infer(const RMSNormalization& op, const Facts& inputs, std::size_t) {
  if (inputs[0].has_rank()) check_broadcasts(inputs[0], normalize_axis(op.axis, inputs[0].rank()), inputs, 1);
  return {same_as(inputs[0])};
}

std::vector<Fact> infer(const MeanVarianceNormalization& op, const Facts& inputs, std::size_t) {
  if (inputs[0].has_rank()) {
    for (const std::int64_t axis : op.axes) normalize_axis(axis, inputs[0].rank());
  }
  return {same_as(inputs[0])};
}

std::vector<Fact> infer(const LpNormalization& op, const Facts& inputs, std::size_t) {
  if (op.p != 1 && op.p != 2) throw Error(Fault::malformed, fmt::format("p is {}, expected 1 or 2", op.p));
  if (inputs[0].has_rank()) normalize_axis(op.axis, inputs[0].rank());
  return {same_as(inputs[0])};
}

std::vector<Fact> infer(const LRN& op, const Facts& inputs, std::size_t) {
  if (op.size < 1) throw Error(Fault::malformed, fmt::format("size is {}, expected at least 1", op.size));
  if (inputs[0].has_rank() && inputs[0].rank() < 2) {
    throw Error(Fault::malformed, fmt::format("input is {}, expected N x C and more", to_string(*inputs[0].dims)));
  }
  return {same_as(inputs[0])};
}

}  // namespace resnet
