// Spec -> Graph.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "lib/arch/spec.h"
#include "lib/graph/graph.h"

namespace resnet::arch {

// he: see build(). zeros: weights and biases 0, batch norm the identity. none: no values at all; every parameter is an input of
// the graph after "input", its shape known.
enum class Init : std::uint8_t { he, zeros, none };
constexpr auto words_of(Init) {
  return std::to_array<Word<Init>>({{Init::he, "he"}, {Init::zeros, "zeros"}, {Init::none, "none"}});
}

struct BuildOptions {
  Init init = Init::he;
  std::uint64_t seed = 0;
  // Convolutions with a bias ("conv1.bias") in place of a batch norm after each; a pre-activation net keeps those that follow an
  // addition. The same function of the input.
  bool fold_batch_norm = false;
};

// NCHW float input "input", output "logits" (no softmax); nodes by their module's path, parameters by torchvision's names
// ("layer1.0.conv1.weight", "fc.bias"), those of ResNet-D and squeeze-and-excitation by timm's ("conv1.3.weight",
// "layer2.0.downsample.1.weight", "layer1.0.se.fc1.bias"). The CIFAR nets are named the same way, with layer1 to layer3 and fc;
// of a pre-activation net "bn1" follows the stem, layer1.0 has no bn1 and the last batch norm is "norm"; without a norm in its
// stem layer1.0 has bn1. Without classes the output is "features", of one number for each channel.
//
// He initialisation: normal with deviation sqrt(2 / (kernel * kernel * out channels)) for convolutions, as the paper's
// section 3.4 takes it from He et al. 2015 (fan-out, torchvision's choice), their biases 0, gamma 1, beta 0; the classifier
// uniform in
// +-1/sqrt(fan-in). An element depends on the seed, its parameter's name and its place alone, the same bytes on every machine.
//
// VGG's nodes and parameters have its authors' names ("conv1_1.weight", "fc6.bias"), its hidden layers He's deviation, too.
//
// Option A is a Slice with the stride as its steps and a Pad of zero channels, placed as Spec::zero_channels says. Throws
// Error(invalid) as check(spec), Error(malformed) where a window does not fit into a small input.
Graph build(const Spec& spec, const BuildOptions& options = {});

// Each of the filters, which follow each other in `weight`, with mean 0 and variance 1 (of all its elements; Spec::standardized).
void standardize(std::span<float> weight, std::size_t filters);

}  // namespace resnet::arch
