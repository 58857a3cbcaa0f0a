// The same network in another file: another format, another opset, folded, renamed, lighter; and whether it is still the same.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/tasks/open/model.h"
#include "cli/tasks/task.h"
#include "formats/onnx/write.h"
#include "lib/measure/compare.h"
#include "lib/passes/passes.h"

namespace resnet::cli {

struct ConvertRequest {
  std::string model;  // a file, or an architecture's name
  ArchOptions arch;
  std::string output;
  bool native = false;  // .resnet, else ONNX

  // Values, or nodes for their first outputs, that become the network's inputs and outputs; none: the model's own.
  std::vector<std::string> inputs = {}, outputs = {};

  // Kept in the file; "" and nothing: the model's own.
  std::string labels;
  std::optional<Convention> preprocess = {};
  std::optional<std::uint64_t> seed = {};  // weights that are inputs are initialised from it
  bool dynamic_batch = false, simplify = false, rename = false, fold_batch_norm = false, strip_weights = false;
  // Of the stored weights: float16, bfloat16 or float32, which inputs and outputs get, too; nothing: as they are.
  std::optional<DType> dtype = {};

  std::optional<QuantizedForm> form = {};  // of what is quantized; nothing: as it is

  // Of ONNX files.
  std::optional<int> opset = {};  // as WriteOptions has it
  bool external_data = false, strip_metadata = false;

  std::int64_t check = 0;                // random images that both are shown; 0: none
  std::optional<double> tolerance = {};  // absolute and relative; nothing: as the types of numbers have it
};

// An output of the written file beside the model's own.
struct CheckedOutput {
  std::string inputs;  // "4 random inputs, one by one, by the plain evaluator"
  std::string name;
  TensorDifference difference;
};

struct ConvertResult {
  PassLog log;  // what was rewritten, or declined and why
  std::vector<CheckedOutput> checks;
  bool within = true;  // all of them are within the tolerance; else no file was written
  std::size_t nodes = 0;
};

class ConvertTask {
 public:
  // Reads the model. Its other files are told to the context's before_reading; the model itself, which may be replaced, is not.
  // Request and context outlive the task. Throws Error: of the model, and what `before_reading` throws.
  ConvertTask(const ConvertRequest& request, const TaskContext& context);

  // Called once. Throws Error(invalid) where the request does not fit the model, Error(unsupported) where the format cannot
  // express it, Error(unwritable), Error(interrupted).
  ConvertResult run();

 private:
  const ConvertRequest& request_;
  const TaskContext& context_;
  LoadedModel loaded_;
};

}  // namespace resnet::cli
