#include "lib/graph/ops/activation.h"

#include <fmt/format.h>

#include "lib/base/error.h"
#include "lib/graph/ops/check.h"

namespace resnet {

std::vector<Fact> infer(const Relu&, const Facts& inputs, std::size_t) { return {same_as(inputs[0])}; }

std::vector<Fact> infer(const Clip&, const Facts& inputs, std::size_t) {
  common_dtype(inputs, {0, 1, 2});
  for (std::size_t i = 1; i < 3; ++i) {
    if (!inputs.has(i)) continue;
    const auto shape = inputs[i].shape();
    if (shape && shape->elements() != 1) {
      throw Error(Fault::malformed, fmt::format("{} is {}, expected a scalar", i == 1 ? "min" : "max", shape->to_string()));
    }
  }
  return {same_as(inputs[0])};
}

std::vector<Fact> infer(const Sigmoid&, const Facts& inputs, std::size_t) { return {same_as(inputs[0])}; }
std::vector<Fact> infer(const HardSigmoid&, const Facts& inputs, std::size_t) { return {same_as(inputs[0])}; }

}  // namespace resnet
