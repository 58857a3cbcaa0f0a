// BatchNormalization.
#pragma once

#include "lib/graph/op_traits.h"

namespace resnet {

// ONNX BatchNormalization (versions 1 to 15): X, scale, B, input_mean, input_var; in training mode also running_mean and
// running_var (and, before version 14, saved_mean and saved_var). y = (x - mean) / sqrt(var + epsilon) * scale + B, per channel.
struct BatchNormalization {
  static constexpr OpTraits traits{"BatchNormalization", {5, 5}, {1, 5}};
  float epsilon = 1e-5f;
  float momentum = 0.9f;
  bool training_mode = false;
  static constexpr auto attributes() {
    return attributes_are(attribute("epsilon", &BatchNormalization::epsilon),
                          attribute("momentum", &BatchNormalization::momentum),
                          attribute("training_mode", &BatchNormalization::training_mode, 14));
  }
  friend bool operator==(const BatchNormalization&, const BatchNormalization&) = default;
};
std::vector<Fact> infer(const BatchNormalization& op, const Facts& inputs, std::size_t outputs);

}  // namespace resnet
