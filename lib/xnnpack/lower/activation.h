// Activations that a step does as it goes.
#pragma once

#include <limits>
#include <optional>

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

}  // namespace resnet::xnnpack
