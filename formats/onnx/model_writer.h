// A model as ONNX's message, before it becomes bytes.
#pragma once

#include <onnx/onnx_pb.h>

#include <cstddef>
#include <vector>

#include "formats/onnx/write.h"
#include "lib/model/model.h"

namespace resnet::onnx {

// A weight that the message only refers to, and where its bytes begin in the file of external data.
struct ExternalWeight {
  std::size_t offset;
  Tensor tensor;
};

struct ModelFile {
  ::onnx::ModelProto proto;
  std::vector<ExternalWeight> external;  // in the order of their offsets
};

// `opset` is what is written, whatever the options ask for. Throws as serialize() does.
ModelFile write_model(const Model& model, int opset, const WriteOptions& options);
// Throws what write_model() would throw of a node if it wrote no operator by others.
void check_nodes(const Model& model, int opset, const WriteOptions& options);

}  // namespace resnet::onnx
