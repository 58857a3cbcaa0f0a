#include <array>
#include <cstring>
#include <variant>

#include "lib/base/error.h"
#include "lib/graph/ops/movement.h"
#include "lib/train/layer.h"
#include "lib/train/openmp.h"

namespace resnet::train {

namespace {

// Along one axis: element i of the result is element start + i * step of the input, or 0 where there is none.
struct Axis {
  std::int64_t start = 0, step = 1;
};

std::array<Axis, 4> axes_of(const Site& site) {
  std::array<Axis, 4> axes;
  const auto integers = [&](std::size_t input) {
    return input < site.facts.size() && site.facts[input].value ? site.facts[input].value->values_as<std::int64_t>()
                                                                : std::vector<std::int64_t>{};
  };
  if (holds_alternative<Slice>(site.node.op)) {
    const auto ranges = slice_ranges(*site.facts[0].shape(), integers(1), integers(2), integers(3), integers(4));
    for (std::size_t i = 0; i < 4; ++i) axes[i] = {ranges[i].start, ranges[i].step};
  } else {
    const auto pads = pads_per_axis(4, integers(1), integers(3));
    for (std::size_t i = 0; i < 4; ++i) axes[i] = {-pads[i].begin, 1};
  }
  return axes;
}

class MovementLayer : public Layer {
 public:
  MovementLayer(Planner& planner, const Site& site) : x_(*site.inputs[0]), y_(site.output), axes_(axes_of(site)) {
    planner.give(y_, like(x_.data.get_desc(), dims_of(site.shape)));
  }
  void forward(Planner&, Mode) override {
    // Also what only fills up a block of channels.
    std::memset(floats(y_.data), 0, y_.data.get_desc().get_size());
    for_each_pair([x = floats(x_.data), y = floats(y_.data)](std::size_t from, std::size_t to) { y[to] = x[from]; });
  }
  void plan_backward(Planner& planner) override {
    const Gradient dy = incoming_.plan(planner, y_);
    dy_ = dy.data;
    dx_ = planner.add_gradient(x_);
  }
  void backward(Planner&) override {
    incoming_.run();
    std::memset(floats(dx_), 0, dx_.get_desc().get_size());
    for_each_pair([dx = floats(dx_), dy = floats(dy_)](std::size_t from, std::size_t to) { dx[from] = dy[to]; });
  }

 private:
  // Calls body(place in x, place in y) for every element of the result that is one of the input.
  template <typename Body>
  void for_each_pair(const Body& body) {
    const Layout x(x_.data.get_desc()), y(y_.data.get_desc());
    const auto source = [&](int axis, std::int64_t i) { return axes_[axis].start + i * axes_[axis].step; };
    const auto inside = [&](int axis, std::int64_t i) { return i >= 0 && i < x.dims[axis]; };
    parallel_for(static_cast<std::size_t>(y.dims[0] * y.dims[1]), [&](std::size_t begin, std::size_t end) {
      for (auto i = static_cast<std::int64_t>(begin); i < static_cast<std::int64_t>(end); ++i) {
        const std::int64_t n = i / y.dims[1], c = i % y.dims[1], from_n = source(0, n), from_c = source(1, c);
        if (!inside(0, from_n) || !inside(1, from_c)) continue;
        for (std::int64_t h = 0; h < y.dims[2]; ++h) {
          const std::int64_t from_h = source(2, h);
          if (!inside(2, from_h)) continue;
          for (std::int64_t w = 0; w < y.dims[3]; ++w) {
            const std::int64_t from_w = source(3, w);
            if (inside(3, from_w)) body(x.at(from_n, from_c, from_h, from_w), y.at(n, c, h, w));
          }
        }
      }
    });
  }

  Value &x_, &y_;
  std::array<Axis, 4> axes_;
  memory dy_, dx_;
  IncomingGradient incoming_;
};

}  // namespace

std::unique_ptr<Layer> make_movement(Planner& planner, const Site& site) {
  return std::make_unique<MovementLayer>(planner, site);
}

}  // namespace resnet::train
