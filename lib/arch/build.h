// Spec -> Graph.
#pragma once

#include <cstdint>

#include "lib/arch/spec.h"
#include "lib/graph/graph.h"

namespace resnet::arch {

enum class Init : std::uint8_t { he, zeros };

struct BuildOptions {
  Init init = Init::he;
  std::uint64_t seed = 0;
};

// NCHW float input "input", output "logits"; nodes and parameters by torchvision's names ("layer1.0.conv1.weight"), batch norm apart.
// He initialisation: normal with deviation sqrt(2 / (kernel * kernel * out channels)) for convolutions, as the paper's section 3.4
// takes it from He et al. 2015 (fan-out, torchvision's choice), gamma 1, beta 0; the classifier uniform in +-1/sqrt(fan-in). The same
// bytes on every machine.
Graph build(const Spec& spec, const BuildOptions& options = {});

}  // namespace resnet::arch
