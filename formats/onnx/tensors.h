// TensorProto in and out, wherever its bytes hide.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lib/tensor/tensor.h"

namespace onnx {
class SparseTensorProto;
class TensorProto;
}  // namespace onnx

namespace resnet::onnx {

// Where a model's external data may lie, and the files that it names, each mapped once.
struct ExternalFiles {
  std::filesystem::path folder;         // of the model's file
  std::filesystem::path target_folder;  // of the file that the model's name is a link to; empty where it is not one
  std::string model;                    // the name of the model's file, for messages
  std::map<std::string, std::shared_ptr<const Buffer>> mapped = {};  // by the location that the model gives
  std::vector<std::string> found = {};  // their paths: relative to `folder`, absolute for those that lie beside the link's target
};
// Of a model's file, which need not exist.
ExternalFiles external_files_of(const std::filesystem::path& model);

bool is_known_dtype(std::int32_t type);
// Throws Error(unsupported) for strings, complex numbers, float8 and types of 4 bits.
DType import_dtype(std::int32_t type);
std::int32_t export_dtype(DType dtype);

// Checks that there is as much data as the shape demands before memory is taken. `external` is null where external data is not
// allowed. Throws Error(malformed) without the tensor's name.
Tensor import_tensor(const ::onnx::TensorProto& proto, ExternalFiles* external);
// The dense tensor of a sparse one, whose places are counted through the whole tensor or given by their coordinates. Throws
// Error(malformed) for places outside, Error(unsupported) where it would take more memory than a file of this size may ask for.
Tensor import_sparse(const ::onnx::SparseTensorProto& proto, ExternalFiles* external);
void export_tensor(const Tensor& tensor, const std::string& name, ::onnx::TensorProto& proto);

}  // namespace resnet::onnx
