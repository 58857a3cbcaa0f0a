#include "lib/graph/ops/softmax.h"

#include "lib/graph/ops/check.h"

namespace resnet {

namespace {

std::vector<Fact> infer_along(std::int64_t axis, bool coerce_to_2d, const Fact& x) {
  // The 2-D coercion may also be at the very end: all dims before it.
  if (x.has_rank() && !(coerce_to_2d && axis == static_cast<std::int64_t>(x.rank()))) normalize_axis(axis, x.rank());
  return {same_as(x)};
}

}  // namespace

std::vector<Fact> infer(const Softmax& op, const Facts& inputs, std::size_t) {
  return infer_along(op.axis, op.coerce_to_2d, inputs[0]);
}
std::vector<Fact> infer(const LogSoftmax& op, const Facts& inputs, std::size_t) {
  return infer_along(op.axis, op.coerce_to_2d, inputs[0]);
}

}  // namespace resnet
