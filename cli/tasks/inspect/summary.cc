// What is above the tables of an inspection: a line for each thing that is to be said of the whole network.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "cli/tasks/inspect/inspection.h"
#include "cli/tasks/open/runnable.h"
#include "cli/tasks/prepare/preprocess.h"
#include "formats/table/size.h"
#include "lib/analysis/quantization.h"

namespace resnet::cli {

namespace {

std::string grouped(std::int64_t number) { return table::group_digits(number, ","); }

// "1000: tench, goldfish, ..., toilet tissue".
std::string labels_text(const std::vector<std::string>& labels) {
  constexpr std::size_t all = 10, first = 3;
  if (labels.size() <= all) return fmt::format("{}: {}", labels.size(), fmt::join(labels, ", "));
  return fmt::format("{}: {}, ..., {}", labels.size(), fmt::join(labels.begin(), labels.begin() + first, ", "), labels.back());
}

}  // namespace

std::string not_run_text(const Inspection& inspection) {
  return to_string(inspection.not_run, inspection.shown, inspection.name);
}

std::string left_out_text(const Inspection& inspection) {
  if (inspection.total.not_counted == 0) return "";
  std::map<std::string, std::int64_t> kinds;
  bool sizes = false;  // of operators that are known
  for (const analysis::Layer& layer : inspection.layers) {
    if (layer.cost.not_counted == 0) continue;
    ++kinds[layer.op];
    sizes = sizes || !holds_alternative<Opaque>(inspection.shown.node(layer.node).op);
  }
  std::string text;
  for (const auto& [op, count] : kinds) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, op);
  const bool fixed = inspection.model.graph.fact(inspection.model.graph.inputs()[0]).shape().has_value();
  if (sizes && !fixed) return text + ": sizes are open that they depend on; --input-shape gives the input's";
  return text + (sizes ? ": the operator or its sizes are not known" : ": operators that are not known");
}

namespace {

// "ONNX, opset 17, IR version 8, by pytorch 1.13".
std::string format_text(const Provenance& p) {
  std::string opsets;
  for (const auto& [domain, version] : p.opsets)
    opsets += fmt::format("{}{}{}", opsets.empty() ? "" : ", ", domain.empty() ? "" : domain + " ", version);
  const std::string producer = p.producer_name + (p.producer_version.empty() ? "" : " " + p.producer_version);
  const std::string versions = opsets.empty() ? "" : fmt::format(", opset {}, IR version {}", opsets, p.ir_version);
  return p.format + versions + (producer.empty() ? "" : ", by " + producer);
}

}  // namespace

std::vector<SummaryLine> summary_of(const Inspection& i) {
  const Graph& graph = i.shown;
  const Provenance& p = i.model.provenance;
  std::vector<SummaryLine> lines;
  const auto add = [&](const std::string& what, const std::string& text) { lines.push_back({what, table::printable(text)}); };
  add("model", i.name);
  add("network", i.recognition ? i.recognition->to_string() : "none of this family: " + i.not_recognized);
  if (!p.format.empty()) add("format", format_text(p));
  // A file of the structure only lists its parameters as inputs, too.
  constexpr std::size_t most_inputs = 4;
  const std::span<const ValueId> inputs = graph.inputs();
  for (const ValueId input : inputs.first(std::min(inputs.size(), most_inputs)))
    add("input", fmt::format("{}: {}", graph.value(input).name, graph.fact(input).to_string()));
  if (inputs.size() > most_inputs)
    add("inputs", fmt::format("and {} more (--format json lists them all)", inputs.size() - most_inputs));
  for (const ValueId output : graph.outputs())
    add("output", fmt::format("{}: {}", graph.value(output).name, graph.fact(output).to_string()));
  std::map<std::string, std::int64_t> operators;
  for (const Node& node : graph.nodes()) {
    if (!holds_alternative<Input>(node.op) && !holds_alternative<Constant>(node.op)) ++operators[type_of(node.op)];
  }
  std::string listed;
  for (const auto& [type, count] : operators) listed += fmt::format("{}{} {}", listed.empty() ? "" : ", ", count, type);
  add("operators", listed);
  if (!i.not_run.kinds.empty()) add("cannot run", not_run_text(i));
  if (const auto layers = analysis::quantized_layers(graph); !layers.empty())
    add("quantization", analysis::quantization_text(graph, layers));
  add("parameters",
      fmt::format("{}, and {} running statistics (batch norm)", grouped(i.total.parameters), grouped(i.total.buffers)));
  const std::string per = i.batch == 1 ? "" : fmt::format(" for a batch of {}", i.batch);
  add("multiply-adds",
      fmt::format("{}{}: the paper's FLOPs; FLOPs as others say it: {}", grouped(i.total.macs), per, grouped(2 * i.total.macs)));
  add("activations", fmt::format("{} outputs of convolutions and products{}", grouped(i.total.activations), per));
  if (i.total.not_counted > 0) add("left out", left_out_text(i));
  add("memory",
      fmt::format("{} of weights, at {} {} of activations at once (at '{}')", table::size_text(i.memory.weights),
                  i.memory.complete ? "most" : "least", table::size_text(i.memory.peak_activations), i.memory.peak_node));
  // What a file could hold, and a network that is only named cannot.
  const bool is_file = !p.format.empty();
  if (!i.model.labels.empty() || is_file)
    add("labels", i.model.labels.empty() ? "none in the file" : labels_text(i.model.labels));
  if (i.model.preprocessing || is_file)
    add("preparation", i.model.preprocessing ? describe(*i.model.preprocessing) : "none in the file");
  for (const auto& [key, value] : i.model.metadata)
    add("metadata", fmt::format("{} = {}{}", key, value.substr(0, value.size() > 60 ? 57 : 60), value.size() > 60 ? "..." : ""));
  for (const std::string& note : i.model.notes) add("note", note);
  if (i.recognition) {
    constexpr std::size_t most = 20;
    const auto& differences = i.recognition->differences;
    for (std::size_t k = 0; k < std::min(most, differences.size()); ++k) add("difference", differences[k].to_string());
    if (differences.size() > most)
      add("difference", fmt::format("and {} more (--format json lists them all)", differences.size() - most));
  }
  return lines;
}

}  // namespace resnet::cli
