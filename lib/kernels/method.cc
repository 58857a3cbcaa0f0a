#include "lib/kernels/method.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "lib/kernels/convolution.h"

namespace resnet::kernels {

namespace {

// Of any core with wide vectors: two multiply-adds a cycle; what it reads from beyond its own caches, in bytes a cycle, alone and
// with others; and a page of fresh memory.
constexpr double multiply_adds = 2, bytes_alone = 8, bytes_together = 16;
constexpr double cycles_of_fresh_byte = 0.4;

// Per vector of channels in and of channels out: loads, stores and the arithmetic between them, for each value of a tile; and for
// each filter.
struct Transforms {
  double input, output, filter;
};
Transforms transforms_of(Method method) { return method == Method::winograd2 ? Transforms{3, 2, 180} : Transforms{4, 3, 320}; }

}  // namespace

const char* name_of(Method method) {
  switch (method) {
    case Method::direct: return "direct";
    case Method::winograd2: return "winograd F(2x2,3x3)";
    case Method::winograd4: return "winograd F(4x4,3x3)";
    case Method::winograd4_stride2: return "winograd F(4x4,3x3) at stride 2";
  }
  __builtin_unreachable();
}

WinogradFilter filter_of(const Layer& layer, Method method) {
  return {.channels = layer.channels,
          .outputs = layer.outputs,
          .tile = method == Method::winograd2 ? 2 : 4,
          .stride = method == Method::winograd4_stride2 ? 2 : 1};
}

double saving(Method method) {
  if (method == Method::direct) return 1;
  const WinogradFilter filter = filter_of({}, method);
  const auto values = static_cast<double>(filter.span(filter.tile)), taps = static_cast<double>(3 * filter.tile);
  return taps / values * (taps / values);
}

double cost(const Layer& layer, Method method, const Job& job) {
  const double lanes = static_cast<double>(vector_lanes());
  const double channels = static_cast<double>(layer.channels), outputs = static_cast<double>(layer.outputs);
  const double threads = static_cast<double>(job.threads), batch = static_cast<double>(job.batch);
  const double batches = std::max(1.0, static_cast<double>(job.images) / batch);
  const double bandwidth = std::min(bytes_alone * threads, bytes_together);
  const double products = channels * outputs / (multiply_adds * lanes);  // cycles of one pixel by one tap
  if (method == Method::direct) {
    const double pixels = batch * static_cast<double>(layer.out_height * layer.out_width), bytes = 9 * channels * outputs * 4;
    const double packing = bytes * cycles_of_fresh_byte;
    return 9 * products * pixels / threads + bytes / bandwidth + packing / batches;
  }
  const Transforms t = transforms_of(method);
  const WinogradFilter filter = filter_of(layer, method);
  const double values = batch * static_cast<double>(filter.values(layer.out_height) * filter.values(layer.out_width));
  const double transforms = values * (std::ceil(channels / lanes) * t.input + std::ceil(outputs / lanes) * t.output);
  const double bytes = static_cast<double>(filter.places()) * channels * outputs * 4;
  const double packing = bytes * cycles_of_fresh_byte + channels * std::ceil(outputs / lanes) * t.filter / threads;
  return (products * values + transforms) / threads + bytes / bandwidth + packing / batches;
}

Method choose(const Layer& layer, const Job& job, bool only_winograd) {
  std::vector<Method> methods = {Method::winograd2, Method::winograd4};
  if (layer.stride == 2) methods = {Method::winograd4_stride2};
  Method best = only_winograd ? methods.front() : Method::direct;
  for (const Method method : methods) {
    if (cost(layer, method, job) < cost(layer, best, job)) best = method;
  }
  return best;
}

}  // namespace resnet::kernels
