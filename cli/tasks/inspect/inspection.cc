#include "cli/tasks/inspect/inspection.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "lib/analysis/cost.h"
#include "lib/analysis/quantization.h"
#include "lib/base/error.h"
#include "lib/graph/stated.h"

namespace resnet::cli {

namespace {

std::string joined(const std::vector<std::int64_t>& list, const char* separator) {
  return fmt::format("{}", fmt::join(list, separator));
}

// "3x3"; of strides, pads and dilations one number where all are the same.
std::string compact(const std::vector<std::int64_t>& list) {
  const bool same = std::all_of(list.begin(), list.end(), [&](std::int64_t n) { return n == list.front(); });
  return list.empty() ? "" : same ? std::to_string(list.front()) : joined(list, ",");
}

std::vector<std::string> texts_of(const std::vector<Dims>& shapes) {
  std::vector<std::string> texts;
  for (const Dims& dims : shapes) texts.push_back(to_string(dims));
  return texts;
}

InspectedRow row_of(const analysis::Layer& layer, const std::vector<arch::Place>& places) {
  InspectedRow row;
  row.name = layer.name;
  row.op = layer.op;
  row.input_shapes = texts_of(layer.input_shapes);
  row.output_shapes = texts_of(layer.output_shapes);
  row.input = fmt::format("{}", fmt::join(row.input_shapes, ", "));
  row.output = fmt::format("{}", fmt::join(row.output_shapes, ", "));
  row.kernel = joined(layer.kernel, "x");
  row.stride = compact(layer.stride);
  row.pads = compact(layer.pads);
  row.dilation = compact(layer.dilations);
  row.groups = layer.groups;
  row.cost = layer.cost;
  if (const auto id = static_cast<std::size_t>(layer.node); id < places.size()) {
    row.stage_name = places[id].stage;
    row.block_name = places[id].block;
  }
  return row;
}

// Rows of one stage or block, one after the other, as one.
std::vector<InspectedRow> added_up(const std::vector<InspectedRow>& layers, Depth depth) {
  std::vector<InspectedRow> result;
  for (const InspectedRow& layer : layers) {
    std::string key = depth == Depth::block && !layer.block_name.empty() ? layer.block_name : layer.stage_name;
    if (key.empty()) key = "input";
    if (result.empty() || result.back().name != key) {
      InspectedRow row;
      row.name = key;
      row.op = key == layer.block_name ? "block" : "stage";
      row.stage_name = layer.stage_name;
      row.block_name = depth == Depth::block ? layer.block_name : "";
      row.input_shapes = layer.input_shapes;
      row.input = layer.input;
      result.push_back(std::move(row));
    }
    result.back().output = layer.output;
    result.back().output_shapes = layer.output_shapes;
    result.back().cost += layer.cost;
  }
  return result;
}

// Sizes in place of symbols: the batch, wherever the inputs name it, and what the kind of network usually has.
Graph with_sizes(const Graph& graph, const Dim& batch, const std::optional<arch::Recognition>& recognition) {
  std::vector<Fact> facts;
  for (const ValueId input : graph.inputs()) facts.push_back(graph.fact(input));
  const Dim before = (*facts[0].dims)[0];
  for (Fact& fact : facts) {
    if (!fact.dims) continue;
    for (Dim& dim : *fact.dims) {
      if (!dim.is_number() && dim == before) dim = batch;
    }
  }
  Dims& dims = *facts[0].dims;
  dims[0] = batch;
  if (dims.size() == 4 && recognition) {
    const std::size_t first = !dims[1].is(3) && dims[3].is(3) ? 1 : 2;
    if (!dims[first].is_number()) dims[first] = recognition->spec.height;
    if (!dims[first + 1].is_number()) dims[first + 1] = recognition->spec.width;
  }
  // What the file states after operators that are not known here has its own batch.
  Graph sized = graph;
  change_stated(sized, [&](Fact& fact) {
    for (std::size_t axis = 0; fact.dims && axis < fact.dims->size(); ++axis) {
      Dim& dim = (*fact.dims)[axis];
      if (dim == before && (axis == 0 || !dim.is_number())) dim = batch;
    }
  });
  try {
    return with_input_facts(sized, facts);
  } catch (const Error&) {
    if (!change_stated(sized, [](Fact& fact) { fact = Fact::unknown(); })) throw;
    return with_input_facts(sized, facts);
  }
}

// The graph with every size, and the one that is shown.
struct Sized {
  Graph counted, shown;
};
Sized sized(const Graph& graph, std::optional<std::int64_t> batch, const std::optional<arch::Recognition>& recognition) {
  const Fact& image = graph.fact(graph.inputs()[0]);
  if (!image.dims || image.dims->empty()) return {graph, graph};
  const Dim own = (*image.dims)[0];
  const Graph counted = with_sizes(graph, batch ? Dim(*batch) : own.is_number() ? own : Dim(1), recognition);
  if (batch || own.is_number()) return {counted, counted};
  try {
    return {counted, with_sizes(graph, Dim::symbol("N"), recognition)};
  } catch (const Error&) {  // a symbol N is in the file already, for something else
    return {counted, counted};
  }
}

// With "?" for dims to which neither the file nor a node has given a name.
Dims shown_dims(const Value& value) {
  if (!value.fact.dims) return {Dim::symbol("?")};
  Dims dims = *value.fact.dims;
  for (std::size_t axis = 0; axis < dims.size(); ++axis) {
    if (dims[axis] == Dim::symbol(fmt::format("{}_dim{}", value.name, axis))) dims[axis] = Dim::symbol("?");
  }
  return dims;
}

// Shapes as they are shown: what an operator that is not known here makes is "?".
void show_shapes(std::vector<analysis::Layer>& layers, const Graph& shown) {
  const std::vector<bool> computed = analysis::computed_from_image(shown);
  for (analysis::Layer& layer : layers) {
    const Node& node = shown.node(layer.node);
    std::size_t in = 0;
    for (const ValueId input : node.inputs) {
      if (input.is_none() || !computed[static_cast<std::size_t>(input.node)]) continue;
      if (in < layer.input_shapes.size()) layer.input_shapes[in] = shown_dims(shown.value(input));
      ++in;
    }
    for (std::size_t out = 0; out < node.outputs.size() && out < layer.output_shapes.size(); ++out) {
      layer.output_shapes[out] = shown_dims(node.outputs[out]);
    }
  }
}

}  // namespace

Inspection inspect(std::string name, Model model, std::optional<std::int64_t> batch, Depth depth) {
  Inspection result;
  result.name = std::move(name);
  result.batch = batch.value_or(1);
  if (model.graph.inputs().empty()) throw Error(Fault::malformed, "the graph has no input");
  try {
    result.recognition = arch::recognize(model.graph);
  } catch (const Error& error) {
    result.not_recognized = error.what();
  }
  Sized graphs = sized(model.graph, batch, result.recognition);
  model.graph = std::move(graphs.counted);
  result.shown = std::move(graphs.shown);
  if (const auto shape = model.graph.fact(model.graph.inputs()[0]).shape(); shape && shape->rank() > 0)
    result.batch = (*shape)[0];
  result.model = std::move(model);
  const Graph& graph = result.model.graph;
  const std::vector<arch::Place> places = result.recognition ? result.recognition->places : std::vector<arch::Place>{};
  result.layers = analysis::layers_of(graph);
  result.not_run = analysis::find_not_run(result.shown);
  show_shapes(result.layers, result.shown);
  for (const analysis::Layer& layer : result.layers) {
    result.rows.push_back(row_of(layer, places));
    result.total += layer.cost;
  }
  if (depth != Depth::layer) {
    if (!result.recognition) {
      throw Error(Fault::unsupported, "stages and blocks are those of a residual network, which this is not: " +
                                          result.not_recognized + "; --depth layer shows what is there");
    }
    result.rows = added_up(result.rows, depth);
  }
  result.memory = analysis::memory_of(graph);
  return result;
}

namespace {

using table::Align;
using table::Cell;
using Row = InspectedRow;

struct ColumnKind {
  const char* name;
  Align align;
  std::optional<int> decimals;
  Cell (*cell)(const Row& row, const Inspection& inspection);
};

// Nothing where it is not known.
Cell known(const Row& row, std::int64_t count) {
  if (count == 0 && row.cost.not_counted > 0) return {};
  return count;
}

const std::vector<ColumnKind>& columns_of_layers() {
  static const std::vector<ColumnKind> columns = {
      {"name", Align::left, {}, [](const Row& r, const Inspection&) -> Cell { return r.name; }},
      {"op", Align::left, {}, [](const Row& r, const Inspection&) -> Cell { return r.op; }},
      {"stage", Align::left, {}, [](const Row& r, const Inspection&) -> Cell { return r.stage_name; }},
      {"block", Align::left, {}, [](const Row& r, const Inspection&) -> Cell { return r.block_name; }},
      {"input", Align::left, {}, [](const Row& r, const Inspection&) -> Cell { return r.input; }},
      {"output", Align::left, {}, [](const Row& r, const Inspection&) -> Cell { return r.output; }},
      {"kernel", Align::left, {}, [](const Row& r, const Inspection&) -> Cell { return r.kernel; }},
      {"stride", Align::left, {}, [](const Row& r, const Inspection&) -> Cell { return r.stride; }},
      {"pads", Align::left, {}, [](const Row& r, const Inspection&) -> Cell { return r.pads; }},
      {"dilation", Align::left, {}, [](const Row& r, const Inspection&) -> Cell { return r.dilation; }},
      {"groups", Align::right, {}, [](const Row& r, const Inspection&) -> Cell { return r.groups; }},
      {"parameters", Align::right, {}, [](const Row& r, const Inspection&) -> Cell { return r.cost.parameters; }},
      {"buffers", Align::right, {}, [](const Row& r, const Inspection&) -> Cell { return r.cost.buffers; }},
      {"activations", Align::right, {}, [](const Row& r, const Inspection&) { return known(r, r.cost.activations); }},
      {"macs", Align::right, {}, [](const Row& r, const Inspection&) { return known(r, r.cost.macs); }},
      {"share", Align::right, 2, [](const Row& r, const Inspection& i) -> Cell {
         if (r.cost.macs == 0 && r.cost.not_counted > 0) return {};
         return i.total.macs == 0 ? 0.0 : 100.0 * static_cast<double>(r.cost.macs) / static_cast<double>(i.total.macs);
       }}};
  return columns;
}

bool less(const Cell& a, const Cell& b) {
  if (const auto* x = std::get_if<std::int64_t>(&a), *y = std::get_if<std::int64_t>(&b); x != nullptr && y != nullptr)
    return *x < *y;
  if (const auto* x = std::get_if<double>(&a), *y = std::get_if<double>(&b); x != nullptr && y != nullptr) return *x < *y;
  return table::to_string(a) < table::to_string(b);
}

}  // namespace

std::vector<std::string> column_names() {
  std::vector<std::string> names;
  for (const ColumnKind& column : columns_of_layers()) names.emplace_back(column.name);
  return names;
}

table::Table layer_table(const Inspection& inspection, const std::vector<std::string>& columns, const std::string& sort_by) {
  const auto find = [](const std::string& option, const std::string& name) -> const ColumnKind& {
    const auto& all = columns_of_layers();
    const auto found = std::find_if(all.begin(), all.end(), [&](const ColumnKind& c) { return name == c.name; });
    if (found == all.end()) {
      throw Error(Fault::invalid,
                  fmt::format("{}: '{}' is not a column, expected {}", option, name, fmt::join(column_names(), ", ")));
    }
    return *found;
  };
  std::vector<const ColumnKind*> kinds;
  std::vector<table::Column> heads;
  for (const std::string& name : columns) {
    kinds.push_back(&find("--columns", name));
    heads.push_back({name, kinds.back()->align, kinds.back()->decimals});
  }
  std::vector<const Row*> rows;
  for (const Row& row : inspection.rows) rows.push_back(&row);
  if (!sort_by.empty()) {
    // Numbers from the largest, texts from A.
    const ColumnKind& key = find("--sort", sort_by);
    std::stable_sort(rows.begin(), rows.end(), [&](const Row* a, const Row* b) {
      const Cell x = key.cell(*a, inspection), y = key.cell(*b, inspection);
      return key.align == Align::right ? less(y, x) : less(x, y);
    });
  }
  table::Table result(std::move(heads));
  for (const Row* row : rows) {
    std::vector<Cell> cells;
    for (const ColumnKind* kind : kinds) cells.push_back(kind->cell(*row, inspection));
    result.add(std::move(cells));
  }
  return result;
}

table::Table convention_table(const Inspection& inspection) {
  table::Table result({{"convention", Align::left, {}}, {"value", Align::right, {}}, {"what it counts", Align::left, {}}});
  const bool folded = inspection.recognition && inspection.recognition->batch_norm == arch::BatchNorm::folded;
  for (const analysis::Convention& convention : analysis::conventions(inspection.total, folded)) {
    result.add({convention.name, convention.value, convention.why});
  }
  result.add({std::string("parameters"), inspection.total.parameters,
              std::string("trained: weights, biases, batch norm's scale and shift")});
  // Keras counts a layer's running statistics and gives a bias to each convolution before a batch norm, too; other tools leave
  // that one out as it has no effect. Each layer's own, though files may share what is equal.
  std::int64_t channels = 0;
  const Graph& graph = inspection.model.graph;
  for (const Node& node : graph.nodes()) {
    if (!holds_alternative<BatchNormalization>(node.op)) continue;
    if (const auto scale = graph.fact(node.inputs[1]).shape()) channels += scale->elements();
  }
  if (channels > 0) {
    result.add({std::string("parameters, Keras"), inspection.total.parameters + 3 * channels,
                std::string("adds batch norm's running statistics, and a bias for each convolution before one")});
  }
  return result;
}

table::Table weight_table(const Inspection& inspection) {
  table::Table result({{"name", Align::left, {}},
                       {"type", Align::left, {}},
                       {"shape", Align::left, {}},
                       {"min", Align::right, 6},
                       {"max", Align::right, 6},
                       {"mean", Align::right, 6},
                       {"std", Align::right, 6},
                       {"zeros", Align::right, {}},
                       {"nan", Align::right, {}},
                       {"inf", Align::right, {}}});
  for (const analysis::WeightStatistics& w : analysis::weight_statistics(inspection.model.graph)) {
    result.add({w.name, std::string(resnet::name_of(w.dtype)), w.shape.to_string(), w.min, w.max, w.mean, w.deviation, w.zeros,
                w.not_a_number, w.infinite});
  }
  return result;
}

table::Table quantization_table(const Inspection& inspection) {
  table::Table result({{"layer"},
                       {"op"},
                       {"x"},
                       {"x_scale", Align::right, 9},
                       {"x_zero_point", Align::right, {}},
                       {"weight"},
                       {"weight_scales", Align::right, {}},
                       {"weight_scale_min", Align::right, 9},
                       {"weight_scale_max", Align::right, 9},
                       {"weight_zero_point", Align::right, {}},
                       {"y"},
                       {"y_scale", Align::right, 9},
                       {"y_zero_point", Align::right, {}}});
  using analysis::QuantizedTensor;
  const auto type = [](const std::optional<QuantizedTensor>& t) {
    return t ? table::Cell(std::string(resnet::name_of(t->dtype))) : table::Cell();
  };
  // Of several or of none there is nothing that one number says.
  const auto scale = [](const std::optional<QuantizedTensor>& t, double QuantizedTensor::*which) {
    return t && t->scales > 0 ? table::Cell((*t).*which) : table::Cell();
  };
  const auto zero_point = [](const std::optional<QuantizedTensor>& t) {
    return t && t->zero_point_known && t->least_zero_point == t->largest_zero_point ? table::Cell(t->least_zero_point)
                                                                                    : table::Cell();
  };
  const Graph& graph = inspection.model.graph;
  for (const analysis::QuantizedLayer& layer : analysis::quantized_layers(graph)) {
    const Node& node = graph.node(layer.node);
    const std::optional<QuantizedTensor>& w = layer.weight;
    result.add({resnet::name_of(node), type_of(node.op), type(layer.x), scale(layer.x, &QuantizedTensor::least_scale),
                zero_point(layer.x), type(w), w && w->scales > 0 ? table::Cell(w->scales) : table::Cell(),
                scale(w, &QuantizedTensor::least_scale), scale(w, &QuantizedTensor::largest_scale), zero_point(w), type(layer.y),
                scale(layer.y, &QuantizedTensor::least_scale), zero_point(layer.y)});
  }
  return result;
}

table::Table difference_table(const arch::Recognition& recognition) {
  table::Table result({{"node", Align::left, {}}, {"found", Align::left, {}}, {"expected", Align::left, {}}});
  for (const arch::Difference& difference : recognition.differences) {
    result.add({difference.node, difference.found, difference.expected});
  }
  return result;
}

}  // namespace resnet::cli
