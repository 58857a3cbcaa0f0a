#include <cmath>

#include "lib/reference/ops/compute.h"
#include "lib/reference/ops/loops.h"

namespace resnet::reference {

void compute(const BatchNormalization& op, Inputs inputs, Outputs outputs) {
  if (op.training_mode) throw Error(Fault::unsupported, "batch normalisation in training mode cannot run");
  const Tensor& x = *inputs[0];
  // The running statistics stay what they are.
  for (std::size_t i = 1; i < outputs.size(); ++i) {
    if (wants(outputs, i)) copy_bytes(*inputs[i % 2 == 1 ? 3 : 4], outputs[i]);
  }
  if (x.elements() == 0) return;
  const auto scale = inputs[1]->values_as<double>(), shift = inputs[2]->values_as<double>();
  const auto mean = inputs[3]->values_as<double>(), variance = inputs[4]->values_as<double>();
  const std::int64_t batch = x.shape()[0], channels = x.shape().rank() > 1 ? x.shape()[1] : 1;
  const std::int64_t map = x.elements() / (batch * channels);
  dispatch_real(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* source = x.data<T>().data();
    T* target = outputs[0].mutable_data<T>().data();
    for (std::int64_t n = 0; n < batch; ++n) {
      for (std::size_t c = 0; c < static_cast<std::size_t>(channels); ++c) {
        const double factor = scale[c] / std::sqrt(variance[c] + static_cast<double>(op.epsilon));
        for (std::int64_t i = 0; i < map; ++i) {
          *target++ = to_element<T>((static_cast<double>(to_number(*source++)) - mean[c]) * factor + shift[c]);
        }
      }
    }
  });
}

}  // namespace resnet::reference
