// ONNX files out.
#pragma once

#include <filesystem>
#include <string>

#include "lib/model/model.h"

namespace resnet::onnx {

struct WriteOptions {
  int opset = 17;
};

// Deterministic bytes. Throws Error(unsupported) naming the node where an operator cannot be written at this opset.
std::string serialize(const Model& model, const WriteOptions& options = {});
// The file appears whole or not at all. Throws Error(output).
void write(const Model& model, const std::filesystem::path& file, const WriteOptions& options = {});

}  // namespace resnet::onnx
