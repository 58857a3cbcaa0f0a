// Eight bits: pairs of QuantizeLinear and DequantizeLinear, and operators on what lies between them.
#include <algorithm>

#include "tests/random/recipes.h"

namespace resnet::random {

namespace {

// A tensor of eight bits with what its numbers stand for.
struct Quantized {
  ValueId value, scale, zero_point;
};

Quantized parameters(Maker& m, DType dtype) {
  const std::int64_t zero = dtype == DType::uint8 ? m.draw.between(100, 156) : m.draw.between(-20, 20);
  return {ValueId::none(), m.scalar(static_cast<float>(m.draw.uniform(0.01, 0.04))), m.zero_point(dtype, zero)};
}

Quantized quantize(Maker& m, ValueId x, DType dtype) {
  Quantized q = parameters(m, dtype);
  q.value = m.add(QuantizeLinear{}, {x, q.scale, q.zero_point});
  return q;
}

ValueId dequantize(Maker& m, const Quantized& q) { return m.add(DequantizeLinear{}, {q.value, q.scale, q.zero_point}); }

DType draw_bytes(Maker& m) { return m.draw.chance(50) ? DType::uint8 : DType::int8; }

// What is before and after: movement that a QDQ pair may be met with.
ValueId moved(Maker& m, ValueId q) {
  if (m.rank(q) >= 2 && m.draw.chance(30)) return transpose(m, q, draw_perm(m, m.rank(q)));
  return q;
}

void quantize_dequantize(Maker& m, ValueId x) {
  Quantized q = quantize(m, x, draw_bytes(m));
  q.value = moved(m, q.value);
  if (m.draw.chance(30)) m.leave(q.value);
  m.offer(dequantize(m, q));
}

void quantize_per_axis(Maker& m, ValueId x) {
  if (m.rank(x) < 2) return;
  const std::size_t axis = m.free_axis(x);
  const std::int64_t count = m.sizes(x)[axis];
  const DType dtype = draw_bytes(m);
  const ValueId scale = m.constant({count}, 0.01, 0.04);
  const ValueId zero = dtype == DType::uint8 ? m.bytes(dtype, {count}, 100, 150) : m.bytes(dtype, {count}, -20, 20);
  const std::int64_t named = m.either_end(axis, m.rank(x));
  const ValueId q = m.add(QuantizeLinear{.axis = named}, {x, scale, zero});
  m.offer(m.add(DequantizeLinear{.axis = named}, {q, scale, zero}));
}

// A convolution of dequantized weights, as quantizers write it.
void conv_of_dequantized(Maker& m, ValueId x) {
  x = map_of(m, x);
  const std::int64_t channels = m.sizes(x)[1], outputs = m.draw.chance(50) ? 16 : m.draw.between(1, 15);
  const std::int64_t kernel = m.draw.chance(60) ? 3 : 1, pad = kernel / 2;
  const ValueId weight = m.bytes(DType::int8, {outputs, channels, kernel, kernel}, -m.largest_int8(), m.largest_int8());
  const bool per_channel = m.draw.chance(50);
  const double size = 0.01 / static_cast<double>(channels * kernel);
  const ValueId scale = per_channel ? m.constant({outputs}, size, 2 * size) : m.scalar(static_cast<float>(size));
  const ValueId zero = per_channel ? m.bytes(DType::int8, {outputs}, 0, 0) : m.zero_point(DType::int8, 0);
  const ValueId w = m.add(DequantizeLinear{.axis = 0}, {weight, scale, zero});
  const ValueId input = dequantize(m, quantize(m, x, draw_bytes(m)));
  ValueId y = m.add(Conv{.pads = {pad, pad, pad, pad}}, {input, w, m.constant({outputs}, -0.5, 0.5)});
  if (m.draw.chance(50)) y = activate(m, y);
  m.offer(m.draw.chance(50) ? dequantize(m, quantize(m, y, draw_bytes(m))) : y);
}

void dynamic_conv_integer(Maker& m, ValueId x) {
  if (m.open) return;  // the range is the whole batch's
  x = map_of(m, x);
  const std::int64_t channels = m.sizes(x)[1], outputs = m.draw.between(1, 17);
  const ValueId q = m.add(DynamicQuantizeLinear{}, {x}, 3);
  const ValueId weight = m.bytes(DType::uint8, {outputs, channels, 1, 1}, 0, 255);
  std::vector<ValueId> inputs = {q, weight, {q.node, 2}};
  if (m.draw.chance(50)) inputs.push_back(m.zero_point(DType::uint8, 128));
  const ValueId sums = m.add(Cast{DType::float32}, {m.add(ConvInteger{}, inputs)});
  const ValueId scale =
      m.add(Mul{}, {{q.node, 1}, m.draw.chance(50) ? m.scalar(0.005f) : m.constant({outputs, 1, 1}, 0.002, 0.006)});
  ValueId y = m.add(Mul{}, {sums, scale});
  if (m.draw.chance(60)) y = m.add(Add{}, {y, m.constant({1, outputs, 1, 1}, -0.5, 0.5)});
  const ValueId other = m.alike(y);
  if (!other.is_none() && other != y && m.draw.chance(60)) y = m.add(Add{}, {y, other});
  m.offer(m.draw.chance(50) ? activate(m, y) : y);
}

void dynamic_mat_mul_integer(Maker& m, ValueId x) {
  if (m.open || m.rank(x) < 2) return;
  const std::int64_t inner = m.sizes(x).back(), outputs = m.draw.between(1, 17);
  const ValueId q = m.add(DynamicQuantizeLinear{}, {x}, 3);
  const ValueId weight = m.bytes(DType::int8, {inner, outputs}, -m.largest_int8(), m.largest_int8());
  const ValueId sums = m.add(MatMulInteger{}, {q, weight, {q.node, 2}});
  if (m.draw.chance(30)) m.leave(sums);
  const ValueId scale = m.add(Mul{}, {{q.node, 1}, m.scalar(0.005f)});
  m.offer(m.add(Mul{}, {m.add(Cast{DType::float32}, {sums}), scale}));
}

void q_linear_conv(Maker& m, ValueId x) {
  const DType dtype = draw_bytes(m);
  const Quantized a = quantize(m, map_of(m, x), dtype);
  const Sizes sizes = m.sizes(a.value);
  const bool depthwise = m.draw.chance(20);
  const std::int64_t outputs = depthwise ? sizes[1] : m.draw.chance(50) ? 16 : m.draw.between(1, 15);
  const std::int64_t kernel = m.draw.chance(50) ? 3 : 1, pad = kernel / 2;
  QLinearConv op;
  op.conv.pads = {pad, pad, pad, pad};
  if (m.draw.chance(30)) op.conv.strides = {2, 2};
  if (depthwise) op.conv.group = sizes[1];
  const ValueId weight =
      m.bytes(DType::int8, {outputs, depthwise ? 1 : sizes[1], kernel, kernel}, -m.largest_int8(), m.largest_int8());
  const bool per_channel = m.draw.chance(50);
  const ValueId scale = per_channel ? m.constant({outputs}, 0.001, 0.01) : m.scalar(0.004f);
  const ValueId zero = per_channel ? m.bytes(DType::int8, {outputs}, 0, 0) : m.zero_point(DType::int8, 0);
  Quantized y = parameters(m, dtype);
  std::vector<ValueId> inputs = {a.value, a.scale, a.zero_point, weight, scale, zero, y.scale, y.zero_point};
  if (m.draw.chance(60)) inputs.push_back(m.bytes(DType::int32, {outputs}, -3000, 3000));
  y.value = m.add(op, inputs);
  if (m.draw.chance(30)) m.leave(y.value);
  if (m.sizes(y.value) == sizes && m.draw.chance(60)) {  // a residual
    Quantized sum = parameters(m, dtype);
    const bool first = m.draw.chance(50);
    const Quantized &left = first ? y : a, &right = first ? a : y;
    sum.value = m.add(QLinearAdd{}, {left.value, left.scale, left.zero_point, right.value, right.scale, right.zero_point,
                                     sum.scale, sum.zero_point});
    y = sum;
  }
  m.offer(dequantize(m, y));
}

void q_linear_mat_mul(Maker& m, ValueId x) {
  if (m.rank(x) < 2) x = matrix_of(m, x);
  const DType dtype = draw_bytes(m);
  const Quantized a = quantize(m, x, dtype);
  const std::int64_t inner = m.sizes(x).back(), outputs = m.draw.between(1, 20);
  const ValueId b = m.bytes(dtype, {inner, outputs}, dtype == DType::uint8 ? 0 : -m.largest_int8(),
                            dtype == DType::uint8 ? 100 : m.largest_int8());
  Quantized y = parameters(m, dtype);
  y.value = m.add(QLinearMatMul{}, {a.value, a.scale, a.zero_point, b, m.scalar(0.01f),
                                    m.zero_point(dtype, dtype == DType::uint8 ? 50 : 0), y.scale, y.zero_point});
  m.offer(dequantize(m, y));
}

void q_linear_add(Maker& m, ValueId x) {
  const DType dtype = draw_bytes(m);
  const ValueId other = m.alike(x);
  const Quantized a = quantize(m, x, dtype), b = quantize(m, other.is_none() ? m.add(Sigmoid{}, {x}) : other, dtype);
  Quantized y = parameters(m, dtype);
  y.value = m.add(QLinearAdd{}, {a.value, a.scale, a.zero_point, b.value, b.scale, b.zero_point, y.scale, y.zero_point});
  m.offer(dequantize(m, y));
}

void q_linear_global_average_pool(Maker& m, ValueId x) {
  if (m.rank(x) < 3) x = map_of(m, x);
  const DType dtype = draw_bytes(m);
  const Quantized a = quantize(m, x, dtype);
  Quantized y = parameters(m, dtype);
  const QLinearGlobalAveragePool op{.channels_last = m.draw.chance(25)};
  y.value = m.add(op, {a.value, a.scale, a.zero_point, y.scale, y.zero_point});
  m.offer(dequantize(m, y));
}

void q_gemm(Maker& m, ValueId x) {
  x = matrix_of(m, x);
  const Quantized a = quantize(m, x, DType::uint8);
  const std::int64_t inner = m.sizes(x)[1], outputs = m.draw.between(1, 20);
  QGemm op;
  op.transB = m.draw.chance(50);
  const ValueId b =
      m.bytes(DType::int8, op.transB ? Sizes{outputs, inner} : Sizes{inner, outputs}, -m.largest_int8(), m.largest_int8());
  std::vector<ValueId> inputs = {a.value, a.scale, a.zero_point, b, m.scalar(0.01f), m.zero_point(DType::int8, 0)};
  const bool whole = m.draw.chance(60);
  const bool bias = m.draw.chance(60);
  inputs.push_back(bias ? m.bytes(DType::int32, {outputs}, -3000, 3000) : ValueId::none());
  if (!whole) {
    if (!bias) inputs.pop_back();
    return m.offer(m.add(op, inputs));
  }
  Quantized y = parameters(m, DType::uint8);
  inputs.insert(inputs.end(), {y.scale, y.zero_point});
  y.value = m.add(op, inputs);
  m.offer(dequantize(m, y));
}

void q_linear_average_pool(Maker& m, ValueId x) {
  const DType dtype = draw_bytes(m);
  const Quantized a = quantize(m, map_of(m, x), dtype);
  Quantized y = parameters(m, dtype);
  QLinearAveragePool op;
  op.channels_last = m.draw.chance(20);
  op.pool.kernel_shape = {m.draw.between(1, 3), m.draw.between(1, 3)};
  op.pool.strides = {m.draw.between(1, 2), m.draw.between(1, 2)};
  if (m.draw.chance(40)) {
    for (int i = 0; i < 4; ++i)
      op.pool.pads.push_back(m.draw.between(0, op.pool.kernel_shape[static_cast<std::size_t>(i % 2)] - 1));
    op.pool.count_include_pad = m.draw.chance(50);
  }
  y.value = m.add(op, {a.value, a.scale, a.zero_point, y.scale, y.zero_point});
  if (m.draw.chance(30)) m.leave(y.value);
  m.offer(dequantize(m, y));
}

void lookup_table(Maker& m, ValueId x) {
  const DType from = draw_bytes(m), to = draw_bytes(m);
  const Quantized a = quantize(m, x, from);
  const bool per_channel = m.rank(x) >= 2 && m.draw.chance(50);
  const Sizes sizes = per_channel ? Sizes{m.sizes(x)[1], 256} : Sizes{256};
  Quantized y = parameters(m, to);
  y.value = m.add(LookupTable{}, {a.value, m.bytes(to, sizes, to == DType::uint8 ? 0 : -128, to == DType::uint8 ? 255 : 127)});
  if (m.draw.chance(30)) m.leave(y.value);
  m.offer(dequantize(m, y));
}

// Weights of 8 bits, as quantizers write them: `outputs` of them along the first axis.
ValueId dequantized_weights(Maker& m, const Sizes& sizes, double size) {
  const DType dtype = m.draw.chance(75) ? DType::int8 : DType::uint8;
  const bool is_signed = dtype == DType::int8;
  const std::int64_t most = m.largest_int8();
  const ValueId w = m.bytes(dtype, sizes, is_signed ? -most : 0, is_signed ? most : 255);
  if (m.draw.chance(50)) {
    const ValueId scale = m.scalar(static_cast<float>(size)), zero = m.zero_point(dtype, is_signed ? m.draw.between(-3, 3) : 128);
    return m.add(DequantizeLinear{}, {w, scale, zero});
  }
  const ValueId scale = m.constant({sizes[0]}, size, 2 * size);
  const ValueId zero = is_signed ? m.bytes(dtype, {sizes[0]}, 0, 0) : m.bytes(dtype, {sizes[0]}, 120, 135);
  return m.add(DequantizeLinear{.axis = 0}, {w, scale, zero});
}

ValueId pair(Maker& m, ValueId x, DType dtype) { return dequantize(m, quantize(m, x, dtype)); }

// Convolutions, a sum with what went in, a mean, a product: pairs everywhere, or but for some.
void quantized_block(Maker& m, ValueId x) {
  const DType dtype = draw_bytes(m);
  x = pair(m, map_of(m, x), dtype);
  const std::int64_t channels = m.sizes(x)[1];
  ValueId y = x;
  for (std::int64_t i = m.draw.between(1, 2); i > 0; --i) {
    const bool depthwise = m.draw.chance(15);
    const std::int64_t kernel = m.draw.chance(60) ? 3 : 1, pad = kernel / 2;
    Conv conv{.pads = {pad, pad, pad, pad}};
    if (depthwise) conv.group = channels;
    const Sizes sizes = {channels, depthwise ? 1 : channels, kernel, kernel};
    std::vector<ValueId> inputs = {y, dequantized_weights(m, sizes, 0.02 / static_cast<double>(sizes[1] * kernel))};
    if (m.draw.chance(60)) inputs.push_back(m.constant({channels}, -0.5, 0.5));
    y = m.add(conv, inputs);
    if (m.draw.chance(30)) y = activate(m, y);
    y = m.draw.chance(85) ? pair(m, y, m.draw.chance(85) ? dtype : draw_bytes(m)) : y;
    if (m.draw.chance(30)) y = pair(m, m.add(Relu{}, {y}), dtype);
  }
  if (m.draw.chance(60)) {
    y = m.add(Add{}, {y, x});
    if (m.draw.chance(50)) y = m.add(Relu{}, {y});
    y = pair(m, y, dtype);
  }
  if (m.draw.chance(30)) y = pair(m, m.add(GlobalAveragePool{}, {y}), dtype);
  m.offer(y);
}

void quantized_product(Maker& m, ValueId x) {
  x = pair(m, matrix_of(m, x), draw_bytes(m));
  const std::int64_t inner = m.sizes(x)[1], outputs = m.draw.between(1, 20);
  const ValueId w = dequantized_weights(m, {outputs, inner}, 0.02 / static_cast<double>(inner));
  const ValueId bias = m.constant({outputs}, -0.5, 0.5);
  ValueId y = x;
  if (m.draw.chance(50)) {
    y = m.add(Gemm{.transB = true}, {x, w, bias});
  } else {
    y = m.add(MatMul{}, {x, m.add(Transpose{{1, 0}}, {w})});
    if (m.draw.chance(50)) y = m.add(Add{}, {y, bias});
  }
  m.offer(m.draw.chance(70) ? pair(m, y, draw_bytes(m)) : y);
}

// What is computed element by element between pairs, and what moves there.
void quantized_functions(Maker& m, ValueId x) {
  ValueId y = pair(m, x, draw_bytes(m));
  for (std::int64_t i = m.draw.between(1, 3); i > 0; --i) {
    if (m.draw.chance(40)) y = activate(m, y);
    if (m.draw.chance(25) && m.rank(y) >= 2) y = m.add(Mul{}, {y, channels(m, y, 0.5, 1.5)});
    if (m.draw.chance(25)) y = m.add(Add{}, {y, m.scalar(0.3f)});
    if (m.draw.chance(25) && m.rank(y) >= 2) y = transpose(m, y, draw_perm(m, m.rank(y)));
    if (m.draw.chance(20) && m.rank(y) == 4) y = m.add(MaxPool{.kernel_shape = {2, 2}, .pads = {1, 1, 0, 0}}, {y});
    if (m.draw.chance(30)) y = pair(m, y, draw_bytes(m));
  }
  if (m.draw.chance(20) && m.rank(y) >= 2) y = m.add(Concat{.axis = 1}, {y, pair(m, y, draw_bytes(m))});
  m.offer(pair(m, y, draw_bytes(m)));
}

constexpr Recipe recipes[] = {
    {"quantize_dequantize", 4, quantize_dequantize},
    {"quantize_per_axis", 2, quantize_per_axis},
    {"conv_of_dequantized", 3, conv_of_dequantized},
    {"dynamic_conv_integer", 2, dynamic_conv_integer},
    {"dynamic_mat_mul_integer", 2, dynamic_mat_mul_integer},
    {"q_linear_conv", 3, q_linear_conv},
    {"q_linear_mat_mul", 2, q_linear_mat_mul},
    {"q_linear_add", 2, q_linear_add},
    {"q_linear_global_average_pool", 2, q_linear_global_average_pool},
    {"q_gemm", 2, q_gemm},
    {"q_linear_average_pool", 2, q_linear_average_pool, false},
    {"lookup_table", 2, lookup_table, false},
    {"quantized_block", 4, quantized_block, false},
    {"quantized_product", 2, quantized_product, false},
    {"quantized_functions", 3, quantized_functions, false},
};

}  // namespace

std::span<const Recipe> quantized_recipes() { return recipes; }

}  // namespace resnet::random
