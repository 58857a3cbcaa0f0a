// Sums of integers are kept in double, where they are exact: below 2^53.
#include <algorithm>
#include <cmath>

#include "lib/reference/ops/compute.h"
#include "lib/reference/ops/convolve.h"
#include "lib/reference/ops/loops.h"
#include "lib/reference/ops/multiply.h"

namespace resnet::reference {

namespace {

template <typename Handler>
void dispatch_bytes(DType dtype, const Handler& handler) {
  dispatch(dtype, [&](auto zero) {
    using T = decltype(zero);
    if constexpr (std::is_same_v<T, std::uint8_t> || std::is_same_v<T, std::int8_t>) {
      handler(zero);
    } else {
      unsupported_dtype(dtype_of<T>());
    }
  });
}

// The one element of a scale or zero point; `otherwise` where it is left out.
double single(Inputs inputs, std::size_t index, double otherwise) {
  return has(inputs, index) ? inputs[index]->values_as<double>().front() : otherwise;
}

// One per channel, of one or of as many.
std::vector<double> per_channel(Inputs inputs, std::size_t index, std::int64_t channels, double otherwise) {
  std::vector<double> values = has(inputs, index) ? inputs[index]->values_as<double>() : std::vector<double>{otherwise};
  if (values.size() == 1) values.assign(static_cast<std::size_t>(channels), values.front());
  return values;
}

// Of what is at most 2^53: saturate(round half to even(value) + zero_point).
template <typename T>
T to_quantized(double value, double zero_point) {
  using Limits = std::numeric_limits<T>;
  // NaN becomes the least, as QuantizeLinear has it.
  const double rounded = std::nearbyint(value) + zero_point;
  if (!(rounded > Limits::min())) return Limits::min();
  return rounded < Limits::max() ? static_cast<T>(rounded) : Limits::max();
}

std::int32_t to_int32(double sum) { return static_cast<std::int32_t>(static_cast<std::int64_t>(sum)); }  // wraps around

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
  for (std::size_t i = 0; i < x.size(); ++i) y[i] = to_quantized<std::uint8_t>(static_cast<double>(x[i] / scale), zero_point);
  if (wants(outputs, 1)) outputs[1].mutable_data<float>()[0] = scale;
  if (wants(outputs, 2)) outputs[2].mutable_data<std::uint8_t>()[0] = static_cast<std::uint8_t>(zero_point);
}

void compute(const ConvInteger& op, Inputs inputs, Outputs outputs) {
  const Tensor &x = *inputs[0], &w = *inputs[1];
  const auto weights = shifted_weights(w, per_channel(inputs, 3, w.shape()[0], 0));
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
  const auto weights = shifted_weights(w, per_channel(inputs, 5, channels, 0));
  std::vector<double> factors = per_channel(inputs, 4, channels, 1);
  for (double& factor : factors) factor = factor * single(inputs, 1, 1) / single(inputs, 6, 1);
  const auto bias = has(inputs, 8) ? inputs[8]->values_as<double>() : std::vector<double>(factors.size());
  const double zero_point = single(inputs, 7, 0);
  dispatch_bytes(outputs[0].dtype(), [&](auto to) {
    using To = decltype(to);
    To* y = outputs[0].mutable_data<To>().data();
    dispatch_bytes(x.dtype(), [&](auto from) {
      convolve<decltype(from)>(op.conv, x, single(inputs, 2, 0), w.shape(), weights.data(), outputs[0].shape(),
                               [&](std::int64_t channel, std::int64_t offset, const double* sums, std::int64_t count) {
                                 const double shift = bias[static_cast<std::size_t>(channel)];
                                 const double factor = factors[static_cast<std::size_t>(channel)];
                                 for (std::int64_t i = 0; i < count; ++i)
                                   y[offset + i] = to_quantized<To>((sums[i] + shift) * factor, zero_point);
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
  auto sums = multiply(shifted_matrix(inputs, 0, 2, true), inputs[0]->shape(), shifted_matrix(inputs, 3, 5, false),
                       inputs[3]->shape(), y.shape());
  const double divisor = single(inputs, 6, 1), zero_point = single(inputs, 7, 0);
  const auto a_scales = inputs[1]->values_as<double>(), b_scales = inputs[4]->values_as<double>();
  visit_broadcast(broadcastable(inputs[1]->shape(), true), y.shape(),
                  [&](std::size_t i, std::size_t of) { sums[i] *= a_scales[of]; });
  visit_broadcast(broadcastable(inputs[4]->shape(), false), y.shape(),
                  [&](std::size_t i, std::size_t of) { sums[i] = sums[i] * b_scales[of] / divisor; });
  dispatch_bytes(y.dtype(), [&](auto zero) {
    using T = decltype(zero);
    std::transform(sums.begin(), sums.end(), y.mutable_data<T>().data(),
                   [&](double sum) { return to_quantized<T>(sum, zero_point); });
  });
}

void compute(const QLinearAdd&, Inputs inputs, Outputs outputs) {
  const Tensor &a = *inputs[0], &b = *inputs[3];
  Tensor& y = outputs[0];
  const double a_scale = single(inputs, 1, 1), a_zero = single(inputs, 2, 0), b_scale = single(inputs, 4, 1),
               b_zero = single(inputs, 5, 0), y_scale = single(inputs, 6, 1), y_zero = single(inputs, 7, 0);
  dispatch_bytes(y.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T *left = a.data<T>().data(), *right = b.data<T>().data();
    T* target = y.mutable_data<T>().data();
    visit_rows<2>(y.shape().dims(), {broadcast_strides(a.shape(), y.shape()), broadcast_strides(b.shape(), y.shape())},
                  [&](const auto& offsets, std::int64_t count, const auto& steps) {
                    for (std::int64_t i = 0; i < count; ++i) {
                      const double p = (left[offsets[0] + i * steps[0]] - a_zero) * a_scale;
                      const double q = (right[offsets[1] + i * steps[1]] - b_zero) * b_scale;
                      *target++ = to_quantized<T>((p + q) / y_scale, y_zero);
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
  const double x_zero = single(inputs, 2, 0), y_zero = single(inputs, 4, 0);
  const double divisor = single(inputs, 3, 1) * static_cast<double>(map), scale = single(inputs, 1, 1);
  dispatch_bytes(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    T* target = y.mutable_data<T>().data();
    for (std::int64_t n = 0; n < batch; ++n) {
      for (std::int64_t c = 0; c < channels; ++c) {
        const T* source = x.data<T>().data() + n * channels * map + c * channel_step;
        std::int64_t sum = 0;
        for (std::int64_t i = 0; i < map; ++i) sum += source[i * step];
        *target++ = to_quantized<T>((static_cast<double>(sum) - x_zero * static_cast<double>(map)) * scale / divisor, y_zero);
      }
    }
  });
}

void compute(const QGemm& op, Inputs inputs, Outputs outputs) {
  Tensor& y = outputs[0];
  if (y.elements() == 0) return;
  const std::int64_t rows = y.shape()[0], columns = y.shape()[1], inner = inputs[0]->shape()[op.transA ? 0 : 1];
  const double a_zero = single(inputs, 2, 0);
  const auto b_zeros = per_channel(inputs, 5, columns, 0);
  auto factors = per_channel(inputs, 4, columns, 1);
  for (double& factor : factors) factor *= static_cast<double>(op.alpha) * single(inputs, 1, 1);
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
  for (std::size_t i = 0; i < sums.size(); ++i) sums[i] *= factors[i % factors.size()];
  if (!has(inputs, 7)) {
    std::transform(sums.begin(), sums.end(), y.mutable_data<float>().data(), [](double sum) { return static_cast<float>(sum); });
    return;
  }
  const double divisor = single(inputs, 7, 1), zero_point = single(inputs, 8, 0);
  dispatch_bytes(y.dtype(), [&](auto zero) {
    using T = decltype(zero);
    std::transform(sums.begin(), sums.end(), y.mutable_data<T>().data(),
                   [&](double sum) { return to_quantized<T>(sum / divisor, zero_point); });
  });
}

}  // namespace resnet::reference
