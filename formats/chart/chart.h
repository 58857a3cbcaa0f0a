// Line charts as SVG: layer responses, errors over iterations. The same bytes for the same numbers.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace resnet::chart {

struct Series {
  std::string name;                               // in the legend
  std::vector<std::pair<double, double>> points;  // x, y; y that are not finite interrupt the line
  bool dashed = false;
  std::vector<double> deviations = {};    // of each point, drawn as a band on both sides of the line; empty: none
  std::optional<std::size_t> color = {};  // series of one number have one color; nothing: one of its own
};

struct Chart {
  std::string title, x_label, y_label;
  std::vector<Series> series;
};

// About `count` round numbers (1, 2 or 5 times a power of ten apart) from `low` to `high`, both within them.
std::vector<double> ticks(double low, double high, int count);

// The charts one below the other, as one SVG document of its own. Both axes hold 0; a point without neighbours is a dot.
std::string to_svg(std::span<const Chart> charts);

}  // namespace resnet::chart
