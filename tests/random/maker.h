// A random graph in the making: what recipes draw from and add to.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/graph/graph.h"
#include "tests/random/draw.h"
#include "tests/random/settings.h"

namespace resnet::random {

using Sizes = std::vector<std::int64_t>;

class Maker {
 public:
  Maker(std::uint64_t seed, const Settings& settings, bool is_portable)
      : draw(seed, "graph"), open(settings.open_batch), batch(settings.batch), portable(is_portable), weights_(seed, "weights") {}

  Draw draw;
  // The first axis of every value that is offered is the batch, a symbol, and nothing may mix its images.
  const bool open;
  const std::int64_t batch;
  // Whether onnxruntime is to run it.
  const bool portable;
  // Of weights. On processors without VNNI onnxruntime adds two products in 16 bits: 7 bits are what fits.
  std::int64_t largest_int8() const { return portable ? 63 : 127; }
  Graph graph;

  // Adds an input; sizes[0] becomes the symbol where the batch is open.
  ValueId input(DType dtype, Sizes sizes);
  // Constants. Floats are uniform in [least, most), integers in least ... most.
  ValueId constant(const Sizes& sizes, double least = -1, double most = 1);
  ValueId bytes(DType dtype, const Sizes& sizes, std::int64_t least, std::int64_t most);
  ValueId integers(const Sizes& list);
  ValueId scalar(float value);
  ValueId zero_point(DType dtype, std::int64_t value);

  // Adds a node; further outputs are slots 1, 2, ... of the same node. Throws Error where the inputs do not fit.
  ValueId add(Op op, std::vector<ValueId> inputs, std::size_t outputs = 1);

  // Of float32: recipes after this one may read it, and it becomes an output where none does.
  void offer(ValueId value) { values.push_back(value); }
  // Of any type: may become an output of the graph.
  void leave(ValueId value) { left.push_back(value); }
  // A value that was offered, a late one more likely.
  ValueId any();
  // One of the same sizes, another than x where there is one; none where there is not.
  ValueId alike(ValueId x);

  // A symbol counts as the batch that will run.
  Sizes sizes(ValueId id) const;
  std::size_t rank(ValueId id) const { return graph.fact(id).rank(); }
  std::int64_t elements(ValueId id) const;
  // An axis that a recipe may change.
  std::size_t free_axis(ValueId id) { return static_cast<std::size_t>(draw.between(open ? 1 : 0, last_axis(id))); }
  std::int64_t last_axis(ValueId id) const { return static_cast<std::int64_t>(rank(id)) - 1; }
  // The same axis counted from the front or from the end.
  std::int64_t either_end(std::size_t axis, std::size_t rank_of) {
    return static_cast<std::int64_t>(axis) - (draw.chance(30) ? static_cast<std::int64_t>(rank_of) : 0);
  }

  std::vector<ValueId> values, left;

 private:
  std::string fresh(const std::string& stem) { return stem + std::to_string(counter_++); }
  Draw weights_;
  int counter_ = 0;
};

}  // namespace resnet::random
