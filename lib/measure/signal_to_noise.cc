#include "lib/measure/signal_to_noise.h"

#include <cmath>
#include <cstddef>
#include <limits>

namespace resnet {

void SignalToNoise::add(double signal, double noisy) {
  const double error = noisy - signal;
  signal_ += signal * signal;
  noise_ += error * error;
}

void SignalToNoise::add(std::span<const float> signal, std::span<const float> noisy) {
  for (std::size_t i = 0; i < signal.size(); ++i) add(static_cast<double>(signal[i]), static_cast<double>(noisy[i]));
}

double SignalToNoise::decibels() const {
  if (noise_ == 0) return std::numeric_limits<double>::infinity();
  return signal_ == 0 ? 0 : 10 * std::log10(signal_ / noise_);
}

}  // namespace resnet
