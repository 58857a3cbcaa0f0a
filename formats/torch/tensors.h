// Tensors as pickles rebuild them: views of storages with an offset and strides, checked against the storage before anything of
// it is read, and made row-major when they are loaded.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "formats/torch/storages.h"
#include "formats/torch/tree.h"
#include "lib/base/error.h"
#include "lib/model/weights.h"

namespace resnet::torch {

// Whether it is what PyTorch rebuilds a tensor or a parameter of, also one of a kind that is not for us.
bool is_tensor(const Tree& tree, Id id);

// For errors: "tensor 'x'".
Frame frame_of_tensor(std::string_view name);

struct TensorView;

class TensorReader {
 public:
  // `file` is the file in errors of tensors that are loaded later.
  TensorReader(const Tree& tree, Storages& storages, std::string file)
      : tree_(tree), storages_(storages), file_(std::move(file)) {}

  // Its type as the file has it. A dense row-major view shares the storage's bytes, any other is copied when it is loaded. Throws
  // Error(malformed) where it reaches beyond its storage, is not a dense tensor, or would need far more memory than the storages
  // have.
  StoredTensor read(Id tensor, const std::string& name);

 private:
  TensorView view_of(Id tensor) const;
  void count_copy(const TensorView& view);

  const Tree& tree_;
  Storages& storages_;
  std::string file_;
  std::uint64_t copied_bytes_ = 0;
};

}  // namespace resnet::torch
