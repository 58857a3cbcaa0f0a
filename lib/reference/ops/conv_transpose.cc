#include <algorithm>

#include "lib/reference/ops/compute.h"
#include "lib/reference/ops/loops.h"

namespace resnet::reference {

namespace {

struct Axis {
  TransposedAxis window;
  std::int64_t in, out;
};

// sums += factor * x at one place of the kernel, whose place along each axis is in `tap`.
void add_shifted(std::span<const Axis> axes, std::span<const std::int64_t> tap, const double* x, double factor, double* sums) {
  const Axis& axis = axes.front();
  const std::int64_t shift = tap.front() * axis.window.dilation - axis.window.pad, stride = axis.window.stride;
  std::int64_t in_step = 1, out_step = 1;
  for (const Axis& inner : axes.subspan(1)) {
    in_step *= inner.in;
    out_step *= inner.out;
  }
  // Elements [first, end) of x land inside.
  const std::int64_t first = shift >= 0 ? 0 : (-shift + stride - 1) / stride;
  const std::int64_t end = shift >= axis.out ? 0 : std::min(axis.in, (axis.out - 1 - shift) / stride + 1);
  for (std::int64_t i = first; i < end; ++i) {
    const std::int64_t at = i * stride + shift;
    if (axes.size() == 1) {
      sums[at] += factor * x[i];
    } else {
      add_shifted(axes.subspan(1), tap.subspan(1), x + i * in_step, factor, sums + at * out_step);
    }
  }
}

}  // namespace

void compute(const ConvTranspose& op, Inputs inputs, Outputs outputs) {
  const Tensor& x = *inputs[0];
  const Shape& w = inputs[1]->shape();
  Tensor& y = outputs[0];
  if (y.elements() == 0) return;
  const std::vector<std::int64_t> kernel(w.dims().begin() + 2, w.dims().end());
  std::vector<Axis> axes;
  std::int64_t in_map = 1, out_map = 1, taps = 1;
  for (const TransposedAxis& window : transposed_axes(op, kernel, Dims(x.shape().dims().begin() + 2, x.shape().dims().end()))) {
    axes.push_back({window, x.shape()[axes.size() + 2], y.shape()[axes.size() + 2]});
    in_map *= axes.back().in;
    out_map *= axes.back().out;
    taps *= window.kernel;
  }
  const std::int64_t batch = x.shape()[0], channels = w[0] / op.group, maps = w[1];
  const auto source = x.values_as<double>(), weights = inputs[1]->values_as<double>();
  const auto bias =
      has(inputs, 2) ? inputs[2]->values_as<double>() : std::vector<double>(static_cast<std::size_t>(maps * op.group), 0.0);
  std::vector<double> sums(static_cast<std::size_t>(out_map));
  std::vector<std::int64_t> tap(axes.size());
  dispatch_real(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    T* target = y.mutable_data<T>().data();
    for (std::int64_t map = 0; map < batch * op.group * maps; ++map) {
      const std::int64_t m = map % maps, group = map / maps % op.group, n = map / maps / op.group;
      std::fill(sums.begin(), sums.end(), bias[static_cast<std::size_t>(group * maps + m)]);
      for (std::int64_t c = group * channels; c < (group + 1) * channels; ++c) {
        for (std::int64_t k = 0; k < taps; ++k) {
          std::int64_t rest = k;
          for (std::size_t i = axes.size(); i-- > 0; rest /= axes[i].window.kernel) tap[i] = rest % axes[i].window.kernel;
          add_shifted(axes, tap, source.data() + (n * w[0] + c) * in_map,
                      weights[static_cast<std::size_t>((c * maps + m) * taps + k)], sums.data());
        }
      }
      for (const double sum : sums) *target++ = to_element<T>(sum);
    }
  });
}

}  // namespace resnet::reference
