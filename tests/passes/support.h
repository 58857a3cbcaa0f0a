// What the passes' tests share: made-up tensors, and 'the same outputs before and after'.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "lib/passes/passes.h"
#include "lib/reference/reference.h"

namespace resnet {

// Numbers in [low, high] without a pattern that a layer could see, the same in each run.
inline Tensor filled(const Shape& shape, unsigned seed, float low = -1, float high = 1) {
  Tensor tensor = Tensor::allocate(DType::float32, shape);
  std::uint32_t state = seed * 2654435761u + 12345u;
  for (float& value : tensor.mutable_data<float>()) {
    state = state * 1664525u + 1013904223u;
    value = low + (high - low) * static_cast<float>(state >> 8) / 16777216.0f;
  }
  return tensor;
}

inline Tensor integers(std::vector<std::int64_t> values) {
  return Tensor::from<std::int64_t>(Shape{static_cast<std::int64_t>(values.size())}, std::span<const std::int64_t>(values));
}

inline ValueId add(Graph& graph, Op op, std::vector<ValueId> inputs, const std::string& name) {
  return graph.append(std::move(op), std::move(inputs), name, {name});
}

// Names of the graph's outputs, then equal values within `tolerance` of the largest.
inline void expect_same_outputs(const Graph& before, const Graph& after, const std::vector<Tensor>& inputs,
                                double tolerance = 0) {
  EXPECT_EQ(verify(after), std::vector<std::string>{});
  ASSERT_EQ(before.outputs().size(), after.outputs().size());
  ASSERT_EQ(before.inputs().size(), after.inputs().size());
  for (std::size_t i = 0; i < before.outputs().size(); ++i) {
    EXPECT_EQ(before.value(before.outputs()[i]).name, after.value(after.outputs()[i]).name);
  }
  for (std::size_t i = 0; i < before.inputs().size(); ++i) {
    EXPECT_EQ(before.value(before.inputs()[i]).name, after.value(after.inputs()[i]).name);
  }
  const auto expected = reference::evaluate(before, inputs), found = reference::evaluate(after, inputs);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    ASSERT_EQ(expected[i].dtype(), found[i].dtype());
    ASSERT_EQ(expected[i].shape(), found[i].shape());
    if (tolerance == 0) {
      EXPECT_EQ(expected[i], found[i]);
      continue;
    }
    const auto a = expected[i].values_as<double>(), b = found[i].values_as<double>();
    double largest = 0, distance = 0;
    for (std::size_t k = 0; k < a.size(); ++k) {
      largest = std::max(largest, std::abs(a[k]));
      distance = std::max(distance, std::abs(a[k] - b[k]));
    }
    EXPECT_GT(largest, 0) << "an output of zeros shows nothing";
    EXPECT_LE(distance, tolerance * largest);
  }
}

inline std::size_t count(const Graph& graph, const std::string& type) {
  std::size_t found = 0;
  for (const Node& node : graph.nodes()) found += type_of(node.op) == type ? 1u : 0u;
  return found;
}

// The dump's lines of the nodes that are not constants, and `return`.
inline std::string print_operators(const Graph& graph) {
  std::string text = print(graph), kept;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\n', begin) + 1;
    const std::string line = text.substr(begin, end - begin);
    if (line.find(" = Constant(") == std::string::npos) kept += line;
    begin = end;
  }
  return kept;
}

inline const Tensor& constant(const Graph& graph, const std::string& name) {
  for (const Node& node : graph.nodes()) {
    if (const auto* found = get_if<Constant>(&node.op); found != nullptr && node.outputs[0].name == name) return found->value;
  }
  throw std::out_of_range(name);
}

inline bool has_constant(const Graph& graph, const std::string& name) {
  for (const Node& node : graph.nodes()) {
    if (holds_alternative<Constant>(node.op) && node.outputs[0].name == name) return true;
  }
  return false;
}

}  // namespace resnet
