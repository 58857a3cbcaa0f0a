// Activations that a step does as it goes.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

#include "lib/kernels/chain.h"
#include "lib/xnnpack/emitter.h"
#include "lib/xnnpack/site.h"
#include "lib/xnnpack/step.h"

namespace resnet::xnnpack {

struct Activation {
  float least = -std::numeric_limits<float>::infinity();
  float most = std::numeric_limits<float>::infinity();
};

// The bounds of a Relu, or of a Clip by constants; nothing for other nodes, and for elements that are not float32.
std::optional<Activation> activation_of(const Site& site);

// A step that clamps what it computes, where an activation alone reads that.
class ClampingStep : public Step {
 public:
  using Step::Step;
  bool absorb(const Site& reader, std::size_t operand) override;

 protected:
  const Activation& activation() const { return activation_; }
  bool is_clamped() const { return clamped_; }

 private:
  Activation activation_;
  bool clamped_ = false;
};

// A step that does what elementwise nodes after it do: bounds as it computes, where a clamp comes first, and then any functions
// of single numbers and constant vectors of the channels, over what it has just computed.
class ActivatedStep : public ClampingStep {
 public:
  enum class Channels : std::uint8_t { second, last };  // which axis of the graph's they are; the last one in memory either way
  // With `takes_maps`, the other operands may also be values of the result's shape that are computed.
  ActivatedStep(Channels channels, const Site& site, bool takes_maps = false)
      : ClampingStep(site), channels_(channels), takes_maps_(takes_maps), chain_{.axes = {{0, 1}}} {}
  bool absorb(const Site& reader, std::size_t operand) override;

 protected:
  bool is_activated() const { return is_clamped() || !chain_.links.empty(); }
  // How a value of these dims moves along the result in memory, where it is one number, or one for each of the channels.
  std::optional<kernels::Axes> axes_of(const Shape& shape, const Dims& result) const;
  // What comes after the bounds; refers to this step. For a call of our own, or after an operator whose result is written second.
  kernels::Finish finish() const { return chain_.links.empty() ? kernels::Finish() : kernels::Finish{&chain_, operands_.data()}; }
  Emitter::Loop after(Emitter& emitter) const;
  // Operands of finish() that are computed: where their addresses are to be put, in a copy of its list.
  struct Map {
    std::size_t operand;
    ValueId value;
  };
  const std::vector<Map>& maps() const { return maps_; }
  const std::vector<const float*>& operands() const { return operands_; }

 private:
  Channels channels_;
  bool takes_maps_;
  kernels::Chain chain_;
  std::vector<std::shared_ptr<const void>> ops_;  // that links point to
  std::vector<Tensor> constants_;
  std::vector<const float*> operands_;  // of the constants; null for maps
  std::vector<Map> maps_;
};

}  // namespace resnet::xnnpack
