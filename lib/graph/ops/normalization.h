// Normalizations by what is computed of the values themselves; BatchNormalization has a file of its own.
#pragma once

#include "lib/graph/op_traits.h"

namespace resnet {

// input, scale (C), B (C): (x - mean) / sqrt(variance + epsilon) * scale + B, the two over each map; the variance divides by all.
struct InstanceNormalization {
  static constexpr OpTraits traits{"InstanceNormalization", {3, 3}, {1, 1}};
  float epsilon = 1e-5f;
  static constexpr auto attributes() { return attributes_are(attribute("epsilon", &InstanceNormalization::epsilon)); }
  friend bool operator==(const InstanceNormalization&, const InstanceNormalization&) = default;
};
// X, scale (C), bias (C), over groups of channels; version 18 has one scale and bias for each group.
struct GroupNormalization {
  static constexpr OpTraits traits{"GroupNormalization", {3, 3}, {1, 1}, Effect::computes, 18};
  float epsilon = 1e-5f;
  std::int64_t num_groups = 1;
  std::int64_t stash_type = 1;
  static constexpr auto attributes() {
    return attributes_are(attribute("epsilon", &GroupNormalization::epsilon),
                          required_attribute("num_groups", &GroupNormalization::num_groups),
                          attribute("stash_type", &GroupNormalization::stash_type, 21));
  }
  friend bool operator==(const GroupNormalization&, const GroupNormalization&) = default;
};
// X, Scale, optional B: over the axes from `axis` on. -> Y, optional Mean, optional InvStdDev.
struct LayerNormalization {
  static constexpr OpTraits traits{"LayerNormalization", {2, 3}, {1, 3}, Effect::computes, 17};
  std::int64_t axis = -1;
  float epsilon = 1e-5f;
  std::int64_t stash_type = 1;
  static constexpr auto attributes() {
    return attributes_are(attribute("axis", &LayerNormalization::axis), attribute("epsilon", &LayerNormalization::epsilon),
                          attribute("stash_type", &LayerNormalization::stash_type));
  }
  friend bool operator==(const LayerNormalization&, const LayerNormalization&) = default;
};
// X, scale: x / sqrt(mean of squares + epsilon) * scale, over the axes from `axis` on.
struct RMSNormalization {
  static constexpr OpTraits traits{"RMSNormalization", {2, 2}, {1, 1}, Effect::computes, 23};
  std::int64_t axis = -1;
  float epsilon = 1e-5f;
  std::int64_t stash_type = 1;
  static constexpr auto attributes() {
    return attributes_are(attribute("axis", &RMSNormalization::axis), attribute("epsilon", &RMSNormalization::epsilon),
                          attribute("stash_type", &RMSNormalization::stash_type));
  }
  friend bool operator==(const RMSNormalization&, const RMSNormalization&) = default;
};
// (x - mean) / (deviation + 1e-9), the two over `axes`: by default over the batch and the positions.
struct MeanVarianceNormalization {
  static constexpr OpTraits traits{"MeanVarianceNormalization", {1, 1}, {1, 1}, Effect::computes, 9};
  std::vector<std::int64_t> axes = {0, 2, 3};
  static constexpr auto attributes() { return attributes_are(attribute("axes", &MeanVarianceNormalization::axes)); }
  friend bool operator==(const MeanVarianceNormalization&, const MeanVarianceNormalization&) = default;
};
// x divided by the p-norm along the axis, p 1 or 2; zeros stay zeros.
struct LpNormalization {
  static constexpr OpTraits traits{"LpNormalization", {1, 1}, {1, 1}};
  std::int64_t axis = -1;
  std::int64_t p = 2;
  static constexpr auto attributes() {
    return attributes_are(attribute("axis", &LpNormalization::axis), attribute("p", &LpNormalization::p));
  }
  friend bool operator==(const LpNormalization&, const LpNormalization&) = default;
};
// x / (bias + alpha / size * sum of squares over `size` channels around it) ^ beta.
struct LRN {
  static constexpr OpTraits traits{"LRN", {1, 1}, {1, 1}};
  float alpha = 1e-4f;
  float beta = 0.75f;
  float bias = 1.0f;
  std::int64_t size = 1;
  static constexpr auto attributes() {
    return attributes_are(attribute("alpha", &LRN::alpha), attribute("beta", &LRN::beta), attribute("bias", &LRN::bias),
                          required_attribute("size", &LRN::size));
  }
  friend bool operator==(const LRN&, const LRN&) = default;
};
std::vector<Fact> infer(const InstanceNormalization& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const GroupNormalization& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const LayerNormalization& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const RMSNormalization& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const MeanVarianceNormalization& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const LpNormalization& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const LRN& op, const Facts& inputs, std::size_t outputs);

}  // namespace resnet
