// What the tests of plans and sessions share: random tensors, and the comparison with lib/reference.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "lib/reference/reference.h"
#include "lib/xnnpack/plan.h"
#include "lib/xnnpack/session.h"

namespace resnet::test {

inline Tensor random_tensor(Shape shape, unsigned seed) {
  Tensor tensor = Tensor::allocate(DType::float32, std::move(shape));
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> uniform(-1, 1);
  for (float& value : tensor.mutable_data<float>()) value = uniform(generator);
  return tensor;
}

inline Fact float_fact(const Shape& shape) { return Fact::of(DType::float32, Dims(shape.dims().begin(), shape.dims().end())); }

inline Tensor integers(const std::vector<std::int64_t>& values) {
  return Tensor::from(Shape{static_cast<std::int64_t>(values.size())}, std::span<const std::int64_t>(values));
}

// Floats within `tolerance` of the larger of 1 and their size, everything else bit by bit.
inline void expect_close(const Tensor& actual, const Tensor& expected, double tolerance) {
  ASSERT_EQ(actual.dtype(), expected.dtype());
  ASSERT_EQ(actual.shape(), expected.shape());
  if (actual.dtype() != DType::float32) {
    EXPECT_EQ(actual, expected);
    return;
  }
  const auto a = actual.data<float>(), e = expected.data<float>();
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] == e[i]) continue;  // infinities
    ASSERT_NEAR(a[i], e[i], tolerance * std::max(1.0, std::abs(static_cast<double>(e[i])))) << "element " << i;
  }
}

// Runs the graph with one and with two threads, with its 3x3 convolutions computed in every way, and compares every output with
// lib/reference.
inline void expect_as_reference(const Graph& graph, const std::vector<Tensor>& inputs, double tolerance = 1e-5) {
  const std::vector<Tensor> expected = reference::evaluate(graph, inputs);
  for (const auto convolutions :
       {xnnpack::Convolutions::direct, xnnpack::Convolutions::automatic, xnnpack::Convolutions::winograd}) {
    const auto plan = xnnpack::Plan::make(graph, {.job = {.convolutions = convolutions}});
    for (const std::size_t threads : {1, 2}) {
      SCOPED_TRACE(threads);
      ThreadPool pool(threads);
      xnnpack::Session session(plan, pool);
      const std::vector<Tensor> actual = session.run(inputs);
      ASSERT_EQ(actual.size(), expected.size());
      for (std::size_t i = 0; i < actual.size(); ++i) {
        expect_close(actual[i], expected[i], convolutions == xnnpack::Convolutions::direct ? tolerance : 5 * tolerance);
      }
      if (threads > 1) continue;
      // A plan that is given what this one packed computes the same bits.
      if (const auto packed = plan->packed_weights()) {
        const auto again =
            xnnpack::Plan::make(plan->graph(), {.optimize = false, .job = {.convolutions = convolutions}, .packed = *packed});
        EXPECT_EQ(again->weight_bytes(), plan->weight_bytes());
        EXPECT_EQ(xnnpack::Session(again, pool).run(inputs), actual);
      }
    }
  }
}

// The kinds of the plan's steps.
inline std::vector<std::string> kinds(const xnnpack::Plan& plan) {
  std::vector<std::string> result;
  for (const xnnpack::StepInfo& step : plan.steps()) result.push_back(step.kind);
  return result;
}

}  // namespace resnet::test
