// A network without its exporter's habits: what is computed, in one canonical order.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/graph/graph.h"

namespace resnet::arch {

// One step from the image to the scores. Names, the order of nodes and of an addition's inputs, the layout, and how a layer is
// spelled (a Pad before a Conv, MatMul and Add for Gemm, a pool over the whole map) leave no trace here.
struct Part {
  enum class Kind : std::uint8_t {
    input,
    convolution,
    max_pool,
    average_pool,
    blur,  // a filter of 1-2-1 at stride 2 of a reflected map: anti-aliasing
    global_pool,
    classifier,  // a matrix product: Gemm, MatMul, or a convolution of a 1x1 map
    batch_norm,  // one that does not follow a convolution
    activation,  // Relu, Clip, Sigmoid, HardSigmoid: `what` says which
    addition,
    product,          // of two computed values: squeeze-and-excitation's gate
    subsample,        // every second position: option A's shortcut
    channel_padding,  // zero channels: option A's shortcut
    softmax,
    other
  };
  Kind kind = Kind::other;
  std::string what;  // everything that two equal parts share: "convolution 3x3, 64 to 128 channels, stride 2, pads 1"
  NodeId node = -1;
  std::vector<int> inputs;  // indices of earlier parts; of an addition the longer way first

  std::int64_t in_channels = 0, out_channels = 0, groups = 1;  // of convolutions, classifiers and paddings; 0 where not known
  std::vector<std::int64_t> kernel, strides;                   // of windows
  bool normalized = false;  // a convolution with a batch norm (or a scale and a shift) of its own after it
  bool biased = false;      // a convolution with a bias of its own
};

// In an order in which each follows its inputs, the last is what the graph's first output shows. Values that do not depend on the
// graph's first input are parameters. Throws Error(unsupported) where that output does not depend on it.
std::vector<Part> skeleton_of(const Graph& graph);

}  // namespace resnet::arch
