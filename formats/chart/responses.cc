#include "formats/chart/responses.h"

#include <algorithm>

#include "formats/chart/chart.h"

namespace resnet::chart {

std::string responses_svg(std::span<const Responses> networks) {
  Chart original{"Standard deviations of layer responses", "3x3 layer, in the original order", "std", {}};
  Chart sorted{"Sorted by magnitude", "3x3 layer, sorted", "std", {}};
  const auto series = [](const Responses& network, const std::vector<double>& values) {
    Series s{network.name, {}, network.plain};
    for (std::size_t i = 0; i < values.size(); ++i) s.points.emplace_back(static_cast<double>(i + 1), values[i]);
    return s;
  };
  for (const Responses& network : networks) {
    original.series.push_back(series(network, network.deviations));
    std::vector<double> deviations = network.deviations;
    std::sort(deviations.rbegin(), deviations.rend());
    sorted.series.push_back(series(network, deviations));
  }
  const Chart charts[] = {original, sorted};
  return to_svg(charts);
}

}  // namespace resnet::chart
