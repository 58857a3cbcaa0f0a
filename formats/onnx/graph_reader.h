// From a parsed ModelProto to a Model.
#pragma once

#include "formats/onnx/read.h"
#include "formats/onnx/skeleton.h"
#include "formats/onnx/tensors.h"

namespace onnx {
class ModelProto;
}  // namespace onnx

namespace resnet::onnx {

// Takes the weights out of `proto`, which is of no use afterwards; external data is looked for as `external` says. `weights` are
// those that were left out of `proto`, their bytes read. Throws Error without the file's name.
Model read_model(::onnx::ModelProto& proto, std::vector<LargeWeight> weights, ExternalFiles external, const ReadOptions& options);

}  // namespace resnet::onnx
