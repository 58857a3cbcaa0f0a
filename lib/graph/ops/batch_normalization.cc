#include "lib/graph/ops/batch_normalization.h"

#include <fmt/format.h>

#include "lib/base/error.h"
#include "lib/graph/ops/check.h"

namespace resnet {

std::vector<Fact> infer(const BatchNormalization&, const Facts& inputs, std::size_t outputs) {
  static constexpr const char* names[] = {"X", "scale", "B", "input_mean", "input_var"};
  const Fact& x = inputs[0];
  if (x.has_rank() && x.rank() < 1) throw Error(ErrorKind::invalid_model, "X is a scalar, expected (N, C, ...)");
  const Dim channels = x.has_rank() ? (x.rank() > 1 ? (*x.dims)[1] : Dim(1)) : Dim(0);
  for (std::size_t i = 1; i < 5; ++i) {
    const auto shape = inputs[i].shape();
    if (!shape) continue;
    const bool fits = shape->rank() == 1 && (!x.has_rank() || !channels.is_number() || (*shape)[0] == channels.number());
    if (!fits) {
      throw Error(ErrorKind::invalid_model,
                  fmt::format("{} is {}, expected {} for an input of {}", names[i], shape->to_string(),
                              x.has_rank() ? channels.to_string() : "a vector", x.has_rank() ? to_string(*x.dims) : "?"));
    }
  }
  std::vector<Fact> facts = {same_as(x)};
  for (std::size_t i = 1; i < outputs; ++i) facts.push_back(same_as(inputs[i % 2 == 1 ? 3 : 4]));
  return facts;
}

}  // namespace resnet
