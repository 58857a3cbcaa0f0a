#include "lib/reference/ops/compute.h"
#include "lib/reference/ops/convolve.h"

namespace resnet::reference {

void compute(const Conv& op, Inputs inputs, Outputs outputs) {
  const Tensor &x = *inputs[0], &w = *inputs[1];
  Tensor& y = outputs[0];
  const auto weights = w.values_as<double>();
  const auto bias = has(inputs, 2) ? inputs[2]->values_as<double>() : std::vector<double>{};
  dispatch_real(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    T* target = y.mutable_data<T>().data();
    convolve<T>(op, x, 0, w.shape(), weights.data(), y.shape(),
                [&](std::int64_t channel, std::int64_t offset, const double* sums, std::int64_t count) {
                  const double shift = bias.empty() ? 0.0 : bias[static_cast<std::size_t>(channel)];
                  for (std::int64_t i = 0; i < count; ++i) target[offset + i] = to_element<T>(sums[i] + shift);
                });
  });
}

}  // namespace resnet::reference
