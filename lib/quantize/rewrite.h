// The graph in 8-bit integers, as ONNX says it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "lib/base/words.h"
#include "lib/quantize/calibration.h"
#include "lib/quantize/scheme.h"

namespace resnet::quantize {

// The two ways in which ONNX says that a node computes in integers.
enum class Form : std::uint8_t {
  qdq,        // the node in floats between DequantizeLinear and QuantizeLinear
  qoperator,  // QLinearConv and its kin, some of them ONNX Runtime's own (com.microsoft)
};
constexpr auto words_of(Form) { return std::to_array<Word<Form>>({{Form::qdq, "qdq"}, {Form::qoperator, "qoperator"}}); }

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
