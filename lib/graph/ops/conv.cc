#include "lib/graph/ops/conv.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "lib/base/error.h"
#include "lib/graph/ops/check.h"

namespace resnet {

Window window_of(const Conv& conv, const std::vector<std::int64_t>& kernel, const Dims& spatial) {
  return resolve_window({conv.auto_pad, kernel, conv.strides, conv.dilations, conv.pads, false}, spatial);
}

std::optional<Dims> convolved_dims(const Conv& conv, const Fact& x, const Fact& w, const Fact* bias) {
  if (conv.group < 1) throw Error(Fault::malformed, fmt::format("group is {}, expected at least 1", conv.group));
  const auto weight = w.shape();
  if (w.has_rank() && w.rank() < 3) {
    throw Error(Fault::malformed, fmt::format("weight is {}, expected (M, C/group, kernel...)", to_string(*w.dims)));
  }
  if (x.has_rank() && w.has_rank() && x.rank() != w.rank()) {
    throw Error(Fault::malformed,
                fmt::format("weight is {} for an input of {}, expected equal ranks", to_string(*w.dims), to_string(*x.dims)));
  }
  if (weight) {
    const Shape& m = *weight;
    const std::vector<std::int64_t> kernel(m.dims().begin() + 2, m.dims().end());
    if (!conv.kernel_shape.empty() && conv.kernel_shape != kernel) {
      throw Error(Fault::malformed, fmt::format("weight is {}, expected a kernel of {} as kernel_shape says", m.to_string(),
                                                fmt::join(conv.kernel_shape, "x")));
    }
    if (m[0] % conv.group != 0) {
      throw Error(Fault::malformed, fmt::format("{} output channels cannot be divided into {} groups", m[0], conv.group));
    }
    if (x.has_rank() && (*x.dims)[1].is_number()) {
      const std::int64_t channels = (*x.dims)[1].number();
      if (channels % conv.group != 0 || channels / conv.group != m[1]) {
        throw Error(Fault::malformed, fmt::format("weight is {} for an input of {} channels in {} group{}, expected {}x{}x{}",
                                                  m.to_string(), channels, conv.group, conv.group == 1 ? "" : "s", m[0],
                                                  channels % conv.group == 0 ? std::to_string(channels / conv.group) : "?",
                                                  fmt::join(kernel, "x")));
      }
    }
    if (bias != nullptr) {
      if (bias->has_rank() && bias->rank() != 1)
        throw Error(Fault::malformed, fmt::format("bias is {}, expected {}", to_string(*bias->dims), m[0]));
      if (const auto shape = bias->shape(); shape && (*shape)[0] != m[0]) {
        throw Error(Fault::malformed, fmt::format("bias has {} elements, expected {}", (*shape)[0], m[0]));
      }
    }
    if (!x.has_rank()) return std::nullopt;
    const Window window = window_of(conv, kernel, Dims(x.dims->begin() + 2, x.dims->end()));
    Dims dims = {(*x.dims)[0], m[0]};
    dims.insert(dims.end(), window.output.begin(), window.output.end());
    return dims;
  }
  return std::nullopt;
}

std::vector<Fact> infer(const Conv& conv, const Facts& inputs, std::size_t) {
  const auto dtype = common_dtype(inputs, {0, 1, 2});
  return {{dtype, convolved_dims(conv, inputs[0], inputs[1], inputs.has(2) ? &inputs[2] : nullptr), std::nullopt, std::nullopt}};
}

}  // namespace resnet
