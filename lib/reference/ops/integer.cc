// Sums of integers are kept in double, where they are exact: below 2^53. They wrap around once, at the end.
#include <algorithm>
#include <cmath>

#include "lib/reference/ops/bytes.h"
#include "lib/reference/ops/compute.h"
#include "lib/reference/ops/convolve.h"
#include "lib/reference/ops/loops.h"
#include "lib/reference/ops/multiply.h"

namespace resnet::reference {

namespace {

// One per channel, of one or of as many.
template <typename T>
std::vector<T> per_channel(Inputs inputs, std::size_t index, std::int64_t channels, T otherwise) {
  std::vector<T> values = has(inputs, index) ? inputs[index]->values_as<T>() : std::vector<T>{otherwise};
  if (values.size() == 1) values.assign(static_cast<std::size_t>(channels), values.front());
  return values;
}

// w - w_zero_point, of (M, ...) with a zero point per output channel.
std::vector<double> shifted_weights(const Tensor& w, const std::vector<double>& zero_points) {
  std::vector<double> weights = w.values_as<double>();
  if (zero_points.empty()) return weights;
  const std::size_t per_channel = weights.size() / zero_points.size();
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] -= zero_points[i / per_channel];
  return weights;
}

// A matrix's scale or zero point in the matrix's own rank, so that it broadcasts: one per row is a column.
Shape broadcastable(const Shape& shape, bool per_row) {
  if (shape.elements() == 1) return Shape{};
  return per_row && shape.rank() == 1 ? Shape{shape[0], 1} : shape;
}

// Element by element over `target`, which `shape` broadcasts to: apply(offset in target, offset in shape).
template <typename Apply>
void visit_broadcast(const Shape& shape, const Shape& target, const Apply& apply) {
  std::int64_t at = 0;
  visit_rows<1>(target.dims(), {broadcast_strides(shape, target)},
                [&](const auto& offsets, std::int64_t count, const auto& steps) {
                  for (std::int64_t i = 0; i < count; ++i)
                    apply(static_cast<std::size_t>(at++), static_cast<std::size_t>(offsets[0] + i * steps[0]));
                });
}

std::vector<double> shifted_matrix(Inputs inputs, std::size_t matrix, std::size_t zero_point, bool per_row) {
  std::vector<double> values = inputs[matrix]->values_as<double>();
  if (!has(inputs, zero_point)) return values;
  const auto zero_points = inputs[zero_point]->values_as<double>();
  visit_broadcast(broadcastable(inputs[zero_point]->shape(), per_row), inputs[matrix]->shape(),
                  [&](std::size_t i, std::size_t of) { values[i] -= zero_points[of]; });
  return values;
}

// MatMul's sums, as y lies in memory.
std::vector<double> multiply(const std::vector<double>& a, const Shape& a_shape, const std::vector<double>& b,
                             const Shape& b_shape, const Shape& y_shape) {
  std::vector<double> y(static_cast<std::size_t>(y_shape.elements()));
  if (y.empty()) return y;
  Multiplier<double> multiplier;
  visit_products(a_shape, b_shape, y_shape, [&](const MatrixProduct& product) {
    multiplier.run(
        a.data() + product.a, product.rows, product.inner, product.columns,
        [&](std::int64_t k, std::int64_t k_count, std::int64_t j, std::int64_t j_count, double* block) {
          for (std::int64_t row = k; row < k + k_count; ++row, block += j_count)
            std::copy_n(b.data() + product.b + row * product.columns + j, j_count, block);
        },
        [&](std::int64_t i, std::int64_t j, const double* sums, std::int64_t count) {
          std::copy_n(sums, count, y.data() + product.y + i * product.columns + j);
        });
  });
  return y;
}

}  // namespace

void compute(const DynamicQuantizeLinear&, Inputs inputs, Outputs outputs) {
  const auto x = inputs[0]->data<float>();
  float least = 0, most = 0;
  for (const float value : x) {
    least = std::min(least, value);
    most = std::max(most, value);
  }
  // All of x is 0: any scale would do, and 0 would divide by 0.
  const float scale = most == least ? 1.0f : (most - least) / 255.0f;
  const float zero_point = std::nearbyint(std::clamp(-least / scale, 0.0f, 255.0f));
  auto y = outputs[0].mutable_data<std::uint8_t>();
  for (std::size_t i = 0; i < x.size(); ++i) y[i] = to_quantized<std::uint8_t>(x[i] / scale, zero_point);
  if (wants(outputs, 1)) outputs[1].mutable_data<float>()[0] = scale;
  if (wants(outputs, 2)) outputs[2].mutable_data<std::uint8_t>()[0] = static_cast<std::uint8_t>(zero_point);
}

void compute(const ConvInteger& op, Inputs inputs, Outputs outputs) {
  const Tensor &x = *inputs[0], &w = *inputs[1];
  const auto weights = shifted_weights(w, per_channel(inputs, 3, w.shape()[0], 0.0));
  std::int32_t* y = outputs[0].mutable_data<std::int32_t>().data();
  dispatch_bytes(x.dtype(), [&](auto zero) {
    convolve<decltype(zero)>(op.conv, x, single(inputs, 2, 0), w.shape(), weights.data(), outputs[0].shape(),
                             [&](std::int64_t, std::int64_t offset, const double* sums, std::int64_t count) {
                               std::transform(sums, sums + count, y + offset, to_int32);
                             });
  });
}

void compute(const QLinearConv& op, Inputs inputs, Outputs outputs) {
  const Tensor &x = *inputs[0], &w = *inputs[3];
  const std::int64_t channels = w.shape()[0];
  const auto weights = shifted_weights(w, per_channel(inputs, 5, channels, 0.0));
  std::vector<float> factors = per_channel(inputs, 4, channels, 1.0f);
  for (float& factor : factors) factor = single(inputs, 1, 1) * factor / single(inputs, 6, 1);
  const auto bias = has(inputs, 8) ? inputs[8]->values_as<double>() : std::vector<double>(factors.size());
  const float zero_point = single(inputs, 7, 0);
  dispatch_bytes(outputs[0].dtype(), [&](auto to) {
    using To = decltype(to);
    To* y = outputs[0].mutable_data<To>().data();
    dispatch_bytes(x.dtype(), [&](auto from) {
      convolve<decltype(from)>(op.conv, x, single(inputs, 2, 0), w.shape(), weights.data(), outputs[0].shape(),
                               [&](std::int64_t channel, std::int64_t offset, const double* sums, std::int64_t count) {
                                 const double shift = bias[static_cast<std::size_t>(channel)];
                                 const float factor = factors[static_cast<std::size_t>(channel)];
                                 for (std::int64_t i = 0; i < count; ++i)
                                   y[offset + i] = rescaled<To>(to_int32(sums[i] + shift), factor, zero_point);
                               });
    });
  });
}

void compute(const MatMulInteger&, Inputs inputs, Outputs outputs) {
  const auto sums = multiply(shifted_matrix(inputs, 0, 2, true), inputs[0]->shape(), shifted_matrix(inputs, 1, 3, false),
                             inputs[1]->shape(), outputs[0].shape());
  std::transform(sums.begin(), sums.end(), outputs[0].mutable_data<std::int32_t>().data(), to_int32);
}

void compute(const QLinearMatMul&, Inputs inputs, Outputs outputs) {
  Tensor& y = outputs[0];
  const auto sums = multiply(shifted_matrix(inputs, 0, 2, true), inputs[0]->shape(), shifted_matrix(inputs, 3, 5, false),
                             inputs[3]->shape(), y.shape());
  std::vector<float> factors(sums.size());
  const float divisor = single(inputs, 6, 1), zero_point = single(inputs, 7, 0);
  const auto a_scales = inputs[1]->values_as<float>(), b_scales = inputs[4]->values_as<float>();
  visit_broadcast(broadcastable(inputs[1]->shape(), true), y.shape(),
                  [&](std::size_t i, std::size_t of) { factors[i] = a_scales[of]; });
  visit_broadcast(broadcastable(inputs[4]->shape(), false), y.shape(),
                  [&](std::size_t i, std::size_t of) { factors[i] = factors[i] * b_scales[of] / divisor; });
  dispatch_bytes(y.dtype(), [&](auto zero) {
    using T = decltype(zero);
    T* target = y.mutable_data<T>().data();
    for (std::size_t i = 0; i < sums.size(); ++i) target[i] = rescaled<T>(to_int32(sums[i]), factors[i], zero_point);
  });
}

// The zero points are a part of what is rounded, as in ONNX Runtime: 80.5 is even or odd by where zero is.
void compute(const QLinearAdd&, Inputs inputs, Outputs outputs) {
  const Tensor &a = *inputs[0], &b = *inputs[3];
  Tensor& y = outputs[0];
  const float y_scale = single(inputs, 6, 1);
  const float a_ratio = single(inputs, 1, 1) / y_scale, b_ratio = single(inputs, 4, 1) / y_scale;
  const float from_a = a_ratio * single(inputs, 2, 0), from_b = b_ratio * single(inputs, 5, 0);
  const float shift = single(inputs, 7, 0) - (from_a + from_b);
  dispatch_bytes(y.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T *left = a.data<T>().data(), *right = b.data<T>().data();
    T* target = y.mutable_data<T>().data();
    visit_rows<2>(y.shape().dims(), {broadcast_strides(a.shape(), y.shape()), broadcast_strides(b.shape(), y.shape())},
                  [&](const auto& offsets, std::int64_t count, const auto& steps) {
                    for (std::int64_t i = 0; i < count; ++i) {
                      const auto p = static_cast<float>(left[offsets[0] + i * steps[0]]);
                      const auto q = static_cast<float>(right[offsets[1] + i * steps[1]]);
                      *target++ = to_quantized<T>(std::fma(p, a_ratio, std::fma(q, b_ratio, shift)), 0);
                    }
                  });
  });
}

void compute(const QLinearGlobalAveragePool& op, Inputs inputs, Outputs outputs) {
  const Tensor& x = *inputs[0];
  Tensor& y = outputs[0];
  if (y.elements() == 0) return;
  const std::int64_t batch = x.shape()[0], channels = op.channels_last ? x.shape().dims().back() : x.shape()[1];
  const std::int64_t map = x.elements() / y.elements();
  const std::int64_t channel_step = op.channels_last ? 1 : map, step = op.channels_last ? channels : 1;
  const double x_zero = static_cast<double>(single(inputs, 2, 0));
  const float factor = single(inputs, 1, 1) / (single(inputs, 3, 1) * static_cast<float>(map)), y_zero = single(inputs, 4, 0);
  dispatch_bytes(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    T* target = y.mutable_data<T>().data();
    for (std::int64_t n = 0; n < batch; ++n) {
      for (std::int64_t c = 0; c < channels; ++c) {
        const T* source = x.data<T>().data() + n * channels * map + c * channel_step;
        std::int64_t sum = 0;
        for (std::int64_t i = 0; i < map; ++i) sum += source[i * step];
        *target++ = rescaled<T>(to_int32(static_cast<double>(sum) - x_zero * static_cast<double>(map)), factor, y_zero);
      }
    }
  });
}

void compute(const LookupTable&, Inputs inputs, Outputs outputs) {
  const Tensor &x = *inputs[0], &table = *inputs[1];
  const std::uint8_t* source = elements<std::uint8_t>(x);
  std::uint8_t* target = elements<std::uint8_t>(outputs[0]);
  const std::uint8_t* row = elements<std::uint8_t>(table);
  const bool per_channel = table.shape().rank() == 2;
  const AxisSplit split = per_channel ? split_at(x.shape(), 1) : AxisSplit{1, 1, x.elements()};
  for (std::int64_t o = 0; o < split.outer; ++o) {
    for (std::int64_t c = 0; c < split.size; ++c) {
      for (std::int64_t i = 0; i < split.inner; ++i) *target++ = row[c * 256 + *source++];
    }
  }
}

void compute(const QGemm& op, Inputs inputs, Outputs outputs) {
  Tensor& y = outputs[0];
  if (y.elements() == 0) return;
  const std::int64_t rows = y.shape()[0], columns = y.shape()[1], inner = inputs[0]->shape()[op.transA ? 0 : 1];
  const double a_zero = static_cast<double>(single(inputs, 2, 0));
  const auto b_zeros = per_channel(inputs, 5, columns, 0.0);
  auto factors = per_channel(inputs, 4, columns, 1.0f);
  for (float& factor : factors) {
    factor = op.alpha * single(inputs, 1, 1) * factor;
    if (has(inputs, 7)) factor /= single(inputs, 7, 1);
  }
  const auto read = [](const Tensor& matrix, bool transposed, std::int64_t height, std::int64_t width) {
    std::vector<double> values = matrix.values_as<double>();
    if (!transposed) return values;
    std::vector<double> turned(values.size());
    for (std::int64_t i = 0; i < height; ++i) {
      for (std::int64_t j = 0; j < width; ++j)
        turned[static_cast<std::size_t>(i * width + j)] = values[static_cast<std::size_t>(j * height + i)];
    }
    return turned;
  };
  std::vector<double> a = read(*inputs[0], op.transA, rows, inner), b = read(*inputs[3], op.transB, inner, columns);
  for (double& value : a) value -= a_zero;
  for (std::size_t i = 0; i < b.size(); ++i) b[i] -= b_zeros[i % b_zeros.size()];
  std::vector<double> sums = multiply(a, Shape{rows, inner}, b, Shape{inner, columns}, y.shape());
  if (has(inputs, 6)) {
    const auto c = inputs[6]->values_as<double>();
    visit_broadcast(inputs[6]->shape(), y.shape(), [&](std::size_t i, std::size_t of) { sums[i] += c[of]; });
  }
  if (!has(inputs, 7)) {
    float* target = y.mutable_data<float>().data();
    for (std::size_t i = 0; i < sums.size(); ++i) target[i] = static_cast<float>(to_int32(sums[i])) * factors[i % factors.size()];
    return;
  }
  const float zero_point = single(inputs, 8, 0);
  dispatch_bytes(y.dtype(), [&](auto zero) {
    using T = decltype(zero);
    T* target = y.mutable_data<T>().data();
    for (std::size_t i = 0; i < sums.size(); ++i)
      target[i] = rescaled<T>(to_int32(sums[i]), factors[i % factors.size()], zero_point);
  });
}

}  // namespace resnet::reference
