// What every reader of a model file returns.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lib/arch/spec.h"
#include "lib/graph/graph.h"
#include "lib/model/preprocessing.h"

namespace resnet {

// Where a model came from, as its file says.
struct Provenance {
  std::string format;  // "ONNX"
  std::string producer_name, producer_version, domain, doc_string;
  std::int64_t model_version = 0;
  std::int64_t ir_version = 0;
  std::map<std::string, std::int64_t> opsets;  // by domain; "" is ONNX's own
};

struct Model {
  Graph graph;
  std::vector<std::string> labels;  // one per class, or none
  std::optional<Preprocessing> preprocessing;
  // Which network it is, as its writer built or recognised it; arch::recognize() looks at the graph itself.
  std::optional<arch::Spec> spec;
  Provenance provenance;
  std::map<std::string, std::string> metadata;  // the file's own key-value pairs
  // The shapes that the file declares for outputs of the graph whose rank cannot be told, by name: kept for who reads it next.
  std::map<std::string, Dims> declared_outputs;
  // Files beside the model's own that weights were read from, as it names them.
  std::vector<std::string> data_files;
  // What the reader noticed and a user may want to know: attributes it did not read, a training export, ... One line each.
  std::vector<std::string> notes;
};

}  // namespace resnet
