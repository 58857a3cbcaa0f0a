// Dense, row-major tensors that share their bytes.
#pragma once

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <filesystem>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "lib/base/error.h"
#include "lib/tensor/dtype.h"
#include "lib/tensor/shape.h"

namespace resnet {

// Bytes with an owner: allocated, mapped from a file, or kept alive by something else.
class Buffer {
 public:
  // Buffers that we allocate start at a multiple of `alignment` and are followed by `tail` readable bytes (XNNPACK's kernels
  // read past the end of what they are given).
  static constexpr std::size_t alignment = 64;
  static constexpr std::size_t tail = 128;

  // Zeroed. Throws Error(malformed) where there is not that much memory.
  static std::shared_ptr<Buffer> allocate(std::size_t size);
  // The whole file, read-only. Throws Error(unreadable) where it cannot be opened or mapped.
  static std::shared_ptr<const Buffer> map_file(const std::filesystem::path& path, Role role = Role::model);
  // The same of a file that is open, and stays so; `path` is its name in errors.
  static std::shared_ptr<const Buffer> map_descriptor(int descriptor, const std::filesystem::path& path, Role role = Role::model);
  // Bytes that `keep_alive` owns.
  static std::shared_ptr<const Buffer> view(std::span<const std::byte> bytes, std::shared_ptr<const void> keep_alive);
  static std::shared_ptr<Buffer> mutable_view(std::span<std::byte> bytes, std::shared_ptr<void> keep_alive);

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  std::span<std::byte> mutable_bytes() { return {data_, size_}; }

 private:
  Buffer(std::byte* data, std::size_t size, std::shared_ptr<const void> owner)
      : data_(data), size_(size), owner_(std::move(owner)) {}
  std::byte* data_;
  std::size_t size_;
  std::shared_ptr<const void> owner_;
};

// A value: copying one shares the bytes. Bytes are written only by who made the tensor, before it is handed on.
class Tensor {
 public:
  Tensor() : Tensor(DType::float32, Shape{0}, Buffer::allocate(0)) {}
  // Throws Error(malformed) where `buffer` is smaller than the shape demands.
  Tensor(DType dtype, Shape shape, std::shared_ptr<const Buffer> buffer);

  // Zeroed. Throws Error(malformed) where the bytes do not fit into memory.
  static Tensor allocate(DType dtype, Shape shape);
  // Over memory that somebody else owns and that outlives the tensor; writable.
  static Tensor over(DType dtype, Shape shape, std::span<std::byte> bytes);
  // A weight whose bytes are gone, because something else was made of them: only its type and shape may be asked for.
  static Tensor released(DType dtype, Shape shape);
  template <typename T>
  static Tensor from(Shape shape, std::span<const T> values);
  template <typename T>
  static Tensor from(Shape shape, std::initializer_list<T> values) {
    return from(std::move(shape), std::span<const T>(values.begin(), values.size()));
  }
  template <typename T>
  static Tensor scalar(T value) {
    return from(Shape{}, std::span<const T>(&value, 1));
  }

  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  std::int64_t elements() const { return shape_.elements(); }
  std::size_t size_bytes() const { return static_cast<std::size_t>(elements()) * size_of(dtype_); }

  bool is_released() const { return buffer_->bytes().data() == nullptr && elements() > 0; }

  std::span<const std::byte> bytes() const { return buffer_->bytes().first(size_bytes()); }
  template <typename T>
  std::span<const T> data() const {
    assert(dtype_of<T>() == dtype_);
    return {reinterpret_cast<const T*>(buffer_->bytes().data()), static_cast<std::size_t>(elements())};
  }
  // For whoever made the tensor (allocate, over): others may share the bytes.
  std::span<std::byte> mutable_bytes() { return const_cast<Buffer&>(*buffer_).mutable_bytes().first(size_bytes()); }
  template <typename T>
  std::span<T> mutable_data() {
    assert(dtype_of<T>() == dtype_);
    return {reinterpret_cast<T*>(mutable_bytes().data()), static_cast<std::size_t>(elements())};
  }

  // The same bytes under another shape of as many elements.
  Tensor reshaped(Shape shape) const;
  // Every element converted (to double, to float, to int64) as C++ converts it: for small tensors such as axes and scales.
  template <typename T>
  std::vector<T> values_as() const;

  const std::shared_ptr<const Buffer>& buffer() const { return buffer_; }

  // Same dtype, shape and bytes.
  friend bool operator==(const Tensor& a, const Tensor& b);

 private:
  DType dtype_;
  Shape shape_;
  std::shared_ptr<const Buffer> buffer_;
};

// The C++ number that an element converts to: Float16 and BFloat16 have no arithmetic of their own.
inline float to_number(Float16 v) { return static_cast<float>(v); }
inline float to_number(BFloat16 v) { return static_cast<float>(v); }
template <typename T>
T to_number(T v) {
  return v;
}

template <typename T>
Tensor Tensor::from(Shape shape, std::span<const T> values) {
  Tensor tensor = allocate(dtype_of<T>(), std::move(shape));
  assert(static_cast<std::size_t>(tensor.elements()) == values.size());
  std::copy(values.begin(), values.end(), tensor.mutable_data<T>().begin());
  return tensor;
}

template <typename T>
std::vector<T> Tensor::values_as() const {
  std::vector<T> result;
  result.reserve(static_cast<std::size_t>(elements()));
  dispatch(dtype_, [&](auto zero) {
    for (auto v : data<decltype(zero)>()) result.push_back(static_cast<T>(to_number(v)));
  });
  return result;
}

}  // namespace resnet
