// By which method a convolution is to be computed: what each would cost, from the layer's shape and the job alone.
#pragma once

#include <cstddef>
#include <cstdint>

#include "lib/kernels/winograd.h"

namespace resnet::kernels {

enum class Method : std::uint8_t {
  direct,
  winograd2,  // F(2x2,3x3)
  winograd4,  // F(4x4,3x3)
  winograd4_stride2,
};

// "direct", "winograd F(2x2,3x3)", "winograd F(4x4,3x3)", "winograd F(4x4,3x3) at stride 2".
const char* name_of(Method method);
// How many times fewer multiplications than the direct one's, where the tiles fit the map.
double saving(Method method);

// A 3x3 convolution at stride 1 or 2, without dilation or groups.
struct Layer {
  std::int64_t channels = 1, outputs = 1, out_height = 1, out_width = 1, stride = 1;
};
// The filter of one of Winograd's methods.
WinogradFilter filter_of(const Layer& layer, Method method);

// What is asked for, not what comes.
struct Job {
  std::int64_t batch = 1;      // images that run at once
  std::int64_t images = 4096;  // in all: the transformed weights, which take time to make, are worth it for many
  std::size_t threads = 1;
};

// Clock cycles of one batch, the packing of the weights shared by all batches of the job included.
double cost(const Layer& layer, Method method, const Job& job);
// The cheapest; with `only_winograd` of Winograd's.
Method choose(const Layer& layer, const Job& job, bool only_winograd = false);

}  // namespace resnet::kernels
