// What weights are called by the programs that train networks, and build()'s names for them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace resnet::arch {

enum class Naming : std::uint8_t {
  torchvision,   // timm's, too, and build()'s
  transformers,  // "resnet.encoder.stages.0.layers.0.layer.0.convolution.weight"
  timm_v2,       // "stages.0.blocks.0.norm1.weight"
  kuangliu,      // "layer2.0.shortcut.0.weight", "linear.weight"; akamaster's, too
  weiaicunzai,   // "conv2_x.0.residual_function.0.weight"
};

struct Translation {
  Naming naming = Naming::torchvision;
  std::string prefix;  // of the network's names, taken off: "module.", "model._orig_mod."
  // By weight: build()'s name for it. Empty: no network needs it (num_batches_tracked, a loss's weights, another network's). What
  // is not known keeps its name.
  std::vector<std::string> names;
  std::vector<std::string> notes;  // which of several networks was taken, what its classifier is not; one line each
};

// Throws Error(malformed) where none of the names is one of a ResNet's first block.
Translation translate(std::span<const std::string> names);

// A name from a file, in quotes: without control characters, and cut short.
std::string in_quotes(const std::string& name);

}  // namespace resnet::arch
