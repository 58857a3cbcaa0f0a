#include "lib/tensor/tensor.h"

#include <fmt/format.h>

#include <cstring>

#include "lib/base/checked.h"
#include "lib/base/error.h"

namespace resnet {

namespace {

std::size_t bytes_of(DType dtype, const Shape& shape) {
  const auto bytes = checked_multiply(static_cast<std::size_t>(shape.elements()), size_of(dtype));
  if (!bytes || *bytes > static_cast<std::size_t>(std::numeric_limits<std::int64_t>::max())) {
    throw Error(Fault::malformed, fmt::format("a {} tensor of {} does not fit into memory", name_of(dtype), shape.to_string()));
  }
  return *bytes;
}

}  // namespace

Tensor::Tensor(DType dtype, Shape shape, std::shared_ptr<const Buffer> buffer)
    : dtype_(dtype), shape_(std::move(shape)), buffer_(std::move(buffer)) {
  const std::size_t expected = bytes_of(dtype_, shape_);
  if (buffer_->bytes().size() < expected) {
    throw Error(Fault::malformed, fmt::format("{} bytes of data, expected {} for {} {}", buffer_->bytes().size(), expected,
                                              name_of(dtype_), shape_.to_string()));
  }
}

Tensor Tensor::allocate(DType dtype, Shape shape) {
  auto buffer = Buffer::allocate(bytes_of(dtype, shape));
  return Tensor(dtype, std::move(shape), std::move(buffer));
}

Tensor Tensor::over(DType dtype, Shape shape, std::span<std::byte> bytes) {
  return Tensor(dtype, std::move(shape), Buffer::mutable_view(bytes, nullptr));
}

Tensor Tensor::released(DType dtype, Shape shape) {
  const std::size_t size = bytes_of(dtype, shape);
  return Tensor(dtype, std::move(shape), Buffer::view({static_cast<const std::byte*>(nullptr), size}, nullptr));
}

Tensor Tensor::reshaped(Shape shape) const {
  assert(shape.elements() == elements());
  return Tensor(dtype_, std::move(shape), buffer_);
}

bool operator==(const Tensor& a, const Tensor& b) {
  if (a.dtype_ != b.dtype_ || a.shape_ != b.shape_) return false;
  const auto x = a.bytes(), y = b.bytes();
  return x.empty() || x.data() == y.data() || std::memcmp(x.data(), y.data(), x.size()) == 0;
}

}  // namespace resnet
