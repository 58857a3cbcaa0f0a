#include <algorithm>
#include <cmath>

#include "lib/reference/ops/compute.h"
#include "lib/reference/ops/loops.h"

namespace resnet::reference {

namespace {

struct Moments {
  double mean = 0, variance = 0;
};

// The variance divides by all, not by one less.
template <typename T>
Moments moments_of(const T* values, std::int64_t count) {
  Moments moments;
  if (count == 0) return moments;
  for (std::int64_t i = 0; i < count; ++i) moments.mean += static_cast<double>(to_number(values[i]));
  moments.mean /= static_cast<double>(count);
  for (std::int64_t i = 0; i < count; ++i) {
    const double distance = static_cast<double>(to_number(values[i])) - moments.mean;
    moments.variance += distance * distance;
  }
  moments.variance /= static_cast<double>(count);
  return moments;
}

// x (N, C, ...) over groups of channels; scale and bias are per channel.
void normalize_groups(Inputs inputs, Tensor& y, std::int64_t groups, float epsilon) {
  const Tensor& x = *inputs[0];
  if (x.elements() == 0) return;
  const std::int64_t batch = x.shape()[0], channels = x.shape()[1], map = x.elements() / (batch * channels);
  const std::int64_t per_group = channels / groups;
  const auto scale = inputs[1]->values_as<double>(), bias = inputs[2]->values_as<double>();
  dispatch_real(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* source = x.data<T>().data();
    T* target = y.mutable_data<T>().data();
    for (std::int64_t group = 0; group < batch * groups; ++group) {
      const Moments moments = moments_of(source, per_group * map);
      const double inverse = 1 / std::sqrt(moments.variance + static_cast<double>(epsilon));
      for (std::int64_t c = 0; c < per_group; ++c) {
        const auto channel = static_cast<std::size_t>(group % groups * per_group + c);
        for (std::int64_t i = 0; i < map; ++i) {
          const double value = (static_cast<double>(to_number(*source++)) - moments.mean) * inverse;
          *target++ = to_element<T>(value * scale[channel] + bias[channel]);
        }
      }
    }
  });
}

// An input that broadcasts to x's rows of `length` elements, as doubles in x's order: index it by the element's place in x.
class Broadcast {
 public:
  Broadcast(Inputs inputs, std::size_t index, const Shape& shape) : given_(has(inputs, index)) {
    if (!given_) return;
    values_ = inputs[index]->values_as<double>();
    // Only the axes from the first on that it has decide; what is before it repeats.
    const auto strides = broadcast_strides(inputs[index]->shape(), shape);
    std::size_t first = 0;
    while (first < strides.size() && (strides[first] == 0)) ++first;
    for (std::size_t axis = first; axis < strides.size(); ++axis) period_ *= shape[axis];
    places_.reserve(static_cast<std::size_t>(period_));
    const std::vector<std::int64_t> counts(shape.dims().begin() + static_cast<std::ptrdiff_t>(first), shape.dims().end());
    visit_rows<1>(counts, {std::vector<std::int64_t>(strides.begin() + static_cast<std::ptrdiff_t>(first), strides.end())},
                  [&](const auto& offsets, std::int64_t count, const auto& steps) {
                    for (std::int64_t i = 0; i < count; ++i) places_.push_back(offsets[0] + i * steps[0]);
                  });
  }
  double at(std::int64_t place, double otherwise) const {
    return given_ ? values_[static_cast<std::size_t>(places_[static_cast<std::size_t>(place % period_)])] : otherwise;
  }

 private:
  bool given_;
  std::vector<double> values_;
  std::vector<std::int64_t> places_;
  std::int64_t period_ = 1;
};

std::int64_t elements_from(const Shape& shape, std::size_t axis) {
  std::int64_t count = 1;
  for (std::size_t i = axis; i < shape.rank(); ++i) count *= shape[i];
  return count;
}

void store(Outputs outputs, std::size_t index, std::int64_t row, double value) {
  if (wants(outputs, index)) outputs[index].mutable_data<float>()[static_cast<std::size_t>(row)] = static_cast<float>(value);
}

}  // namespace

void compute(const InstanceNormalization& op, Inputs inputs, Outputs outputs) {
  normalize_groups(inputs, outputs[0], inputs[0]->shape()[1], op.epsilon);
}
void compute(const GroupNormalization& op, Inputs inputs, Outputs outputs) {
  normalize_groups(inputs, outputs[0], op.num_groups, op.epsilon);
}

void compute(const LayerNormalization& op, Inputs inputs, Outputs outputs) {
  const Tensor& x = *inputs[0];
  if (x.elements() == 0) return;
  const std::int64_t length = elements_from(x.shape(), normalize_axis(op.axis, x.shape().rank()));
  const Broadcast scale(inputs, 1, x.shape()), bias(inputs, 2, x.shape());
  dispatch_real(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* source = x.data<T>().data();
    T* target = outputs[0].mutable_data<T>().data();
    for (std::int64_t row = 0; row < x.elements() / length; ++row) {
      const Moments moments = moments_of(source + row * length, length);
      const double inverse = 1 / std::sqrt(moments.variance + static_cast<double>(op.epsilon));
      for (std::int64_t place = row * length; place < (row + 1) * length; ++place) {
        const double value = (static_cast<double>(to_number(source[place])) - moments.mean) * inverse;
        target[place] = to_element<T>(value * scale.at(place, 1) + bias.at(place, 0));
      }
      store(outputs, 1, row, moments.mean);
      store(outputs, 2, row, inverse);
    }
  });
}

void compute(const RMSNormalization& op, Inputs inputs, Outputs outputs) {
  const Tensor& x = *inputs[0];
  if (x.elements() == 0) return;
  const std::int64_t length = elements_from(x.shape(), normalize_axis(op.axis, x.shape().rank()));
  const Broadcast scale(inputs, 1, x.shape());
  dispatch_real(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* source = x.data<T>().data();
    T* target = outputs[0].mutable_data<T>().data();
    for (std::int64_t first = 0; first < x.elements(); first += length) {
      double squares = 0;
      for (std::int64_t i = first; i < first + length; ++i) {
        const double value = static_cast<double>(to_number(source[i]));
        squares += value * value;
      }
      const double inverse = 1 / std::sqrt(squares / static_cast<double>(length) + static_cast<double>(op.epsilon));
      for (std::int64_t i = first; i < first + length; ++i)
        target[i] = to_element<T>(static_cast<double>(to_number(source[i])) * inverse * scale.at(i, 1));
    }
  });
}

void compute(const MeanVarianceNormalization& op, Inputs inputs, Outputs outputs) {
  const Tensor& x = *inputs[0];
  if (x.elements() == 0) return;
  std::vector<std::int64_t> kept(x.shape().dims().begin(), x.shape().dims().end());
  for (const std::int64_t axis : op.axes) kept[normalize_axis(axis, kept.size())] = 1;
  const Shape statistics(kept);
  const auto strides = broadcast_strides(statistics, x.shape());
  const double count = static_cast<double>(x.elements() / statistics.elements());
  dispatch_real(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* source = x.data<T>().data();
    T* target = outputs[0].mutable_data<T>().data();
    std::vector<double> means(static_cast<std::size_t>(statistics.elements()), 0.0), variances = means;
    const auto walk = [&](const auto& visit) {
      std::int64_t place = 0;
      visit_rows<1>(x.shape().dims(), {strides}, [&](const auto& offsets, std::int64_t length, const auto& steps) {
        for (std::int64_t i = 0; i < length; ++i) visit(place++, static_cast<std::size_t>(offsets[0] + i * steps[0]));
      });
    };
    const auto value = [&](std::int64_t place) { return static_cast<double>(to_number(source[place])); };
    walk([&](std::int64_t place, std::size_t where) { means[where] += value(place) / count; });
    walk([&](std::int64_t place, std::size_t where) {
      const double distance = value(place) - means[where];
      variances[where] += distance * distance / count;
    });
    walk([&](std::int64_t place, std::size_t where) {
      target[place] = to_element<T>((value(place) - means[where]) / (std::sqrt(variances[where]) + 1e-9));
    });
  });
}

void compute(const LpNormalization& op, Inputs inputs, Outputs outputs) {
  const Tensor& x = *inputs[0];
  if (x.elements() == 0) return;
  const AxisSplit split = split_at(x.shape(), normalize_axis(op.axis, x.shape().rank()));
  dispatch_real(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    for (std::int64_t row = 0; row < split.outer * split.inner; ++row) {
      const std::int64_t first = row / split.inner * split.size * split.inner + row % split.inner;
      const T* source = x.data<T>().data() + first;
      T* target = outputs[0].mutable_data<T>().data() + first;
      double norm = 0;
      for (std::int64_t k = 0; k < split.size; ++k) {
        const double value = static_cast<double>(to_number(source[k * split.inner]));
        norm += op.p == 1 ? std::abs(value) : value * value;
      }
      if (op.p == 2) norm = std::sqrt(norm);
      for (std::int64_t k = 0; k < split.size; ++k) {
        const double value = static_cast<double>(to_number(source[k * split.inner]));
        target[k * split.inner] = to_element<T>(norm == 0 ? 0.0 : value / norm);
      }
    }
  });
}

void compute(const LRN& op, Inputs inputs, Outputs outputs) {
  const Tensor& x = *inputs[0];
  if (x.elements() == 0) return;
  const AxisSplit split = split_at(x.shape(), 1);
  // As many channels before as after; of an even size one more after.
  const std::int64_t before = (op.size - 1) / 2, after = op.size - 1 - before;
  dispatch_real(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    for (std::int64_t n = 0; n < split.outer; ++n) {
      const T* source = x.data<T>().data() + n * split.size * split.inner;
      T* target = outputs[0].mutable_data<T>().data() + n * split.size * split.inner;
      const auto value = [&](std::int64_t c, std::int64_t i) {
        return static_cast<double>(to_number(source[c * split.inner + i]));
      };
      for (std::int64_t c = 0; c < split.size; ++c) {
        for (std::int64_t i = 0; i < split.inner; ++i) {
          double squares = 0;
          const std::int64_t last = c + std::min(after, split.size - 1 - c);
          for (std::int64_t k = std::max<std::int64_t>(0, c - before); k <= last; ++k) squares += value(k, i) * value(k, i);
          const double base =
              static_cast<double>(op.bias) + static_cast<double>(op.alpha) / static_cast<double>(op.size) * squares;
          target[c * split.inner + i] = to_element<T>(value(c, i) / std::pow(base, static_cast<double>(op.beta)));
        }
      }
    }
  });
}

}  // namespace resnet::reference
