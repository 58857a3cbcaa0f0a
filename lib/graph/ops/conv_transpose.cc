#include "lib/graph/ops/conv_transpose.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/base/error.h"
#include "lib/graph/ops/check.h"

namespace resnet {

namespace {

// No image, kernel or stride is larger; below it, their products fit into 64 bits.
constexpr std::int64_t most = std::int64_t{1} << 30;

}  // namespace

std::vector<TransposedAxis> transposed_axes(const ConvTranspose& op, const std::vector<std::int64_t>& kernel,
                                            const Dims& spatial) {
  const std::size_t rank = spatial.size();
  const auto strides = checked_list(op.strides, rank, 1, 1, most, "strides"),
             dilations = checked_list(op.dilations, rank, 1, 1, most, "dilations");
  const auto padding = checked_list(op.output_padding, rank, 0, 0, most, "output_padding");
  const auto pads = checked_list(op.pads, 2 * rank, 0, 0, most, "pads");
  checked_list(kernel, rank, 1, 1, most, "kernel_shape");
  // Some write the batch and the channels before it.
  std::vector<std::int64_t> shape = op.output_shape;
  if (shape.size() == rank + 2) shape.erase(shape.begin(), shape.begin() + 2);
  const auto outputs = checked_list(shape, rank, 0, 1, most, "output_shape");
  const bool same = op.auto_pad == AutoPad::same_upper || op.auto_pad == AutoPad::same_lower;
  std::vector<TransposedAxis> axes;
  for (std::size_t i = 0; i < rank; ++i) {
    const Dim& in = spatial[i];
    if (in.is_number() && (in.number() < 1 || in.number() > most))
      throw Error(Fault::malformed, fmt::format("a spatial size of {}", in.number()));
    if (kernel[i] - 1 > most / dilations[i])
      throw Error(Fault::malformed, fmt::format("a kernel of {} dilated by {} is too large", kernel[i], dilations[i]));
    TransposedAxis axis{kernel[i], strides[i], dilations[i], 0, Dim(0)};
    const std::int64_t reach = (kernel[i] - 1) * dilations[i] + 1;
    const Dim whole = (in - 1) * strides[i] + (reach + padding[i]);  // without padding
    if (!shape.empty() || same) {
      axis.output = shape.empty() ? in * strides[i] : Dim(outputs[i]);
      const Dim total = whole - axis.output;
      const std::int64_t all = total.is_number() ? std::max<std::int64_t>(total.number(), 0)
                                                 : std::max<std::int64_t>(reach + padding[i] - strides[i], 0);
      axis.pad = op.auto_pad == AutoPad::same_upper ? all / 2 : all - all / 2;
    } else {
      const bool explicit_pads = op.auto_pad == AutoPad::notset;
      axis.pad = explicit_pads ? pads[i] : 0;
      axis.output = whole - (explicit_pads ? pads[i] + pads[rank + i] : 0);
    }
    if (axis.output.is_number() && axis.output.number() < 0)
      throw Error(Fault::malformed, fmt::format("pads of {} and {} leave nothing of axis {}", pads[i], pads[rank + i], i + 2));
    axes.push_back(axis);
  }
  return axes;
}

std::vector<Fact> infer(const ConvTranspose& op, const Facts& inputs, std::size_t) {
  Fact fact{common_dtype(inputs, {0, 1, 2}), std::nullopt, std::nullopt, std::nullopt};
  const Fact &x = inputs[0], &w = inputs[1];
  if (op.group < 1) throw Error(Fault::malformed, fmt::format("group is {}, expected at least 1", op.group));
  if (!x.dims || !w.dims) return {std::move(fact)};
  if (x.rank() < 3 || x.rank() != w.rank()) {
    throw Error(Fault::malformed, fmt::format("weight is {} for an input of {}, expected equal ranks of at least 3",
                                              to_string(*w.dims), to_string(*x.dims)));
  }
  const auto weight = w.shape();
  if (!weight) return {std::move(fact)};
  const std::vector<std::int64_t> kernel(weight->dims().begin() + 2, weight->dims().end());
  if (!op.kernel_shape.empty() && op.kernel_shape != kernel)
    throw Error(Fault::malformed, fmt::format("weight is {}, which kernel_shape does not fit", weight->to_string()));
  if ((*weight)[0] % op.group != 0 || ((*x.dims)[1].is_number() && (*x.dims)[1].number() != (*weight)[0])) {
    throw Error(Fault::malformed, fmt::format("weight is {} for an input of {} channels in {} group{}", weight->to_string(),
                                              (*x.dims)[1].to_string(), op.group, op.group == 1 ? "" : "s"));
  }
  const Dim channels = Dim((*weight)[1]) * op.group;
  if (inputs.has(2)) {
    const auto bias = inputs[2].shape();
    if (bias && (bias->rank() != 1 || !channels.is((*bias)[0])))
      throw Error(Fault::malformed, fmt::format("bias is {}, expected {}", bias->to_string(), channels.to_string()));
  }
  fact.dims = Dims{(*x.dims)[0], channels};
  for (const TransposedAxis& axis : transposed_axes(op, kernel, Dims(x.dims->begin() + 2, x.dims->end())))
    fact.dims->push_back(axis.output);
  return {std::move(fact)};
}

}  // namespace resnet
