#include "lib/passes/coded.h"

#include <algorithm>
#include <cmath>

#include "lib/base/error.h"
#include "lib/reference/reference.h"

namespace resnet {

std::int32_t Quantization::quantize(float number) const {
  // Beyond this, every result is saturated; NaN becomes the least.
  constexpr float bound = 131072;
  const float quotient = number / scale;
  const float bounded = quotient > -bound ? std::min(quotient, bound) : -bound;
  // Adding this power of two leaves no bits for a fraction: to the nearest, ties to even.
  const float rounded = (bounded + 0x1.8p23f) - 0x1.8p23f;
  return std::clamp(static_cast<std::int32_t>(rounded) + zero_point, least(), most());
}

std::optional<Quantization> quantization_of(const Tensor& scale, const Tensor* zero_point, DType dtype) {
  const bool is_single = scale.elements() == 1 && (zero_point == nullptr || zero_point->elements() == 1);
  if (!is_byte(dtype) || !is_single || scale.dtype() != DType::float32) return std::nullopt;
  const Quantization result{dtype, scale.data<float>()[0], zero_point == nullptr ? 0 : zero_point->values_as<std::int32_t>()[0]};
  if (!(result.scale > 0) || !std::isfinite(result.scale)) return std::nullopt;
  return result;
}

Tensor zero_point_of(const Quantization& quantization) {
  if (quantization.dtype == DType::uint8) return Tensor::scalar(static_cast<std::uint8_t>(quantization.zero_point));
  return Tensor::scalar(static_cast<std::int8_t>(quantization.zero_point));
}

Table table_of(const Quantization& quantization) {
  Table table(1);
  for (std::size_t i = 0; i < 256; ++i)
    table[0][i] = quantization.number(to_number(static_cast<std::uint8_t>(i), quantization.dtype));
  return table;
}

ByteTable quantized(const Table& table, const Quantization& to) {
  ByteTable result(table.size());
  for (std::size_t c = 0; c < table.size(); ++c) {
    for (std::size_t i = 0; i < 256; ++i) result[c][i] = to_byte(to.quantize(table[c][i]));
  }
  // Rows that differ as floats may be the same bytes.
  if (std::all_of(result.begin(), result.end(), [&](const ByteRow& row) { return row == result[0]; })) result.resize(1);
  return result;
}

std::optional<ByteTable> exactly(const Table& table, const Quantization& as) {
  for (const Row& row : table) {
    for (const float number : row) {
      if (as.number(as.quantize(number)) != number) return std::nullopt;
    }
  }
  return quantized(table, as);
}

bool rises(const Table& table, DType dtype) {
  const int least = dtype == DType::uint8 ? 0 : -128;
  return std::all_of(table.begin(), table.end(), [&](const Row& row) {
    for (int q = least; q < least + 255; ++q) {
      if (!(row[to_byte(q)] <= row[to_byte(q + 1)])) return false;
    }
    return true;
  });
}

bool is_identity(const ByteTable& table) {
  if (table.size() != 1) return false;
  for (std::size_t i = 0; i < 256; ++i) {
    if (table[0][i] != i) return false;
  }
  return true;
}

Tensor tensor_of(const ByteTable& table, DType dtype) {
  const auto rows = static_cast<std::int64_t>(table.size());
  Tensor tensor = Tensor::allocate(dtype, rows == 1 ? Shape{256} : Shape{rows, 256});
  std::span<std::byte> bytes = tensor.mutable_bytes();
  for (std::size_t c = 0; c < table.size(); ++c) {
    for (std::size_t i = 0; i < 256; ++i) bytes[c * 256 + i] = std::byte{table[c][i]};
  }
  return tensor;
}

namespace {

// The table as (256, C, 1, ...): its numbers lie along the axis of the images, and so meet the same channels.
Tensor spread(const Table& table, std::size_t rank) {
  std::vector<std::int64_t> dims(std::max<std::size_t>(rank, 1), 1);
  dims[0] = 256;
  const std::size_t channels = table.size();
  if (channels > 1) dims[1] = static_cast<std::int64_t>(channels);
  Tensor tensor = Tensor::allocate(DType::float32, Shape(dims));
  const std::span<float> to = tensor.mutable_data<float>();
  for (std::size_t i = 0; i < 256; ++i) {
    for (std::size_t c = 0; c < channels; ++c) to[i * channels + c] = table[c][i];
  }
  return tensor;
}

std::optional<Table> gathered(const Tensor& tensor, std::size_t rank) {
  const Shape& shape = tensor.shape();
  if (tensor.dtype() != DType::float32 || shape.rank() != std::max<std::size_t>(rank, 1) || shape[0] != 256) return std::nullopt;
  const std::size_t channels = shape.rank() > 1 ? static_cast<std::size_t>(shape[1]) : 1;
  if (static_cast<std::size_t>(shape.elements()) != 256 * channels || channels == 0) return std::nullopt;
  Table table(channels);
  const auto from = tensor.data<float>();
  for (std::size_t i = 0; i < 256; ++i) {
    for (std::size_t c = 0; c < channels; ++c) table[c][i] = from[i * channels + c];
  }
  return table;
}

// Whether an operand that broadcasts has one number, or one for each channel.
bool is_of_channels(const Shape& shape, std::size_t rank) {
  if (shape.rank() > rank) return false;
  for (std::size_t i = 0; i < shape.rank(); ++i) {
    const std::size_t axis = rank - shape.rank() + i;
    if (axis != 1 && shape[i] != 1) return false;
  }
  return shape.elements() > 0;
}

}  // namespace

std::optional<Table> apply(const Op& op, std::size_t rank, const std::vector<const Table*>& tables,
                           const std::vector<const Tensor*>& operands) {
  const bool normalizes = holds_alternative<BatchNormalization>(op);
  if (normalizes && rank < 2) return std::nullopt;
  std::vector<Tensor> spreads;
  spreads.reserve(operands.size());
  std::vector<const Tensor*> inputs = operands;
  for (std::size_t i = 0; i < operands.size(); ++i) {
    if (tables[i] != nullptr) {
      spreads.push_back(spread(*tables[i], rank));
      inputs[i] = &spreads.back();
    } else if (operands[i] != nullptr && !normalizes && !is_of_channels(operands[i]->shape(), rank)) {
      return std::nullopt;
    }
  }
  if (normalizes && spreads.size() == 1 && tables[0] != nullptr && tables[0]->size() == 1 && operands[1] != nullptr) {
    // Its own inference wants as many channels as there are scales.
    spreads[0] = spread(Table(static_cast<std::size_t>(operands[1]->elements()), tables[0]->front()), rank);
  }
  try {
    return gathered(reference::evaluate(op, inputs).front(), rank);
  } catch (const Error&) {
    return std::nullopt;  // what does not fit is reported where it runs
  }
}

}  // namespace resnet
