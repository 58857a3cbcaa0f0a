// Tensors as pickles rebuild them: views of storages with an offset and strides, checked against the storage before anything of
// it is read, and made row-major.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "formats/torch/storages.h"
#include "formats/torch/tree.h"
#include "lib/tensor/tensor.h"

namespace resnet::torch {

// Whether it is what PyTorch rebuilds a tensor or a parameter of, also one of a kind that is not for us.
bool is_tensor(const Tree& tree, Id id);

class TensorReader {
 public:
  TensorReader(const Tree& tree, Storages& storages) : tree_(tree), storages_(storages) {}

  // Its type as the file has it. A dense row-major view shares the storage's bytes, any other is copied. Throws Error(malformed)
  // where it reaches beyond its storage, is not a dense tensor, or would need far more memory than the storages have.
  Tensor read(Id tensor);

 private:
  struct View;
  View view_of(Id tensor) const;
  Tensor copy(const View& view, std::span<const std::byte> storage);

  const Tree& tree_;
  Storages& storages_;
  std::uint64_t copied_bytes_ = 0;
};

}  // namespace resnet::torch
