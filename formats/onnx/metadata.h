// What a classifier needs besides its graph, in a file's metadata_props: "resnet-cli.labels" (a JSON array of texts),
// "resnet-cli.preprocessing" and "resnet-cli.architecture" (JSON objects).
#pragma once

#include <string>

#include "formats/onnx/notes.h"
#include "lib/model/model.h"

namespace resnet::onnx {

// "names" as ultralytics' exporter has it, a dict as Python prints it, gives labels where there are no others, and stays.
// Takes these keys out of the model's metadata into its labels, preprocessing and Spec; what cannot be read stays and is noted.
void read_metadata(Model& model, Notes& notes);
// The model's metadata with those keys.
std::map<std::string, std::string> written_metadata(const Model& model);

}  // namespace resnet::onnx
