// Floats that are coded as bytes: the parameters of quantized tensors, and tables of what each byte stands for.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "lib/graph/graph.h"

namespace resnet {

// How one tensor of bytes stands for numbers: (q - zero_point) * scale. The scale is positive and finite.
struct Quantization {
  DType dtype = DType::uint8;  // or int8
  float scale = 1;
  std::int32_t zero_point = 0;

  std::int32_t least() const { return dtype == DType::uint8 ? 0 : -128; }
  std::int32_t most() const { return dtype == DType::uint8 ? 255 : 127; }
  float number(std::int32_t q) const { return static_cast<float>(q - zero_point) * scale; }
  // As QuantizeLinear has it.
  std::int32_t quantize(float number) const;
  friend bool operator==(const Quantization&, const Quantization&) = default;
};

// Of the scale and zero point (null: 0) that a QuantizeLinear or DequantizeLinear reads; nothing where they are not one positive
// number each, or the type has not 8 bits.
std::optional<Quantization> quantization_of(const Tensor& scale, const Tensor* zero_point, DType dtype);
Tensor zero_point_of(const Quantization& quantization);

// The number that a byte, given as unsigned, is of that type; and back.
inline std::int32_t to_number(std::uint8_t byte, DType dtype) {
  return dtype == DType::uint8 ? std::int32_t{byte} : std::int32_t{static_cast<std::int8_t>(byte)};
}
inline std::uint8_t to_byte(std::int32_t number) { return static_cast<std::uint8_t>(number); }

// A float for each byte, taken as unsigned: one row for all of a tensor, or one for each channel.
using Row = std::array<float, 256>;
using Table = std::vector<Row>;
// A byte for each byte, the same way.
using ByteRow = std::array<std::uint8_t, 256>;
using ByteTable = std::vector<ByteRow>;

Table table_of(const Quantization& quantization);
ByteTable quantized(const Table& table, const Quantization& to);
// The bytes that stand for exactly the table's numbers; nothing where a number has none.
std::optional<ByteTable> exactly(const Table& table, const Quantization& as);
// Whether larger numbers of the type stand for numbers that are not smaller.
bool rises(const Table& table, DType dtype);
bool is_identity(const ByteTable& table);
Tensor tensor_of(const ByteTable& table, DType dtype);

// What op makes of the table's numbers, element by element, in float32; `operands` are the operator's inputs, null where the
// table comes, and `rank` is that of the tensor. Nothing where an operand is not a number or a vector of the channels, or the
// result is anything else than a table.
std::optional<Table> apply(const Op& op, std::size_t rank, const std::vector<const Table*>& tables,
                           const std::vector<const Tensor*>& operands);

}  // namespace resnet
