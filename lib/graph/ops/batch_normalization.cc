#include "lib/graph/ops/batch_normalization.h"

#include <fmt/format.h>

#include <optional>

#include "lib/base/error.h"
#include "lib/graph/ops/check.h"

namespace resnet {

std::vector<Fact> infer(const BatchNormalization&, const Facts& inputs, std::size_t outputs) {
  static constexpr const char* names[] = {"X", "scale", "B", "input_mean", "input_var"};
  const Fact& x = inputs[0];
  // Scale and B have one type and mean and variance one, which need not be X's (version 15).
  common_dtype(inputs, {1, 2});
  common_dtype(inputs, {3, 4});
  if (x.has_rank() && x.rank() < 1) throw Error(Fault::malformed, "X is a scalar, expected (N, C, ...)");
  std::optional<Dim> channels;
  if (x.has_rank()) channels = x.rank() > 1 ? (*x.dims)[1] : Dim(1);
  for (std::size_t i = 1; i < 5; ++i) {
    if (!inputs[i].has_rank()) continue;
    const Dims& dims = *inputs[i].dims;
    const bool compare = dims.size() == 1 && dims[0].is_number() && channels && channels->is_number();
    if (dims.size() != 1 || (compare && dims[0] != *channels)) {
      throw Error(Fault::malformed,
                  fmt::format("{} is {}, expected {} for an input of {}", names[i], to_string(dims),
                              channels ? channels->to_string() : "a vector", x.has_rank() ? to_string(*x.dims) : "?"));
    }
    // Where X does not say, the parameters must still agree with each other.
    if (dims[0].is_number() && (!channels || !channels->is_number())) channels = dims[0];
  }
  std::vector<Fact> facts = {same_as(x)};
  for (std::size_t i = 1; i < outputs; ++i) facts.push_back(same_as(inputs[i % 2 == 1 ? 3 : 4]));
  return facts;
}

}  // namespace resnet
