// ONNX's text syntax (onnx/defs/parser), for people: a graph in a report that can be read in again by read_text().
#pragma once

#include <string>

#include "formats/onnx/write.h"

namespace resnet::onnx {

// The whole model with its weights, at the opset that is asked for. Throws as serialize() does, and Error(unsupported) for a
// constant in 16 bits: the syntax has none.
std::string write_text(const Model& model, const WriteOptions& options = {});

}  // namespace resnet::onnx
