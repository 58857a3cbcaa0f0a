// What `inspect` knows of a model, and how it is told.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "formats/graphviz/diagram.h"
#include "formats/table/table.h"
#include "lib/analysis/layers.h"
#include "lib/arch/recognize.h"
#include "lib/model/model.h"

namespace resnet::cli {

enum class Depth { stage, block, layer };

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
  std::optional<arch::Recognition> recognition;
  std::string not_recognized;  // why there is none
  std::vector<analysis::Layer> layers;
  std::vector<InspectedRow> rows;
  analysis::Cost total;
  analysis::Memory memory;
  std::int64_t batch = 1;
};

// Gives symbols sizes (the batch, and the height and width that its kind of network usually has) and counts. Throws
// Error(invalid_model) where a size that a cost depends on stays unknown.
Inspection inspect(std::string name, Model model, std::int64_t batch, Depth depth);

// Nearest to what is asked: "resnet50 with 3 differences"; one line a difference behind it.
std::vector<std::string> summary_lines(const Inspection& inspection);

// Columns by their names, in this order: what --columns may list.
std::vector<std::string> column_names();
// Throws Error(usage) for a name that is none.
table::Table layer_table(const Inspection& inspection, const std::vector<std::string>& columns, const std::string& sort_by);
table::Table convention_table(const Inspection& inspection);
table::Table weight_table(const Inspection& inspection);
table::Table difference_table(const arch::Recognition& recognition);

// {"model", "inputs", "outputs", "totals", "conventions", "layers"} and, where asked for, "weights".
std::string to_json(const Inspection& inspection, bool weights);

// Blocks as the paper draws them, or every layer.
graphviz::Diagram diagram_of(const Inspection& inspection, Depth depth);

// A self-contained page: summary, picture, tables.
std::string to_html(const Inspection& inspection, Depth depth, bool weights);

}  // namespace resnet::cli
