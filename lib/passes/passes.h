// Rewrites that can be written back as ONNX: each takes a graph and returns another with the same outputs, under the same names.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lib/base/words.h"
#include "lib/graph/graph.h"

namespace resnet {

// What folding the constants of a graph has cost so far. It counts on from round to round, so that the whole graph has one
// budget.
struct FoldCost {
  std::optional<std::size_t> own_bytes = {};  // of the constants that the graph had at first
  std::int64_t work = 0;                      // multiply-adds, and what counts as many
  std::string exceeded = {};                  // what was let be because the budget was spent; empty where there is nothing
};

// What a pass did, and what it let be and why: "fold_batch_norm: node 'bn1' (BatchNormalization): ...".
struct PassLog {
  std::vector<std::string> done, declined;
  FoldCost fold = {};
};

// Nodes whose inputs are all constant become constants (evaluated by lib/reference), and so do values that inference knows
// (Shape and its arithmetic). Larger results than their inputs (ConstantOfShape, Expand) are folded up to 64 MiB. All that is
// folded has a budget of memory and of work, which `log` carries on. A Reshape whose shape is computed gets a constant one where
// numbers, copied dims and one -1 can say it.
Graph fold_constants(const Graph& graph, PassLog& log);
struct FoldOptions {
  bool dequantize = true;  // whether weights of 8 bits become floats: faster to run here, but four times as large in a file
  // Whether the budget alone limits what is folded: for running, where what stays would be computed again for every batch. Else a
  // node that makes much out of little, or takes long, stays as it is in the file.
  bool large = false;
};
Graph fold_constants(const Graph& graph, PassLog& log, const FoldOptions& options);
// Conv or Gemm + BatchNormalization (also through Identity): the normalisation goes into weight and bias, computed in double. A
// BatchNormalization that stays becomes nothing else. Mul, Div, Add and Sub by per-channel constants after a Conv are folded the
// same way. Weights and biases keep their names where nothing else reads them.
Graph fold_batch_norm(const Graph& graph, PassLog& log);
// Identity, Dropout at inference, Pad by zero, Reshape/Flatten/Squeeze/Unsqueeze/Expand to the same shape, Cast to the same type,
// Transpose by the identity, Sum of one, Concat of one. A Sum of two becomes an Add.
Graph remove_no_ops(const Graph& graph, PassLog& log);
// Two Transposes in a row become one; none where they cancel.
Graph merge_transposes(const Graph& graph, PassLog& log);
// A constant zero Pad before a Conv or an AveragePool that counts padding goes into its pads.
Graph merge_pads(const Graph& graph, PassLog& log);
// Nodes that no output needs. Inputs of the graph stay.
Graph remove_dead_nodes(const Graph& graph, PassLog& log);

// The same network with its float32 weights stored in float16 or bfloat16 and cast back where they are read; scales of
// quantized tensors stay as they are. For files; not part
// of optimize().
Graph store_weights(const Graph& graph, DType dtype, PassLog& log);
// The batch of the first input becomes the symbol "batch", where it is a number, and Reshapes to numbers alone copy it. Throws
// Error(unsupported) with the node that does not allow it, or the output that would not follow it. Not part of optimize().
Graph open_batch(const Graph& graph, PassLog& log);
// The part of the graph between two sets of values: `inputs` become its inputs (none: those of the graph's that are needed), and
// `outputs` its outputs (none: the graph's). Throws Error(invalid) where the inputs do not determine the outputs, with what does,
// or where no output depends on one of them; Error(unsupported) where an input's element type is not known. Not part of
// optimize().
Graph cut(const Graph& graph, std::span<const ValueId> inputs, std::span<const ValueId> outputs, PassLog& log);
// The network in float32 throughout where it has values of float16 or bfloat16: inputs, weights, outputs. Throws
// Error(unsupported) where an operator that is not known here has such values. Not part of optimize().
Graph widen_floats(const Graph& graph, PassLog& log);
// The same with inputs and outputs as they are, where anything but constants has such values: for running, as processors compute.
// What reads an output reads it as it is given out. Not part of optimize().
Graph compute_in_float32(const Graph& graph, PassLog& log);
// Activations that are written as other operators (x * Sigmoid(x), Gelu by Erf, ...) become one: for running. Not part of
// optimize(), for it says more than a file would.
Graph fuse_activations(const Graph& graph, PassLog& log);
// What is between DequantizeLinear and QuantizeLinear becomes operators on bytes with integer sums, and tables: for running,
// before constants are folded. Not part of optimize(), for an answer may change by a few steps of its quantization.
struct IntegerOptions {
  bool tables = true;  // LookupTable, which is our own and in no file
};
Graph integer_arithmetic(const Graph& graph, PassLog& log, const IntegerOptions& options = {});

// The two ways in which ONNX says that a node computes in integers.
enum class QuantizedForm : std::uint8_t {
  qdq,        // the node in floats between DequantizeLinear and QuantizeLinear
  qoperator,  // QLinearConv and its kin, some of them ONNX Runtime's own (com.microsoft)
};
constexpr auto words_of(QuantizedForm) {
  return std::to_array<Word<QuantizedForm>>({{QuantizedForm::qdq, "qdq"}, {QuantizedForm::qoperator, "qoperator"}});
}
// A quantized network in the other form, with the same parameters: answers have the same bits here. What has no such form stays
// as it is, and is named in `log.declined`. Not part of optimize().
Graph in_form(const Graph& graph, QuantizedForm form, PassLog& log);
// The structure only: weights become inputs after the graph's own. Not part of optimize().
Graph strip_weights(const Graph& graph, PassLog& log);

// Everything of the first kind above in its order, until nothing changes. `log.declined` gets what the
// last round let be. Errors name the pass. Throws Error(unsupported) where the graph computes more from its constants alone than
// the budget of fold_constants: to run it would do no less, each time.
Graph optimize(const Graph& graph, PassLog& log);
Graph optimize(const Graph& graph, PassLog& log, const FoldOptions& options);
// What is done once to a network, before plans are made of it: compute_in_float32 and optimize. Weights of 8 bits stay so, for
// optimize_to_run.
Graph optimize_to_plan(const Graph& graph, PassLog& log);
// What the executor runs: compute_in_float32, integer_arithmetic, optimize, fuse_activations. `graph` may have been through
// optimize() already, where its weights of 8 bits have stayed so (FoldOptions::dequantize).
Graph optimize_to_run(const Graph& graph, PassLog& log);

}  // namespace resnet
