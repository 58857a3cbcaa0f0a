// Errors over iterations, of one run or of several of one network: the paper's Figure 6.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lib/train/trainer.h"

namespace resnet::cli {

// A mean over runs and their deviation (of n - 1; 0 of one run), both shares.
struct MeanError {
  double mean = 0, deviation = 0;
};

struct Curve {
  struct Point {
    std::int64_t iteration = 0;
    MeanError training;
    std::optional<MeanError> test;  // where every run has one
  };
  std::string name;
  std::size_t runs = 0;
  std::vector<Point> points;  // of the iterations that all runs have
  std::optional<double> least_test =
      {};  // of the last point, the best run's: the paper's Table 6 has it before mean and deviation
};

// `runs`: the rows of each. Throws Error(Role::input) where they have no iteration in common.
Curve curve_of(const std::string& name, std::span<const std::vector<train::Row>> runs);

// Training (dashed) and test error in per cent over iterations as an SVG; of several runs the mean, and a band of one deviation
// on each side.
std::string error_curves(std::span<const Curve> curves, const std::string& title);

}  // namespace resnet::cli
