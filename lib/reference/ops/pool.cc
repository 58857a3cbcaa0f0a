#include <algorithm>
#include <limits>

#include "lib/reference/ops/compute.h"
#include "lib/reference/ops/loops.h"

namespace resnet::reference {

namespace {

// Visits every window of every map: visit(map, output position, taps), where the taps are the offsets into the map that lie
// inside the input, in row-major order of the window, and `padded` is the size of the window within the explicitly padded input.
template <typename Visit>
void visit_windows(const Window& window, const Shape& x, const Shape& y, const Visit& visit) {
  const std::size_t spatial = x.rank() - 2;
  std::int64_t in_map = 1, out_map = 1;
  for (std::size_t axis = 0; axis < spatial; ++axis) {
    in_map *= x[axis + 2];
    out_map *= y[axis + 2];
  }
  const std::int64_t maps = x[0] * x[1];
  const auto strides = x.strides();
  std::vector<std::int64_t> taps, next, position(spatial);
  for (std::int64_t o = 0; o < out_map; ++o) {
    std::int64_t rest = o;
    for (std::size_t axis = spatial; axis-- > 0;) {
      position[axis] = rest % y[axis + 2];
      rest /= y[axis + 2];
    }
    taps.assign(1, 0);
    std::int64_t padded = 1;
    for (std::size_t axis = 0; axis < spatial; ++axis) {
      const std::int64_t size = x[axis + 2], start = position[axis] * window.strides[axis] - window.pads_begin[axis];
      next.clear();
      std::int64_t inside = 0;
      for (std::int64_t k = 0; k < window.kernel[axis]; ++k) {
        const std::int64_t at = start + k * window.dilations[axis];
        inside += at < size + window.pads_end[axis];
      }
      for (const std::int64_t tap : taps) {
        for (std::int64_t k = 0; k < window.kernel[axis]; ++k) {
          const std::int64_t at = start + k * window.dilations[axis];
          if (at >= 0 && at < size) next.push_back(tap + at * strides[axis + 2]);
        }
      }
      taps.swap(next);
      padded *= inside;
    }
    for (std::int64_t map = 0; map < maps; ++map) visit(map * in_map, map * out_map + o, taps, padded);
  }
}

}  // namespace

void compute(const MaxPool& op, Inputs inputs, Outputs outputs) {
  const Tensor& x = *inputs[0];
  const Shape& shape = x.shape();
  const Window window = window_of(op, Dims(shape.dims().begin() + 2, shape.dims().end()));
  std::int64_t* indices = outputs.size() > 1 ? outputs[1].mutable_data<std::int64_t>().data() : nullptr;
  // With column-major storage an index counts down the columns of its map: the offset is taken apart and put together again.
  const auto index_of = [&](std::int64_t plane, std::int64_t offset) {
    if (op.storage_order == 0) return plane + offset;
    std::int64_t index = 0, rest = offset, step = 1;
    std::vector<std::int64_t> position(shape.rank() - 2);
    for (std::size_t axis = position.size(); axis-- > 0;) {
      position[axis] = rest % shape[axis + 2];
      rest /= shape[axis + 2];
    }
    for (std::size_t axis = 0; axis < position.size(); ++axis) {
      index += position[axis] * step;
      step *= shape[axis + 2];
    }
    return plane + index;
  };
  dispatch(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    using N = Number<T>;
    const T* source = x.data<T>().data();
    T* target = outputs[0].mutable_data<T>().data();
    N least = std::numeric_limits<N>::lowest();
    if constexpr (is_real<T>) least = -std::numeric_limits<N>::infinity();
    visit_windows(window, shape, outputs[0].shape(),
                  [&](std::int64_t plane, std::int64_t o, const std::vector<std::int64_t>& taps, std::int64_t) {
                    N best = least;
                    std::int64_t where = taps.empty() ? 0 : taps.front();
                    for (const std::int64_t tap : taps) {
                      const N value = to_number(source[plane + tap]);
                      if (value > best) {
                        best = value;
                        where = tap;
                      }
                    }
                    target[o] = T(best);
                    if (indices != nullptr) indices[o] = index_of(plane, where);
                  });
  });
}

void compute(const AveragePool& op, Inputs inputs, Outputs outputs) {
  const Tensor& x = *inputs[0];
  const Window window = window_of(op, Dims(x.shape().dims().begin() + 2, x.shape().dims().end()));
  dispatch(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    if constexpr (is_real<T>) {
      const T* source = x.data<T>().data();
      T* target = outputs[0].mutable_data<T>().data();
      visit_windows(window, x.shape(), outputs[0].shape(),
                    [&](std::int64_t plane, std::int64_t o, const std::vector<std::int64_t>& taps, std::int64_t padded) {
                      double sum = 0;
                      for (const std::int64_t tap : taps) sum += static_cast<double>(to_number(source[plane + tap]));
                      const auto count = op.count_include_pad ? padded : static_cast<std::int64_t>(taps.size());
                      target[o] = T(static_cast<Number<T>>(count == 0 ? 0.0 : sum / static_cast<double>(count)));
                    });
    } else {
      unsupported_dtype(dtype_of<T>());
    }
  });
}

void compute(const GlobalAveragePool&, Inputs inputs, Outputs outputs) {
  const Tensor& x = *inputs[0];
  const std::int64_t maps = outputs[0].elements();
  const std::int64_t map = maps == 0 ? 0 : x.elements() / maps;
  dispatch(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    if constexpr (is_real<T>) {
      const T* source = x.data<T>().data();
      T* target = outputs[0].mutable_data<T>().data();
      for (std::int64_t i = 0; i < maps; ++i) {
        double sum = 0;
        for (std::int64_t j = 0; j < map; ++j) sum += static_cast<double>(to_number(*source++));
        target[i] = T(static_cast<Number<T>>(sum / static_cast<double>(map)));
      }
    } else {
      unsupported_dtype(dtype_of<T>());
    }
  });
}

}  // namespace resnet::reference
