#include "lib/graph/ops/activation.h"

#include <fmt/format.h>

#include <cmath>

#include "lib/base/error.h"
#include "lib/graph/ops/check.h"

namespace resnet {

std::vector<Fact> infer(const Clip&, const Facts& inputs, std::size_t) {
  common_dtype(inputs, {0, 1, 2});
  for (std::size_t i = 1; i < 3; ++i) {
    if (inputs.has(i)) check_scalar(inputs[i], i == 1 ? "min" : "max");
  }
  return {same_as(inputs[0])};
}

double Sigmoid::at(double x) const {
  // exp of a negative number only, so that nothing overflows.
  const double e = std::exp(-std::abs(x));
  return x >= 0 ? 1.0 / (1.0 + e) : e / (1.0 + e);
}

double HardSigmoid::at(double x) const {
  const double y = static_cast<double>(alpha) * x + static_cast<double>(beta);
  return y < 0.0 ? 0.0 : y > 1.0 ? 1.0 : y;
}

}  // namespace resnet
