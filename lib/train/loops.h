// Loops over floats that oneDNN has no one primitive for, shared by OpenMP's threads.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace resnet::train {

// result = the sum of one to four parts, 0 where `mask` is given and is not above 0. `result` may be one of the parts.
void add_up(const std::vector<const float*>& parts, const float* mask, float* result, std::size_t count);

// y = a + b; max(a + b, 0).
void add(const float* a, const float* b, float* y, std::size_t count);
void add_relu(const float* a, const float* b, float* y, std::size_t count);
void relu(const float* x, float* y, std::size_t count);

// y = 1 / (1 + exp(-x)), and its derivative by the result: dx = dy * y * (1 - y).
void sigmoid(const float* x, float* y, std::size_t count);
void sigmoid_gradient(const float* y, const float* dy, float* dx, std::size_t count);

// v = momentum * v + (g + decay * w), w = w - rate * v: PyTorch's form of the paper's update.
struct StepOfDescent {
  float rate, momentum, decay;
};
void descend(const StepOfDescent& step, std::span<float> w, std::span<const float> g, std::span<float> v);

}  // namespace resnet::train
