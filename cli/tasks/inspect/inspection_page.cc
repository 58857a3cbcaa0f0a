#include <fmt/format.h>

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
  return std::visit(Overloaded{[](const Conv&) { return Role::convolution; },
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
                               [](const QGemm&) { return Role::classifier; },
                               [](const MatMulInteger&) { return Role::classifier; },
                               [](const QLinearMatMul&) { return Role::classifier; },
                               [](const Gemm&) { return Role::classifier; },
                               [](const MatMul&) { return Role::classifier; },
                               [](const Softmax&) { return Role::classifier; },
                               [](const Input&) { return Role::input; },
                               [](const auto&) { return Role::other; }},  // a colour is no matter of correctness
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

graphviz::Diagram layer_diagram(const Inspection& i) {
  const Graph& graph = i.model.graph;
  graphviz::Diagram diagram;
  diagram.title = {i.name};
  const std::vector<bool> computed = analysis::computed_from_image(graph);
  const auto add_box = [&](NodeId node, std::vector<std::string> lines, const std::string& group) {
    const Node& n = graph.node(node);
    diagram.boxes.push_back({id_of(node), std::move(lines), role_of(n.op), group, n.name});
  };
  add_box(graph.inputs()[0].node, {graph.value(graph.inputs()[0]).name, graph.fact(graph.inputs()[0]).to_string()}, "");
  for (const analysis::Layer& layer : i.layers) {
    const Node& node = graph.node(layer.node);
    std::vector<std::string> lines = {layer.op};
    if (std::holds_alternative<Conv>(node.op)) lines = {paper_line(layer, graph)};
    if (!layer.kernel.empty() && !std::holds_alternative<Conv>(node.op))
      lines[0] += " " + fmt::format("{}x{}", layer.kernel[0], layer.kernel.back());
    if (std::holds_alternative<Conv>(node.op) || std::holds_alternative<Gemm>(node.op)) lines.push_back(layer.name);
    std::string stage;
    if (i.recognition) stage = i.recognition->places[static_cast<std::size_t>(layer.node)].stage;
    add_box(layer.node, std::move(lines), stage);
    std::size_t in = 0;
    for (const ValueId input : node.inputs) {
      if (input.is_none() || !computed[static_cast<std::size_t>(input.node)]) continue;
      diagram.arrows.push_back({id_of(input.node), id_of(layer.node), "", false, in++ > 0});
    }
  }
  return diagram;
}

// One box per block with its convolutions, as the paper's Figure 3 has them; a projection is a dashed arrow.
graphviz::Diagram block_diagram(const Inspection& i, Depth depth) {
  const Graph& graph = i.model.graph;
  const auto& places = i.recognition->places;
  graphviz::Diagram diagram;
  diagram.title = {i.name, i.recognition->to_string()};
  diagram.boxes.push_back(
      {"input", {graph.value(graph.inputs()[0]).name, graph.fact(graph.inputs()[0]).to_string()}, Role::input, "", ""});
  const auto key_of = [&](const analysis::Layer& layer) {
    const arch::Place& place = places[static_cast<std::size_t>(layer.node)];
    if (depth == Depth::block && !place.block.empty()) return place.block;
    return place.stage.empty() ? std::string("input") : place.stage;
  };
  struct Group {
    std::vector<std::string> lines;
    std::string stage, projection, output;
    bool adds = false;
    std::int64_t macs = 0, parameters = 0;
  };
  std::vector<std::string> order;
  std::map<std::string, Group> groups;
  for (const analysis::Layer& layer : i.layers) {
    const std::string key = key_of(layer);
    if (key == "input") continue;
    if (!groups.contains(key)) order.push_back(key);
    Group& group = groups[key];
    const arch::Place& place = places[static_cast<std::size_t>(layer.node)];
    group.stage = place.stage;
    group.macs += layer.cost.macs;
    group.parameters += layer.cost.parameters;
    group.output = fmt::format("{}", layer.output_shapes.empty() ? "" : to_string(layer.output_shapes[0]));
    const Op& op = graph.node(layer.node).op;
    const bool shortcut =
        place.counterpart.find("downsample") != std::string::npos || place.counterpart.find("shortcut") != std::string::npos;
    if (shortcut) {
      if (std::holds_alternative<Conv>(op)) group.projection = paper_line(layer, graph);
      if (group.projection.empty()) group.projection = "zero padding";
    } else if (std::holds_alternative<Conv>(op)) {
      group.lines.push_back(paper_line(layer, graph));
    } else if (!layer.kernel.empty()) {
      group.lines.push_back(fmt::format("{}x{} {}, /{}", layer.kernel[0], layer.kernel.back(),
                                        layer.op == "MaxPool" ? "max pool" : "avg pool",
                                        layer.stride.empty() ? 1 : layer.stride[0]));
    } else if (std::holds_alternative<GlobalAveragePool>(op) || std::holds_alternative<ReduceMean>(op)) {
      group.lines.push_back("global avg pool");
    } else if (std::holds_alternative<Gemm>(op) || std::holds_alternative<MatMul>(op)) {
      group.lines.push_back("fc " + group.output.substr(group.output.rfind('x') + 1));
    } else if (std::holds_alternative<Add>(op) || std::holds_alternative<Sum>(op)) {
      group.adds = true;
    }
  }
  std::string before = "input";
  for (const std::string& key : order) {
    const Group& group = groups[key];
    std::vector<std::string> lines = {key};
    if (depth == Depth::stage && group.lines.size() > 6) {
      lines.push_back(fmt::format("{} layers", group.lines.size()));
    } else {
      lines.insert(lines.end(), group.lines.begin(), group.lines.end());
    }
    lines.push_back(group.output);
    const Role role = key == "fc" ? Role::classifier : key == "conv1" ? Role::convolution : Role::block;
    diagram.boxes.push_back({key, lines, role, depth == Depth::block ? group.stage : "",
                             fmt::format("{} multiply-adds, {} parameters", group.macs, group.parameters)});
    diagram.arrows.push_back({before, key, "", false, false});
    if (depth == Depth::block && group.adds)
      diagram.arrows.push_back({before, key, group.projection, !group.projection.empty(), true});
    before = key;
  }
  diagram.boxes.push_back(
      {"output", {graph.value(graph.outputs()[0]).name, graph.fact(graph.outputs()[0]).to_string()}, Role::output, "", ""});
  diagram.arrows.push_back({before, "output", "", false, false});
  return diagram;
}

}  // namespace

graphviz::Diagram diagram_of(const Inspection& inspection, Depth depth) {
  return depth == Depth::layer || !inspection.recognition ? layer_diagram(inspection) : block_diagram(inspection, depth);
}

std::string to_html(const Inspection& inspection, Depth depth, bool weights) {
  html::Page page(inspection.name);
  for (const std::string& line : summary_lines(inspection)) page.add_paragraph(line);
  page.add_heading("The network");
  page.add_picture(graphviz::to_svg(diagram_of(inspection, inspection.recognition ? Depth::block : depth)));
  page.add_heading("Layers");
  page.add_table(layer_table(inspection, column_names(), ""));
  page.add_heading("What other tools print");
  page.add_table(convention_table(inspection));
  if (inspection.recognition && !inspection.recognition->differences.empty()) {
    page.add_heading("Differences from " + arch::describe(inspection.recognition->spec));
    page.add_table(difference_table(*inspection.recognition));
  }
  if (weights) {
    page.add_heading("Weights");
    page.add_table(weight_table(inspection));
  }
  return page.render();
}

}  // namespace resnet::cli
