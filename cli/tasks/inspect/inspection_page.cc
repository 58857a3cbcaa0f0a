#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "cli/tasks/inspect/inspection.h"
#include "formats/graphviz/render.h"
#include "formats/html/page.h"
#include "lib/base/overloaded.h"

namespace resnet::cli {

namespace {

using graphviz::Role;

Role role_of(const Op& op) {
  return visit(Overloaded{[](const Conv&) { return Role::convolution; },
                          [](const BatchNormalization&) { return Role::normalization; },
                          [](const Relu&) { return Role::activation; },
                          [](const Clip&) { return Role::activation; },
                          [](const Sigmoid&) { return Role::activation; },
                          [](const HardSigmoid&) { return Role::activation; },
                          [](const Add&) { return Role::addition; },
                          [](const Sum&) { return Role::addition; },
                          [](const MaxPool&) { return Role::pool; },
                          [](const AveragePool&) { return Role::pool; },
                          [](const GlobalAveragePool&) { return Role::pool; },
                          [](const ReduceMean&) { return Role::pool; },
                          [](const ConvInteger&) { return Role::convolution; },
                          [](const QLinearConv&) { return Role::convolution; },
                          [](const QLinearAdd&) { return Role::addition; },
                          [](const QLinearGlobalAveragePool&) { return Role::pool; },
                          [](const QLinearAveragePool&) { return Role::pool; },
                          [](const QGemm&) { return Role::classifier; },
                          [](const MatMulInteger&) { return Role::classifier; },
                          [](const QLinearMatMul&) { return Role::classifier; },
                          [](const Gemm&) { return Role::classifier; },
                          [](const MatMul&) { return Role::classifier; },
                          [](const Softmax&) { return Role::classifier; },
                          [](const Input&) { return Role::input; },
                          [](const auto&) { return Role::other; }},  // a colour is not a matter of correctness
               op);
}

std::string id_of(NodeId node) { return fmt::format("n{}", node); }

// "3x3, 64" and, where there is one, "/2": the paper's way of writing a convolution.
std::string paper_line(const analysis::Layer& layer, const Graph& graph) {
  const Fact& y = graph.fact({layer.node, 0});
  const std::string channels = y.dims && y.rank() > 1 ? (*y.dims)[1].to_string() : "?";
  std::string line = fmt::format("{}x{} conv, {}", layer.kernel.empty() ? 0 : layer.kernel[0],
                                 layer.kernel.size() > 1 ? layer.kernel[1] : 0, channels);
  if (!layer.stride.empty() && layer.stride[0] != 1) line += fmt::format(", /{}", layer.stride[0]);
  return line;
}

// The name and the type of an input or output.
std::vector<std::string> end_lines(const Graph& graph, ValueId value) {
  return {graph.value(value).name, graph.fact(value).to_string()};
}

// Of an addition, which of its two operands is the shortcut: the one that was there first, where it was made more than a layer
// ago or by a projection.
struct Joined {
  NodeId shortcut = -1;
  bool projects = false;
};
Joined shortcut_of(const Inspection& i, const Node& node, const std::vector<bool>& computed) {
  const bool adds = holds_alternative<Add>(node.op) || holds_alternative<Sum>(node.op);
  if (!adds || node.inputs.size() != 2 || node.inputs[0].node == node.inputs[1].node) return {};
  for (const ValueId id : node.inputs) {
    if (id.is_none() || !computed[static_cast<std::size_t>(id.node)]) return {};
  }
  const auto projects = [&](ValueId id) {
    if (!i.recognition) return false;
    const std::string& name = i.recognition->places[static_cast<std::size_t>(id.node)].counterpart;
    return name.find("downsample") != std::string::npos || name.find("shortcut") != std::string::npos;
  };
  for (const ValueId id : node.inputs) {
    if (projects(id)) return {id.node, true};
  }
  return {std::min(node.inputs[0].node, node.inputs[1].node), false};
}

graphviz::Diagram layer_diagram(const Inspection& i) {
  const Graph& graph = i.model.graph;
  graphviz::Diagram diagram;
  diagram.title = {i.name};
  if (!i.not_run.kinds.empty()) diagram.title.push_back("cannot run here: " + analysis::to_string(i.not_run));
  const std::vector<bool> computed = analysis::computed_from_image(graph);
  const auto add_box = [&](NodeId node, std::vector<std::string> lines, const std::string& group) {
    const Node& n = graph.node(node);
    diagram.boxes.push_back({id_of(node), std::move(lines), role_of(n.op), group, n.name});
  };
  add_box(graph.inputs()[0].node, end_lines(i.shown, graph.inputs()[0]), "");
  for (const analysis::Layer& layer : i.layers) {
    const Node& node = graph.node(layer.node);
    std::vector<std::string> lines = {layer.op};
    if (holds_alternative<Conv>(node.op)) lines = {paper_line(layer, graph)};
    if (!layer.kernel.empty() && !holds_alternative<Conv>(node.op))
      lines[0] += " " + fmt::format("{}x{}", layer.kernel[0], layer.kernel.back());
    if (holds_alternative<Conv>(node.op) || holds_alternative<Gemm>(node.op)) lines.push_back(layer.name);
    std::string stage;
    if (i.recognition) stage = i.recognition->places[static_cast<std::size_t>(layer.node)].stage;
    add_box(layer.node, std::move(lines), stage);
    const Joined joined = shortcut_of(i, node, computed);
    if (joined.shortcut >= 0) {
      diagram.boxes.back().lines = {"+"};
      diagram.boxes.back().round = true;
    }
    for (const ValueId input : node.inputs) {
      if (input.is_none() || !computed[static_cast<std::size_t>(input.node)]) continue;
      // A projection's own layers stand beside the block; an identity goes around it.
      const bool shortcut = input.node == joined.shortcut;
      diagram.arrows.push_back(
          {id_of(input.node), id_of(layer.node), "", shortcut && joined.projects, shortcut && !joined.projects});
    }
  }
  return diagram;
}

// What a box of the block diagram stands for.
struct Block {
  std::vector<std::string> lines;
  std::string stage, projection, output;
  bool adds = false;
  std::int64_t macs = 0, parameters = 0;
};

// The layer's line in its block; the shortcut's layers and the addition are told apart.
void add_layer(Block& block, const analysis::Layer& layer, const Graph& graph, const arch::Place& place) {
  block.stage = place.stage;
  block.macs += layer.cost.macs;
  block.parameters += layer.cost.parameters;
  const Op& op = graph.node(layer.node).op;
  // What only lies otherwise is not another map: VGG's Flatten after its last pool.
  if (block.output.empty() || effect_of(op) != Effect::reshapes)
    block.output = layer.output_shapes.empty() ? "" : to_string(layer.output_shapes[0]);
  const bool shortcut =
      place.counterpart.find("downsample") != std::string::npos || place.counterpart.find("shortcut") != std::string::npos;
  if (shortcut) {
    if (holds_alternative<Conv>(op)) block.projection = paper_line(layer, graph);
    if (block.projection.empty()) block.projection = "zero padding";
  } else if (holds_alternative<Conv>(op)) {
    block.lines.push_back(paper_line(layer, graph));
  } else if (!layer.kernel.empty()) {
    block.lines.push_back(fmt::format("{}x{} {}, /{}", layer.kernel[0], layer.kernel.back(),
                                      layer.op == "MaxPool" ? "max pool" : "avg pool",
                                      layer.stride.empty() ? 1 : layer.stride[0]));
  } else if (holds_alternative<GlobalAveragePool>(op) || holds_alternative<ReduceMean>(op)) {
    block.lines.push_back("global avg pool");
  } else if (holds_alternative<Gemm>(op) || holds_alternative<MatMul>(op)) {
    block.lines.push_back("fc " + block.output.substr(block.output.rfind('x') + 1));
  } else if (holds_alternative<Add>(op) || holds_alternative<Sum>(op)) {
    block.adds = true;
  }
}

// One box per block with its convolutions, as the paper's Figure 3 has them: a shortcut is an arc around it into a plus, dashed
// where it projects.
graphviz::Diagram block_diagram(const Inspection& i, Depth depth) {
  const auto& places = i.recognition->places;
  graphviz::Diagram diagram;
  diagram.title = {i.name, i.recognition->to_string()};
  if (!i.not_run.kinds.empty()) diagram.title.push_back("cannot run here: " + analysis::to_string(i.not_run));
  diagram.boxes.push_back({"input", end_lines(i.shown, i.shown.inputs()[0]), Role::input, "", ""});
  std::vector<std::string> order;
  std::map<std::string, Block> blocks;
  for (const analysis::Layer& layer : i.layers) {
    const arch::Place& place = places[static_cast<std::size_t>(layer.node)];
    const std::string key = depth == Depth::block && !place.block.empty() ? place.block : place.stage;
    if (key.empty()) continue;  // what prepares the input
    if (!blocks.contains(key)) order.push_back(key);
    add_layer(blocks[key], layer, i.model.graph, place);
  }
  std::string before = "input";
  for (const std::string& key : order) {
    const Block& block = blocks[key];
    std::vector<std::string> lines = {key};
    if (depth == Depth::stage && block.lines.size() > 6) {
      lines.push_back(fmt::format("{} layers", block.lines.size()));
    } else {
      lines.insert(lines.end(), block.lines.begin(), block.lines.end());
    }
    const bool adds = depth == Depth::block && block.adds;
    if (adds && !block.projection.empty()) lines.push_back("shortcut: " + block.projection);
    lines.push_back(block.output);
    const Role role = key == "fc" ? Role::classifier : key == "conv1" ? Role::convolution : Role::block;
    const std::string group = depth == Depth::block ? block.stage : "";
    diagram.boxes.push_back(
        {key, lines, role, group, fmt::format("{} multiply-adds, {} parameters", block.macs, block.parameters)});
    diagram.arrows.push_back({before, key, "", false, false});
    if (adds) {
      const std::string plus = key + " +";
      const std::string what = block.projection.empty() ? "identity" : block.projection;
      diagram.boxes.push_back({plus, {"+"}, Role::addition, group, "shortcut: " + what, true});
      diagram.arrows.push_back({key, plus, "", false, false});
      diagram.arrows.push_back({before, plus, "shortcut: " + what, !block.projection.empty(), true});
      before = plus;
    } else {
      before = key;
    }
  }
  diagram.boxes.push_back({"output", end_lines(i.shown, i.shown.outputs()[0]), Role::output, "", ""});
  diagram.arrows.push_back({before, "output", "", false, false});
  return diagram;
}

}  // namespace

graphviz::Diagram diagram_of(const Inspection& inspection, Depth depth) {
  return depth == Depth::layer || !inspection.recognition ? layer_diagram(inspection) : block_diagram(inspection, depth);
}

namespace {

// Every column, what a layer costs before its shapes.
std::vector<std::string> page_columns() {
  std::vector<std::string> columns = {"name", "op", "macs", "share", "parameters"};
  for (const std::string& column : column_names()) {
    if (std::find(columns.begin(), columns.end(), column) == columns.end()) columns.push_back(column);
  }
  return columns;
}

}  // namespace

std::string to_html(const Inspection& inspection, Depth depth, const Extra& extra) {
  html::Page page(inspection.name);
  table::Table summary({{"of the network"}, {"value"}});
  for (const SummaryLine& line : summary_of(inspection)) summary.add({line.what, line.text});
  page.add_table(summary);
  page.add_heading("The network");
  page.add_picture(graphviz::to_svg(diagram_of(inspection, inspection.recognition ? Depth::block : depth)));
  page.add_heading("Layers");
  page.add_table(layer_table(inspection, page_columns(), ""));
  page.add_heading("What other tools print");
  page.add_table(convention_table(inspection));
  if (inspection.recognition && !inspection.recognition->differences.empty()) {
    page.add_heading("Differences from " + arch::describe(inspection.recognition->spec));
    page.add_table(difference_table(*inspection.recognition));
  }
  if (extra.quantization) {
    page.add_heading("Quantization");
    page.add_table(quantization_table(inspection));
  }
  if (extra.weights) {
    page.add_heading("Weights");
    page.add_table(weight_table(inspection));
  }
  return page.render();
}

}  // namespace resnet::cli
