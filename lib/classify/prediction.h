// One class of an answer.
#pragma once

#include <cstdint>
#include <optional>

namespace resnet {

struct Prediction {
  std::int64_t index = 0;  // of the class
  double probability = 0;
  // Nothing where the network gives probabilities, or where probabilities of several views are averaged.
  std::optional<double> logit;
  friend bool operator==(const Prediction&, const Prediction&) = default;
};

}  // namespace resnet
