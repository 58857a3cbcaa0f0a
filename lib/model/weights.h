// What readers of checkpoints return: named tensors without a graph.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "lib/tensor/tensor.h"

namespace resnet {

// A tensor that is known, and whose elements are read when they are asked for: a file of float16 needs twice its size as float32,
// and a packed one many times, which nobody who looks at names and shapes wants to pay for. One thread at a time may ask the
// tensors of a file.
class StoredTensor {
 public:
  class Source {
   public:
    virtual ~Source() = default;
    // Of the tensor's type and shape. Throws Error with the file's and the tensor's name where it cannot be read, or is not what
    // the file's own checksum says.
    virtual Tensor load() = 0;
    // Throws as load() would, and takes no memory.
    virtual void check() {}
  };

  // One that is in memory.
  StoredTensor(Tensor tensor)
      : dtype_(tensor.dtype()), shape_(tensor.shape()), tensor_(std::make_shared<const Tensor>(std::move(tensor))) {}
  StoredTensor(DType dtype, Shape shape, std::shared_ptr<Source> source)
      : dtype_(dtype), shape_(std::move(shape)), source_(std::move(source)) {}

  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  std::int64_t elements() const { return shape_.elements(); }
  // As it is loaded.
  std::size_t size_bytes() const { return static_cast<std::size_t>(elements()) * size_of(dtype_); }

  // Its elements, row-major: in place where the file has them so, else made now, and not kept here.
  Tensor load() const { return tensor_ != nullptr ? *tensor_ : source_->load(); }
  void check() const {
    if (source_ != nullptr) source_->check();
  }

 private:
  DType dtype_;
  Shape shape_;
  std::shared_ptr<const Tensor> tensor_;  // one of these
  std::shared_ptr<Source> source_;
};

struct NamedTensor {
  std::string name;  // "layer1.0.conv1.weight", as the file has it
  StoredTensor tensor;
};

struct Weights {
  std::vector<NamedTensor> tensors;             // in the file's order; no name twice
  std::map<std::string, std::string> metadata;  // the file's own pairs: safetensors' __metadata__
  std::string format;                           // "safetensors", "PyTorch (zip)"
  // What the reader noticed and a user may want to know: which of two state dicts was taken, ... One line each.
  std::vector<std::string> notes;
};

}  // namespace resnet
