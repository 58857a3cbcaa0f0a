// BatchNormalization that could not be folded, with the activation after it.
#include <algorithm>
#include <cmath>
#include <vector>

#include "lib/kernels/elementwise.h"
#include "lib/xnnpack/emitter.h"
#include "lib/xnnpack/lower/activation.h"
#include "lib/xnnpack/lower/elementwise.h"
#include "lib/xnnpack/lower/lower.h"

namespace resnet::xnnpack {

namespace {

class NormalizationStep final : public ActivatedStep {
 public:
  NormalizationStep(const BatchNormalization& norm, const Site& site)
      : ActivatedStep(Channels::second, site), wants_(site.has_rank(0, 4) ? Layout::nhwc : Layout::as_graph) {
    const auto values = [&](std::size_t index) { return site.fact(index).value->values_as<double>(); };
    const auto scale = values(1), shift = values(2), mean = values(3), variance = values(4);
    for (std::size_t c = 0; c < scale.size(); ++c) {
      const double factor = scale[c] / std::sqrt(variance[c] + static_cast<double>(norm.epsilon));
      scale_.push_back(static_cast<float>(factor));
      shift_.push_back(static_cast<float>(shift[c] - mean[c] * factor));
    }
  }
  std::string_view kind() const override { return "normalization"; }
  Layout wants() const override { return wants_; }

  void emit(Emitter& e) const override {
    const Order order = channels_last(e.shape(output()).rank());
    const int from = e.demand(e.node().inputs[0], order);
    const int to = e.produce(output(), order);
    const std::size_t channels = scale_.size();
    e.add_loop({{from}, {to}}, e.elements(output()) / channels, std::max<std::size_t>(loop_grain / channels, 1),
               [this, channels](Addresses at, std::size_t begin, std::size_t end) {
                 kernels::scale_shift_clamped(as<float>(at[0]) + begin * channels, scale_.data(), shift_.data(),
                                              as<float>(at[1]) + begin * channels, end - begin, channels, activation().least,
                                              activation().most);
                 if (finish()) finish().apply(as<float>(at[1]), begin * channels, end * channels);
               });
  }

 private:
  Layout wants_;
  std::vector<float> scale_, shift_;  // per channel
};

}  // namespace

std::unique_ptr<Step> lower(const BatchNormalization& norm, const Site& site) {
  bool fits = site.is_float() && site.rank(0) >= 2 && !norm.training_mode;
  for (std::size_t i = 1; i < 5; ++i) fits = fits && site.is_constant(i);
  return fits ? std::make_unique<NormalizationStep>(norm, site) : nullptr;
}

}  // namespace resnet::xnnpack
