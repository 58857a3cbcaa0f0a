// TensorProto in and out, wherever its bytes hide.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "lib/tensor/tensor.h"

namespace onnx {
class TensorProto;
}  // namespace onnx

namespace resnet::onnx {

// The folder of the model's file, and the external files that it names, each mapped once.
struct ExternalFiles {
  std::filesystem::path folder;
  std::map<std::string, std::shared_ptr<const Buffer>> mapped;
};

bool is_known_dtype(std::int32_t type);
// Throws Error(unsupported) for strings, complex numbers, float8 and types of 4 bits.
DType import_dtype(std::int32_t type);
std::int32_t export_dtype(DType dtype);

// Checks that there is as much data as the shape demands before memory is taken. `external` is null where external data is not
// allowed. Throws Error(invalid_model) without the tensor's name.
Tensor import_tensor(const ::onnx::TensorProto& proto, ExternalFiles* external);
void export_tensor(const Tensor& tensor, const std::string& name, ::onnx::TensorProto& proto);

}  // namespace resnet::onnx
