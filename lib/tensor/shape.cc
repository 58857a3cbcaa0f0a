#include "lib/tensor/shape.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "lib/base/checked.h"
#include "lib/base/error.h"

namespace resnet {

Shape::Shape(std::vector<std::int64_t> dims) : dims_(std::move(dims)) {
  // A zero among large dims makes an empty tensor, but the strides must fit all the same.
  std::int64_t product = 1;
  bool empty = false;
  for (std::int64_t dim : dims_) {
    if (dim < 0) throw Error(Fault::malformed, fmt::format("negative dimension {} in shape {}", dim, to_string()));
    if (dim == 0) {
      empty = true;
      continue;
    }
    const auto next = checked_multiply(product, dim);
    if (!next) throw Error(Fault::malformed, fmt::format("shape {} has more elements than fit into 64 bits", to_string()));
    product = *next;
  }
  elements_ = empty ? 0 : product;
}

std::vector<std::int64_t> Shape::strides() const {
  std::vector<std::int64_t> strides(rank(), 1);
  for (std::size_t axis = rank(); axis-- > 1;) strides[axis - 1] = strides[axis] * std::max<std::int64_t>(dims_[axis], 1);
  return strides;
}

std::string Shape::to_string() const {
  if (dims_.empty()) return "scalar";
  constexpr std::size_t most = 16;  // what a file says may be thousands
  if (dims_.size() <= most) return fmt::format("{}", fmt::join(dims_, "x"));
  return fmt::format("{}x... ({} dims)", fmt::join(dims_.begin(), dims_.begin() + most, "x"), dims_.size());
}

}  // namespace resnet
