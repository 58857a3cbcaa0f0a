// The graph in 8-bit integers, as ONNX says it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "lib/passes/passes.h"
#include "lib/quantize/calibration.h"
#include "lib/quantize/scheme.h"

namespace resnet::quantize {

using Form = QuantizedForm;

struct RewriteOptions {
  Form form = Form::qdq;
  bool bias_correction = true;
  std::set<NodeId> kept = {};       // layers that stay in floats, besides those of the scheme
  std::vector<ValueId> shown = {};  // of the old graph: what stands for them, in floats, is kept whoever reads it
};

struct Rewritten {
  Graph graph;
  std::vector<std::string> shown;     // the names of what stands for the shown values
  std::size_t layers = 0;             // that compute in integers
  std::vector<std::string> enlarged;  // nodes whose weights got larger scales, so that their biases do not overflow, a line each
};

// The same inputs and outputs, of the same names and types. `calibration` is of the scheme, `parameters` of the calibration.
Rewritten rewrite(const Scheme& scheme, const Calibration& calibration, const ParametersOf& parameters,
                  const RewriteOptions& options);

}  // namespace resnet::quantize
