// The findings that need more than the file's own fields: what its graph, its weights wherever they lie, and its metadata say.
#pragma once

#include <string>
#include <vector>

#include "formats/onnx/lint.h"
#include "lib/graph/graph.h"
#include "lib/model/model.h"

namespace onnx {
class GraphProto;
class ModelProto;
class NodeProto;
class TensorProto;
}  // namespace onnx

namespace resnet::onnx {

// A node's name, or its first output's.
std::string name_of(const ::onnx::NodeProto& node);
// "64x3x7x7"
std::string dims_of(const ::onnx::TensorProto& tensor);

// add-shapes and shape-mismatch: residual additions of unequal shapes, and shapes that the file claims otherwise.
void check_shapes(const ::onnx::GraphProto& proto, const Graph& graph, std::vector<Finding>& findings);
// quantization-scale, -saturated, -axis and -bias. In lint_quantization.cc.
void check_quantization(const Graph& graph, std::vector<Finding>& findings);
// non-finite, of the weights that the file's own initializers do not hold: those in external files and in Constant nodes.
void check_constants(const ::onnx::GraphProto& proto, const Graph& graph, std::vector<Finding>& findings);
// input-shape: an input with a dimension of 0, and one that is declared otherwise than the initializer of its name.
void check_inputs(const ::onnx::GraphProto& proto, std::vector<Finding>& findings);
// metadata: labels, preprocessing and architecture that are not taken, and why.
void check_metadata(const ::onnx::ModelProto& proto, std::vector<Finding>& findings);
// labels: as many class names as there are classes, where both are known.
void check_labels(const Model& model, std::vector<Finding>& findings);
// The files of external data that initializers and Constant nodes name, each once.
std::vector<std::string> names_of_data_files(const ::onnx::GraphProto& proto);
// initializer-size, non-finite, bias-length and negative-variance: what the file's own tensors say. In lint_weights.cc.
void check_weights(const ::onnx::GraphProto& graph, std::vector<Finding>& findings);
// What ONNX's own checker finds. External data is left out of what it sees: it looks in the current folder.
void check_with_onnx(const ::onnx::ModelProto& model, std::vector<Finding>& findings);

}  // namespace resnet::onnx
