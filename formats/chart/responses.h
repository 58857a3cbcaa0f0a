// The paper's Figure 7 as two charts.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace resnet::chart {

// The standard deviations of one network's 3x3 layers, in the layers' order.
struct Responses {
  std::string name;  // in the legend
  std::vector<double> deviations;
  bool plain = false;  // drawn dashed, as the paper does
};

// In the original order and, below it, sorted by magnitude, as one SVG document.
std::string responses_svg(std::span<const Responses> networks);

}  // namespace resnet::chart
