// What a random graph is made of: one entry for each operator, and for patterns that networks have.
#pragma once

#include <span>

#include "tests/random/maker.h"

namespace resnet::random {

struct Recipe {
  const char* name;
  // How often it is drawn, relative to the others.
  int weight;
  // Adds nodes that read x (a float32 value that was offered) and offers what they give; does nothing where x does not fit. May
  // throw what Graph::append throws: the graph then stays as it was before that node.
  void (*make)(Maker& m, ValueId x);
  // Whether onnxruntime can run all of it on a CPU.
  bool portable = true;
};

// An operator that is new needs an entry in one of these.
std::span<const Recipe> arithmetic_recipes();
std::span<const Recipe> window_recipes();
std::span<const Recipe> movement_recipes();
std::span<const Recipe> matrix_recipes();
std::span<const Recipe> type_recipes();
std::span<const Recipe> quantized_recipes();
std::span<const Recipe> pattern_recipes();
std::span<const Recipe> function_recipes();
std::span<const Recipe> family_recipes();

// What recipes share.

// x itself where it has rank 4, else x under a shape of rank 4.
ValueId map_of(Maker& m, ValueId x);
// x itself where it has rank 2, else x flattened to one row per image.
ValueId matrix_of(Maker& m, ValueId x);
// x under another shape of as many elements, which keeps an open batch.
ValueId reshape(Maker& m, ValueId x, Sizes target);
// x with its axes permuted.
ValueId transpose(Maker& m, ValueId x, Sizes perm);
// A perm of `rank` axes that is not the identity where it can be; an open batch stays first.
Sizes draw_perm(Maker& m, std::size_t rank);
// A factor of `number` that is at most `most`.
std::int64_t draw_factor(Maker& m, std::int64_t number, std::int64_t most);
// Weights that keep what they multiply at its size.
ValueId weights(Maker& m, const Sizes& sizes, std::int64_t fan_in);

// A convolution of a map. `outputs` 0: drawn.
enum class Style : std::uint8_t {
  any,
  winograd,   // 3x3 at stride 1 or 2, at least 16 outputs
  same_size,  // 3x3 or 1x1 at stride 1, padded, as many outputs as channels unless told
};
ValueId convolve(Maker& m, ValueId map, Style style, std::int64_t outputs = 0);
// Relu, a Clip by two bounds, or another activation.
ValueId activate(Maker& m, ValueId x);
// One number, or one for each channel.
ValueId channels(Maker& m, ValueId x, double least, double most);

}  // namespace resnet::random
