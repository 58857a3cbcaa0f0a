// The dimensions of a tensor that exists: all known, none negative, their product within int64.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

namespace resnet {

class Shape {
 public:
  Shape() = default;  // a scalar: rank 0, one element
  Shape(std::initializer_list<std::int64_t> dims) : Shape(std::vector<std::int64_t>(dims)) {}
  // Throws Error(malformed) where a dimension is negative or the number of elements does not fit into int64.
  explicit Shape(std::vector<std::int64_t> dims);

  std::size_t rank() const { return dims_.size(); }
  std::int64_t operator[](std::size_t axis) const { return dims_[axis]; }
  std::span<const std::int64_t> dims() const { return dims_; }
  std::int64_t elements() const { return elements_; }

  // Row-major strides in elements.
  std::vector<std::int64_t> strides() const;

  // "8x3x224x224"; "scalar" at rank 0.
  std::string to_string() const;

  friend bool operator==(const Shape&, const Shape&) = default;

 private:
  std::vector<std::int64_t> dims_;
  std::int64_t elements_ = 1;
};

}  // namespace resnet
