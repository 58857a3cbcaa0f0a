#include "lib/train/loops.h"

#include <cmath>

#include "lib/train/openmp.h"

namespace resnet::train {

namespace {

template <std::size_t parts, bool masked>
void add_parts(const float* const* p, const float* mask, float* result, std::size_t begin, std::size_t end) {
  const float *a = p[0], *b = parts > 1 ? p[1] : nullptr, *c = parts > 2 ? p[2] : nullptr, *d = parts > 3 ? p[3] : nullptr;
  for (std::size_t i = begin; i < end; ++i) {
    float sum = a[i];
    if constexpr (parts > 1) sum += b[i];
    if constexpr (parts > 2) sum += c[i];
    if constexpr (parts > 3) sum += d[i];
    if constexpr (masked) sum = mask[i] > 0 ? sum : 0.0f;
    result[i] = sum;
  }
}

template <bool masked>
void add_parts(const std::vector<const float*>& p, const float* mask, float* result, std::size_t begin, std::size_t end) {
  const float* const* parts = p.data();
  std::size_t left = p.size();
  // More than four only where a value has as many readers, which the networks of lib/arch do not have.
  switch (left < 4 ? left : 4) {
    case 1: return add_parts<1, masked>(parts, mask, result, begin, end);
    case 2: return add_parts<2, masked>(parts, mask, result, begin, end);
    case 3: return add_parts<3, masked>(parts, mask, result, begin, end);
    case 4: add_parts<4, masked>(parts, mask, result, begin, end);
  }
  for (std::size_t part = 4; part < left; ++part) {
    const float* const two[] = {result, parts[part]};
    add_parts<2, masked>(two, mask, result, begin, end);
  }
}

}  // namespace

void add_up(const std::vector<const float*>& parts, const float* mask, float* result, std::size_t count) {
  parallel_for(count, [&](std::size_t begin, std::size_t end) {
    if (mask != nullptr) {
      add_parts<true>(parts, mask, result, begin, end);
    } else {
      add_parts<false>(parts, mask, result, begin, end);
    }
  });
}

void add(const float* a, const float* b, float* y, std::size_t count) {
  parallel_for(count, [=](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) y[i] = a[i] + b[i];
  });
}

void add_relu(const float* a, const float* b, float* y, std::size_t count) {
  parallel_for(count, [=](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      const float sum = a[i] + b[i];
      y[i] = sum < 0 ? 0.0f : sum;
    }
  });
}

void relu(const float* x, float* y, std::size_t count) {
  parallel_for(count, [=](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) y[i] = x[i] < 0 ? 0.0f : x[i];
  });
}

void sigmoid(const float* x, float* y, std::size_t count) {
  parallel_for(count, [=](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) y[i] = 1.0f / (1.0f + std::exp(-x[i]));
  });
}

void sigmoid_gradient(const float* y, const float* dy, float* dx, std::size_t count) {
  parallel_for(count, [=](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) dx[i] = dy[i] * y[i] * (1.0f - y[i]);
  });
}

void descend(const StepOfDescent& step, std::span<float> w, std::span<const float> g, std::span<float> v) {
  parallel_for(w.size(), [=](std::size_t begin, std::size_t end) {
    float *wp = w.data(), *vp = v.data();
    const float* gp = g.data();
    for (std::size_t i = begin; i < end; ++i) {
      vp[i] = step.momentum * vp[i] + (gp[i] + step.decay * wp[i]);
      wp[i] -= step.rate * vp[i];
    }
  });
}

}  // namespace resnet::train
