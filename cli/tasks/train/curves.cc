#include "cli/tasks/train/curves.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "formats/chart/chart.h"
#include "lib/base/error.h"

namespace resnet::cli {

namespace {

MeanError mean_of(std::span<const double> values) {
  MeanError result;
  const auto count = static_cast<double>(values.size());
  for (const double value : values) result.mean += value / count;
  double squares = 0;
  for (const double value : values) squares += (value - result.mean) * (value - result.mean);
  if (values.size() > 1) result.deviation = std::sqrt(squares / (count - 1));
  return result;
}

}  // namespace

Curve curve_of(const std::string& name, std::span<const std::vector<train::Row>> runs) {
  Curve curve{.name = name, .runs = runs.size(), .points = {}};
  std::map<std::int64_t, std::pair<std::vector<double>, std::vector<double>>> errors;  // training and test
  for (const std::vector<train::Row>& rows : runs) {
    for (const train::Row& row : rows) {
      auto& [training, test] = errors[row.iteration];
      training.push_back(row.training_error);
      if (row.test_error) test.push_back(*row.test_error);
    }
  }
  for (const auto& [iteration, both] : errors) {
    const auto& [training, test] = both;
    if (training.size() != runs.size()) continue;
    Curve::Point point{.iteration = iteration, .training = mean_of(training), .test = {}};
    curve.least_test.reset();
    if (test.size() == runs.size()) {
      point.test = mean_of(test);
      curve.least_test = *std::min_element(test.begin(), test.end());
    }
    curve.points.push_back(point);
  }
  if (curve.points.empty() && !errors.empty()) {
    throw Error(
        Fault::unreadable, Frame::file(Role::input),
        fmt::format("the {} logs of '{}' have no iteration in common, expected runs with the same --every", runs.size(), name));
  }
  return curve;
}

std::string error_curves(std::span<const Curve> curves, const std::string& title) {
  chart::Chart chart{.title = title, .x_label = "iterations", .y_label = "error (%)", .series = {}};
  for (std::size_t i = 0; i < curves.size(); ++i) {
    const Curve& curve = curves[i];
    const std::string prefix = curve.name.empty() ? "" : curve.name + " ";
    chart::Series training{.name = prefix + "training", .points = {}, .dashed = true, .color = i},
        test{.name = prefix + "test", .points = {}, .color = i};
    const auto take = [&](chart::Series& series, std::int64_t iteration, const MeanError& error) {
      series.points.emplace_back(static_cast<double>(iteration), 100 * error.mean);
      if (curve.runs > 1) series.deviations.push_back(100 * error.deviation);
    };
    for (const Curve::Point& point : curve.points) {
      take(training, point.iteration, point.training);
      if (point.test) take(test, point.iteration, *point.test);
    }
    chart.series.push_back(std::move(training));
    if (!test.points.empty()) chart.series.push_back(std::move(test));
  }
  return chart::to_svg(std::span(&chart, 1));
}

}  // namespace resnet::cli
