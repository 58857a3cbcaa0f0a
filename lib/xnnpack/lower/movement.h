// What operators that move elements share. They run on the order that their input has: only the axes that they name are renamed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "lib/xnnpack/emitter.h"

namespace resnet::xnnpack {

constexpr std::size_t bytes_of_part = 64 << 10;  // of a loop that copies

// What lies side by side in each row of a Concat's result or a Split's operand.
class Parts {
 public:
  struct Part {
    std::size_t bytes, offset;  // in a row
  };

  // `whole` and `axis` are physical.
  Parts(const Shape& whole, std::size_t axis, std::size_t element_bytes) : step_bytes_(element_bytes) {
    for (std::size_t i = 0; i < axis; ++i) rows_ *= static_cast<std::size_t>(whole[i]);
    for (std::size_t i = axis + 1; i < whole.rank(); ++i) step_bytes_ *= static_cast<std::size_t>(whole[i]);
  }
  // The next part, of so many places along the axis.
  void add(std::int64_t places) {
    parts_.push_back({step_bytes_ * static_cast<std::size_t>(places), row_bytes_});
    row_bytes_ += parts_.back().bytes;
  }
  Part& back() { return parts_.back(); }

  // Each row's parts are work of their own: along the first axis there is only one row.
  std::size_t count() const { return rows_ * parts_.size(); }
  std::size_t grain() const { return std::max<std::size_t>(bytes_of_part * parts_.size() / row_bytes_, 1); }
  // copy(part, bytes, place in the whole, place in the part) of each from `begin` to `end`.
  template <typename Copy>
  void each(std::size_t begin, std::size_t end, const Copy& copy) const {
    for (std::size_t i = begin; i < end; ++i) {
      const std::size_t row = i / parts_.size(), index = i % parts_.size();
      const Part& part = parts_[index];
      if (part.bytes > 0) copy(index, part.bytes, row * row_bytes_ + part.offset, row * part.bytes);
    }
  }

 private:
  std::vector<Part> parts_;
  std::size_t rows_ = 1, step_bytes_, row_bytes_ = 0;
};

inline std::int64_t place_of(const Order& order, std::size_t axis) {
  return std::find(order.begin(), order.end(), axis) - order.begin();
}

}  // namespace resnet::xnnpack
