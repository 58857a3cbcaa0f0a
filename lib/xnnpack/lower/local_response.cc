// LRN: each channel by what is around it.
#include <algorithm>
#include <cmath>

#include "lib/xnnpack/emitter.h"
#include "lib/xnnpack/faults.h"
#include "lib/xnnpack/lower/lower.h"

namespace resnet::xnnpack {

namespace {

class LocalResponseStep final : public Step {
 public:
  LocalResponseStep(const LRN& op, const Site& site)
      : Step(site), op_(op), wants_(site.has_rank(0, 4) ? Layout::nhwc : Layout::as_graph) {}
  std::string_view kind() const override { return "local_response"; }
  Layout wants() const override { return wants_; }

  void emit(Emitter& e) const override {
    const ValueId x = e.node().inputs[0];
    const Order order = channels_last(e.shape(x).rank());
    const int from = e.demand(x, order);
    const int to = e.produce(output(), order);
    const auto row = static_cast<std::size_t>(e.shape(x)[1]);
    e.add_loop({{from}, {to}}, e.elements(x) / row, std::max<std::size_t>(2048 / row, 1),
               [this, row](Addresses at, std::size_t begin, std::size_t end) {
                 for (std::size_t i = begin; i < end; ++i)
                   normalize(as<float>(at[0]) + i * row, as<float>(at[1]) + i * row, static_cast<std::int64_t>(row));
               });
  }

 private:
  void normalize(const float* x, float* y, std::int64_t channels) const {
    // As many channels before as after; of an even size one more after.
    const std::int64_t before = (op_.size - 1) / 2, after = op_.size - 1 - before;
    const double factor = static_cast<double>(op_.alpha) / static_cast<double>(op_.size);
    for (std::int64_t c = 0; c < channels; ++c) {
      double squares = 0;
      const std::int64_t last = c + std::min(after, channels - 1 - c);
      const std::int64_t first =
          std::max<std::int64_t>(0, c - before) + (has_fault(PlantedFault::neighbour_lost) && c > 0 ? 1 : 0);
      for (std::int64_t k = first; k <= last; ++k) squares += static_cast<double>(x[k]) * static_cast<double>(x[k]);
      y[c] = static_cast<float>(static_cast<double>(x[c]) / power(static_cast<double>(op_.bias) + factor * squares));
    }
  }

  // base ^ beta, and without a logarithm where the operator's default is meant.
  double power(double base) const {
    if (op_.beta == 0.75f) return std::sqrt(base) * std::sqrt(std::sqrt(base));
    return std::pow(base, static_cast<double>(op_.beta));
  }

  LRN op_;
  Layout wants_;
};

}  // namespace

std::unique_ptr<Step> lower(const LRN& op, const Site& site) {
  return site.is_float() && site.rank(0) >= 2 ? std::make_unique<LocalResponseStep>(op, site) : nullptr;
}

}  // namespace resnet::xnnpack
