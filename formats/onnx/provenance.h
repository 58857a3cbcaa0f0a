// What a file says of itself: who made it, of which opsets it is.
#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <map>
#include <string>

#include "formats/onnx/notes.h"
#include "lib/model/model.h"

namespace resnet::onnx {

using OpsetImports = google::protobuf::RepeatedPtrField<::onnx::OperatorSetIdProto>;

// By domain; ONNX's own is "". Throws Error(malformed) where one is imported twice, as different versions, or as one below 1.
std::map<std::string, std::int64_t> opsets_of(const OpsetImports& imports);

// Fills in the model's provenance and metadata, its graph's name and documentation; gives the opset of ONNX's own domain. Throws
// Error for what opsets_of() refuses and for parts of a file that cannot be read.
std::int64_t read_provenance(const ::onnx::ModelProto& proto, Model& model, Notes& notes);

}  // namespace resnet::onnx
