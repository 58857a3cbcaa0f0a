// Element types, by ONNX's names.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace resnet {

enum class DType : std::uint8_t {
  float32,
  float64,
  float16,
  bfloat16,
  int8,
  int16,
  int32,
  int64,
  uint8,
  uint16,
  uint32,
  uint64,
  boolean,
};

// Bytes of one element.
std::size_t size_of(DType dtype);

// The name as ONNX prints it: "float", "float16", "int64", ...
std::string_view name_of(DType dtype);

bool is_floating_point(DType dtype);
// Whether it is known, and int8 or uint8.
constexpr bool is_byte(std::optional<DType> dtype) { return dtype == DType::int8 || dtype == DType::uint8; }

// Storage of the two 16-bit floating-point types; arithmetic is done in float.
struct Float16 {
  std::uint16_t bits = 0;
  Float16() = default;
  explicit Float16(float value);  // rounds to nearest, ties to even
  explicit operator float() const;
  friend bool operator==(Float16, Float16) = default;
};
struct BFloat16 {
  std::uint16_t bits = 0;
  BFloat16() = default;
  explicit BFloat16(float value);  // rounds to nearest, ties to even
  explicit operator float() const;
  friend bool operator==(BFloat16, BFloat16) = default;
};

// The C++ type that holds an element of each DType, and back: dtype_of<float>() == DType::float32.
template <typename T>
constexpr DType dtype_of();
template <>
constexpr DType dtype_of<float>() {
  return DType::float32;
}
template <>
constexpr DType dtype_of<double>() {
  return DType::float64;
}
template <>
constexpr DType dtype_of<Float16>() {
  return DType::float16;
}
template <>
constexpr DType dtype_of<BFloat16>() {
  return DType::bfloat16;
}
template <>
constexpr DType dtype_of<std::int8_t>() {
  return DType::int8;
}
template <>
constexpr DType dtype_of<std::int16_t>() {
  return DType::int16;
}
template <>
constexpr DType dtype_of<std::int32_t>() {
  return DType::int32;
}
template <>
constexpr DType dtype_of<std::int64_t>() {
  return DType::int64;
}
template <>
constexpr DType dtype_of<std::uint8_t>() {
  return DType::uint8;
}
template <>
constexpr DType dtype_of<std::uint16_t>() {
  return DType::uint16;
}
template <>
constexpr DType dtype_of<std::uint32_t>() {
  return DType::uint32;
}
template <>
constexpr DType dtype_of<std::uint64_t>() {
  return DType::uint64;
}
template <>
constexpr DType dtype_of<bool>() {
  return DType::boolean;
}

// Calls handler(T{}) with a value of the C++ type that holds `dtype`.
template <typename Handler>
decltype(auto) dispatch(DType dtype, Handler&& handler) {
  switch (dtype) {
    case DType::float32: return handler(float{});
    case DType::float64: return handler(double{});
    case DType::float16: return handler(Float16{});
    case DType::bfloat16: return handler(BFloat16{});
    case DType::int8: return handler(std::int8_t{});
    case DType::int16: return handler(std::int16_t{});
    case DType::int32: return handler(std::int32_t{});
    case DType::int64: return handler(std::int64_t{});
    case DType::uint8: return handler(std::uint8_t{});
    case DType::uint16: return handler(std::uint16_t{});
    case DType::uint32: return handler(std::uint32_t{});
    case DType::uint64: return handler(std::uint64_t{});
    case DType::boolean: return handler(bool{});
  }
  __builtin_unreachable();
}

}  // namespace resnet
