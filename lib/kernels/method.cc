#include "lib/kernels/method.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>

#include "lib/kernels/convolution.h"

namespace resnet::kernels {

namespace {

// Of any core with wide vectors: two multiply-adds a cycle; what it reads from beyond its own caches, in bytes a cycle, alone and
// with others; and a page of fresh memory.
constexpr double multiply_adds = 2, bytes_alone = 12, bytes_together = 24;
constexpr double cycles_of_fresh_byte = 0.4;

// Of a tile, per vector of channels in and of channels out: loads, stores and the arithmetic between them.
struct Transforms {
  double tile, input, output, filter;
};
Transforms transforms_of(Method method) {
  return method == Method::winograd2 ? Transforms{2, 50, 35, 180} : Transforms{4, 150, 110, 320};
}

}  // namespace

const char* name_of(Method method) {
  switch (method) {
    case Method::direct: return "direct";
    case Method::winograd2: return "winograd F(2x2,3x3)";
    case Method::winograd4: return "winograd F(4x4,3x3)";
  }
  __builtin_unreachable();
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
  const double places = (t.tile + 2) * (t.tile + 2);
  const double tiles = batch * std::ceil(static_cast<double>(layer.out_height) / t.tile) *
                       std::ceil(static_cast<double>(layer.out_width) / t.tile);
  const double transforms = tiles * (std::ceil(channels / lanes) * t.input + std::ceil(outputs / lanes) * t.output);
  const double bytes = places * channels * outputs * 4;
  const double packing = bytes * cycles_of_fresh_byte + channels * std::ceil(outputs / lanes) * t.filter / threads;
  return (places * products * tiles + transforms) / threads + bytes / bandwidth + packing / batches;
}

Method choose(const Layer& layer, const Job& job, bool only_winograd) {
  Method best = only_winograd ? Method::winograd2 : Method::direct;
  for (const Method method : {Method::winograd2, Method::winograd4}) {
    if (cost(layer, method, job) < cost(layer, best, job)) best = method;
  }
  return best;
}

}  // namespace resnet::kernels
