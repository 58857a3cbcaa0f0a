// From a parsed ModelProto to a Model.
#pragma once

#include <filesystem>

#include "formats/onnx/read.h"

namespace onnx {
class ModelProto;
}  // namespace onnx

namespace resnet::onnx {

// Takes the weights out of `proto`, which is of no use afterwards; external data is looked for in `folder`.
// Throws Error without the file's name.
Model read_model(::onnx::ModelProto& proto, const std::filesystem::path& folder, const ReadOptions& options);

}  // namespace resnet::onnx
