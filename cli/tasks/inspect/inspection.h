// What `inspect` knows of a model, and how it is shown.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "formats/graphviz/diagram.h"
#include "formats/table/table.h"
#include "lib/analysis/layers.h"
#include "lib/analysis/not_run.h"
#include "lib/arch/recognize.h"
#include "lib/base/words.h"
#include "lib/model/model.h"

namespace resnet::cli {

enum class Depth { stage, block, layer };
constexpr auto words_of(Depth) {
  return std::to_array<Word<Depth>>({{Depth::stage, "stage"}, {Depth::block, "block"}, {Depth::layer, "layer"}});
}

// One line of the layer table: a layer, or a block or stage added up.
struct InspectedRow {
  std::string name, op, input, output, kernel, stride, pads, dilation;
  std::int64_t groups = 1;
  std::string stage_name, block_name;
  std::vector<std::string> input_shapes, output_shapes;
  analysis::Cost cost;
};

struct Inspection {
  std::string name;  // as it was asked for
  Model model;       // with every size known
  Graph shown;       // the same nodes; where the file leaves the batch open and none was asked for, it is the symbol N
  std::optional<arch::Recognition> recognition;
  std::string not_recognized;  // why there is none
  std::vector<analysis::Layer> layers;
  std::vector<InspectedRow> rows;
  analysis::Cost total;
  analysis::Memory memory;
  analysis::NotRun not_run;  // operators that are not known here
  std::int64_t batch = 1;
};

// Gives symbols sizes (the batch, 1 where nothing is asked for, and the height and width that its kind of network usually has)
// and counts what can be counted; sizes may stay unknown.
Inspection inspect(std::string name, Model model, std::optional<std::int64_t> batch, Depth depth);

struct SummaryLine {
  std::string what, text;
};
// Nearest to what is asked: "resnet50 with 3 differences"; one line a difference after it.
std::vector<SummaryLine> summary_of(const Inspection& inspection);
// "Frobnicate x 49; without it: resnet-cli convert m.onnx --outputs features -o OUT"; "" where everything can be run.
std::string not_run_text(const Inspection& inspection);
// "TopK 1, Relu 3": what some layers are whose cost is left out of the totals, and why; "" where nothing is left out.
std::string left_out_text(const Inspection& inspection);

// Columns by their names, in this order: what --columns may list.
std::vector<std::string> column_names();
// Throws Error(invalid) for a name that is not one.
table::Table layer_table(const Inspection& inspection, const std::vector<std::string>& columns, const std::string& sort_by);
table::Table convention_table(const Inspection& inspection);
table::Table weight_table(const Inspection& inspection);
// How each quantized layer is: types, scales, zero points.
table::Table quantization_table(const Inspection& inspection);
table::Table difference_table(const arch::Recognition& recognition);

// Tables that are shown where they are asked for.
struct Extra {
  bool weights = false, quantization = false;
};
// {"model", "inputs", "outputs", "totals", "conventions", "layers"} and, where asked for, "weights" and "quantization".
std::string to_json(const Inspection& inspection, const Extra& extra);
// {"a", "b"}: both as above.
std::string to_json(const Inspection& a, const Inspection& b);

// Two networks side by side: what they are and cost, and how many times the first's figure the second's is.
table::Table pair_table(const Inspection& a, const Inspection& b);
// Their layers side by side: those that agree in kind, window and output beside each other, what only one has beside nothing.
table::Table pair_layers(const Inspection& a, const Inspection& b);

// Blocks as the paper draws them, or every layer.
graphviz::Diagram diagram_of(const Inspection& inspection, Depth depth);

// A self-contained page: summary, picture, tables, or both tables of a pair.
std::string to_html(const Inspection& inspection, Depth depth, const Extra& extra);
std::string to_html(const Inspection& a, const Inspection& b);

}  // namespace resnet::cli
