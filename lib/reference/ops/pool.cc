#include <algorithm>
#include <cmath>

#include "lib/reference/ops/bytes.h"
#include "lib/reference/ops/compute.h"
#include "lib/reference/ops/loops.h"

namespace resnet::reference {

namespace {

// The elements of one axis that a window takes: `count` of them from offset `first` on, `step` apart; `padded` are those that lie
// in the image or in its padding. With ceil_mode a last window may go beyond both.
struct Taps {
  std::int64_t first, step, count, padded;
};

std::int64_t ceil_divide(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

// For each spatial axis and each output position along it. Counted, not walked: a kernel may be far larger than its input.
std::vector<std::vector<Taps>> taps_of(const Window& window, const Shape& x, const Shape& y) {
  const auto strides = x.strides();
  std::vector<std::vector<Taps>> taps(window.kernel.size());
  for (std::size_t i = 0; i < taps.size(); ++i) {
    const std::int64_t size = x[i + 2], kernel = window.kernel[i], dilation = window.dilations[i], stride = strides[i + 2];
    for (std::int64_t o = 0; o < y[i + 2]; ++o) {
      const std::int64_t start = o * window.strides[i] - window.pads_begin[i];
      // How many of the kernel's elements lie before a place on the axis.
      const auto before = [&](std::int64_t place) {
        return place <= start ? 0 : std::min(kernel, ceil_divide(place - start, dilation));
      };
      const std::int64_t first = before(0), count = before(size) - first;
      // Where there is no such tap, or no second one, its offset could be out of all bounds.
      taps[i].push_back({count > 0 ? (start + first * dilation) * stride : 0, count > 1 ? dilation * stride : 0, count,
                         before(size + window.pads_end[i])});
    }
  }
  return taps;
}

template <typename Visit>
void visit_taps(std::span<const Taps* const> axes, std::int64_t offset, const Visit& visit) {
  const Taps& taps = *axes[0];
  for (std::int64_t i = 0; i < taps.count; ++i) {
    const std::int64_t at = offset + taps.first + i * taps.step;
    if (axes.size() == 1) {
      visit(at);
    } else {
      visit_taps(axes.subspan(1), at, visit);
    }
  }
}

// Calls visit(map, axes) for every output in order: `map` is the offset of its map in x, `axes` its window's taps along each
// axis.
template <typename Visit>
void visit_windows(const Window& window, const Shape& x, const Shape& y, const Visit& visit) {
  if (y.elements() == 0) return;
  const auto taps = taps_of(window, x, y);
  const std::int64_t maps = x[0] * x[1], outputs = y.elements() / maps, inputs = x.elements() / maps;
  std::vector<std::size_t> position(taps.size());
  std::vector<const Taps*> axes(taps.size());
  for (std::int64_t map = 0; map < maps; ++map) {
    std::fill(position.begin(), position.end(), 0);
    for (std::size_t i = 0; i < taps.size(); ++i) axes[i] = taps[i].data();
    for (std::int64_t o = 0; o < outputs; ++o) {
      visit(map * inputs, std::span<const Taps* const>(axes));
      for (std::size_t i = taps.size(); i-- > 0;) {
        if (++position[i] == taps[i].size()) position[i] = 0;
        axes[i] = &taps[i][position[i]];
        if (position[i] != 0) break;
      }
    }
  }
}

// The index into the map as if it lay in column-major order: the first axis moves fastest.
std::int64_t to_column_major(std::int64_t offset, std::span<const std::int64_t> spatial) {
  std::int64_t index = 0;
  for (std::size_t axis = spatial.size(); axis-- > 0;) {
    index = index * spatial[axis] + offset % spatial[axis];
    offset /= spatial[axis];
  }
  return index;
}

}  // namespace

void compute(const MaxPool& op, Inputs inputs, Outputs outputs) {
  const Tensor& x = *inputs[0];
  const auto spatial = x.shape().dims().subspan(2);
  const Window window = window_of(op, Dims(spatial.begin(), spatial.end()));
  std::int64_t* index = wants(outputs, 1) ? outputs[1].mutable_data<std::int64_t>().data() : nullptr;
  dispatch_number(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    using Limits = std::numeric_limits<Number<T>>;
    // What a window that lies in the padding alone has.
    const Number<T> least = Limits::has_infinity ? -Limits::infinity() : Limits::lowest();
    const T* source = x.data<T>().data();
    T* target = outputs[0].mutable_data<T>().data();
    visit_windows(window, x.shape(), outputs[0].shape(), [&](std::int64_t map, std::span<const Taps* const> axes) {
      Number<T> best = least;
      std::int64_t where = -1;
      visit_taps(axes, 0, [&](std::int64_t tap) {
        const Number<T> value = to_number(source[map + tap]);
        // NaN is handed on; of equals the first counts.
        if (where < 0 || value > best || (is_nan(value) && !is_nan(best))) {
          best = value;
          where = tap;
        }
      });
      *target++ = T(best);
      if (index == nullptr) return;
      where = std::max<std::int64_t>(where, 0);
      *index++ = map + (op.storage_order == 0 ? where : to_column_major(where, spatial));
    });
  });
}

namespace {

// Calls one(sum of term(element) over a window, its taps by axis) for each; what it gives is the output.
template <typename Pool, typename Term, typename One>
void sum_windows(const Pool& op, const Tensor& x, Tensor& y, const Term& term, const One& one) {
  const auto spatial = x.shape().dims().subspan(2);
  const Window window = window_of(op, Dims(spatial.begin(), spatial.end()));
  dispatch_real(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* source = x.data<T>().data();
    T* target = y.mutable_data<T>().data();
    visit_windows(window, x.shape(), y.shape(), [&](std::int64_t map, std::span<const Taps* const> axes) {
      double sum = 0;
      visit_taps(axes, 0, [&](std::int64_t tap) { sum += term(static_cast<double>(to_number(source[map + tap]))); });
      *target++ = to_element<T>(one(sum, axes));
    });
  });
}

}  // namespace

void compute(const AveragePool& op, Inputs inputs, Outputs outputs) {
  sum_windows(
      op, *inputs[0], outputs[0], [](double value) { return value; },
      [&](double sum, std::span<const Taps* const> axes) {
        double count = 1;
        for (const Taps* axis : axes) count *= static_cast<double>(op.count_include_pad ? axis->padded : axis->count);
        return count == 0 ? 0.0 : sum / count;
      });
}

namespace {

Tensor transposed(const Tensor& x, std::vector<std::int64_t> perm) {
  const Tensor* inputs[] = {&x};
  return evaluate(Transpose{std::move(perm)}, inputs).front();
}

// y (N, C, ...) of x (N, C, ...).
void average(const QLinearAveragePool& op, const Tensor& x, Inputs inputs, Tensor& y) {
  const auto spatial = x.shape().dims().subspan(2);
  const Window window = window_of(op.pool, Dims(spatial.begin(), spatial.end()));
  const auto x_zero = static_cast<std::int64_t>(single(inputs, 2, 0));
  const float x_scale = single(inputs, 1, 1), y_scale = single(inputs, 3, 1), y_zero = single(inputs, 4, 0);
  dispatch_bytes(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* source = x.data<T>().data();
    T* target = y.mutable_data<T>().data();
    visit_windows(window, x.shape(), y.shape(), [&](std::int64_t map, std::span<const Taps* const> axes) {
      std::int64_t sum = 0;
      visit_taps(axes, 0, [&](std::int64_t tap) { sum += source[map + tap] - x_zero; });
      float count = 1;
      for (const Taps* axis : axes) count *= static_cast<float>(op.pool.count_include_pad ? axis->padded : axis->count);
      const float factor = count == 0 ? 0.0f : x_scale / (y_scale * count);
      *target++ = rescaled<T>(static_cast<std::int32_t>(sum), factor, y_zero);
    });
  });
}

}  // namespace

void compute(const QLinearAveragePool& op, Inputs inputs, Outputs outputs) {
  if (!op.channels_last) return average(op, *inputs[0], inputs, outputs[0]);
  const auto rank = static_cast<std::int64_t>(inputs[0]->shape().rank());
  std::vector<std::int64_t> first = {0, rank - 1}, last = {0};
  for (std::int64_t axis = 1; axis + 1 < rank; ++axis) {
    first.push_back(axis);
    last.push_back(axis + 1);
  }
  last.push_back(1);
  std::vector<std::int64_t> shape;
  for (const std::int64_t axis : first) shape.push_back(outputs[0].shape()[static_cast<std::size_t>(axis)]);
  Tensor y = Tensor::allocate(outputs[0].dtype(), Shape(shape));
  average(op, transposed(*inputs[0], first), inputs, y);
  copy_bytes(transposed(y, last), outputs[0]);
}

namespace {

// Calls one(values, count) for each map of x; what it gives is the output.
template <typename One>
void reduce_maps(const Tensor& x, Tensor& y, const One& one) {
  const std::int64_t maps = y.elements();
  if (maps == 0) return;
  const std::int64_t map = x.elements() / maps;
  dispatch_real(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* source = x.data<T>().data();
    T* target = y.mutable_data<T>().data();
    for (std::int64_t i = 0; i < maps; ++i) target[i] = to_element<T>(one(source + i * map, map));
  });
}

double to_power(double value, std::int64_t p) {
  value = std::abs(value);
  return p == 1 ? value : p == 2 ? value * value : std::pow(value, static_cast<double>(p));
}
double root_of(double sum, std::int64_t p) {
  return p == 1 ? sum : p == 2 ? std::sqrt(sum) : std::pow(sum, 1 / static_cast<double>(p));
}

}  // namespace

void compute(const GlobalAveragePool&, Inputs inputs, Outputs outputs) {
  reduce_maps(*inputs[0], outputs[0], [](const auto* values, std::int64_t count) {
    double sum = 0;
    for (std::int64_t i = 0; i < count; ++i) sum += static_cast<double>(to_number(values[i]));
    return sum / static_cast<double>(count);
  });
}

void compute(const GlobalMaxPool&, Inputs inputs, Outputs outputs) {
  reduce_maps(*inputs[0], outputs[0], [](const auto* values, std::int64_t count) {
    double best = -std::numeric_limits<double>::infinity();
    for (std::int64_t i = 0; i < count; ++i) {
      const double value = static_cast<double>(to_number(values[i]));
      if (value > best || std::isnan(value)) best = value;
      if (std::isnan(best)) break;
    }
    return best;
  });
}

void compute(const GlobalLpPool& op, Inputs inputs, Outputs outputs) {
  reduce_maps(*inputs[0], outputs[0], [&](const auto* values, std::int64_t count) {
    double sum = 0;
    for (std::int64_t i = 0; i < count; ++i) sum += to_power(static_cast<double>(to_number(values[i])), op.p);
    return root_of(sum, op.p);
  });
}

void compute(const LpPool& op, Inputs inputs, Outputs outputs) {
  sum_windows(
      op, *inputs[0], outputs[0], [&](double value) { return to_power(value, op.p); },
      [&](double sum, std::span<const Taps* const>) { return root_of(sum, op.p); });
}

void compute(const MaxUnpool& op, Inputs inputs, Outputs outputs) {
  const Tensor& x = *inputs[0];
  Tensor& y = outputs[0];
  std::vector<std::int64_t> natural;
  for (const Dim& dim : unpooled_dims(op, Dims(x.shape().dims().begin(), x.shape().dims().end())))
    natural.push_back(dim.number());
  const Shape shape(natural);
  const auto strides = shape.strides(), own = y.shape().strides();
  const auto indices = inputs[1]->data<std::int64_t>();
  const std::size_t size = size_of(x.dtype());
  std::memset(y.mutable_bytes().data(), 0, y.size_bytes());
  for (std::size_t i = 0; i < indices.size(); ++i) {
    if (indices[i] < 0 || indices[i] >= shape.elements())
      throw Error(Fault::malformed, "index " + std::to_string(indices[i]) + " is out of range for " + shape.to_string());
    std::int64_t rest = indices[i], at = 0;
    for (std::size_t axis = 0; axis < strides.size(); ++axis) {
      at += rest / strides[axis] * own[axis];
      rest %= strides[axis];
    }
    std::memcpy(y.mutable_bytes().data() + static_cast<std::size_t>(at) * size, x.bytes().data() + i * size, size);
  }
}

}  // namespace resnet::reference
