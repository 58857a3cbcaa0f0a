#pragma once

#include <span>

namespace resnet {

// How much stronger a signal is than what was added to it.
class SignalToNoise {
 public:
  void add(double signal, double noisy);
  void add(std::span<const float> signal, std::span<const float> noisy);
  // 10 log10(signal^2 / noise^2); infinite where there is no noise, 0 where there is no signal either.
  double decibels() const;

 private:
  double signal_ = 0, noise_ = 0;
};

}  // namespace resnet
