#include <cmath>

#include "lib/reference/ops/compute.h"
#include "lib/reference/ops/loops.h"

namespace resnet::reference {

namespace {

// Mean and variance of each channel over the batch and the positions.
void measure(const Tensor& x, std::vector<double>& mean, std::vector<double>& variance) {
  const std::size_t channels = mean.size();
  const std::int64_t map = x.elements() / (x.shape()[0] * static_cast<std::int64_t>(channels));
  const double count = static_cast<double>(x.elements()) / static_cast<double>(channels);
  mean.assign(channels, 0.0);
  variance.assign(channels, 0.0);
  dispatch_real(x.dtype(), [&](auto zero) {
    const auto values = x.data<decltype(zero)>();
    const auto channel = [&](std::size_t i) { return i / static_cast<std::size_t>(map) % channels; };
    for (std::size_t i = 0; i < values.size(); ++i) mean[channel(i)] += static_cast<double>(to_number(values[i]));
    for (double& sum : mean) sum /= count;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double distance = static_cast<double>(to_number(values[i])) - mean[channel(i)];
      variance[channel(i)] += distance * distance;
    }
    for (double& sum : variance) sum /= count;
  });
}

// The running statistics after a batch: what they were, and a share of the batch's.
void update(const Tensor& before, const std::vector<double>& batch, float momentum, Tensor& after) {
  const auto running = before.values_as<double>();
  dispatch_real(after.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const auto target = after.mutable_data<T>();
    const double kept = static_cast<double>(momentum);
    for (std::size_t c = 0; c < target.size(); ++c) target[c] = to_element<T>(running[c] * kept + batch[c] * (1 - kept));
  });
}

}  // namespace

void compute(const BatchNormalization& op, Inputs inputs, Outputs outputs) {
  const Tensor& x = *inputs[0];
  const auto scale = inputs[1]->values_as<double>(), shift = inputs[2]->values_as<double>();
  auto mean = inputs[3]->values_as<double>(), variance = inputs[4]->values_as<double>();
  if (op.training_mode && x.elements() > 0) measure(x, mean, variance);
  for (std::size_t i = 1; i < outputs.size(); ++i) {
    if (!wants(outputs, i)) continue;
    const Tensor& before = *inputs[i % 2 == 1 ? 3 : 4];
    if (op.training_mode && x.elements() > 0) {
      update(before, i % 2 == 1 ? mean : variance, op.momentum, outputs[i]);
    } else {
      copy_bytes(before, outputs[i]);
    }
  }
  if (x.elements() == 0) return;
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
