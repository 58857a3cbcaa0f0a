#include "formats/onnx/lint_graph.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <onnx/checker.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "formats/onnx/metadata.h"
#include "formats/onnx/notes.h"
#include "formats/onnx/opset.h"
#include "formats/onnx/version_check.h"

namespace resnet::onnx {

namespace {

constexpr std::int64_t newest_ir_version_checked = 10;  // what the ONNX library's checker knows

using Level = Finding::Level;

bool is_external(const ::onnx::TensorProto& tensor) { return tensor.data_location() == ::onnx::TensorProto::EXTERNAL; }

bool has_external_data(const ::onnx::GraphProto& graph);

bool has_external_data(const ::onnx::NodeProto& node) {
  return std::any_of(node.attribute().begin(), node.attribute().end(), [](const ::onnx::AttributeProto& attribute) {
    return is_external(attribute.t()) || (attribute.has_g() && has_external_data(attribute.g())) ||
           std::any_of(attribute.graphs().begin(), attribute.graphs().end(),
                       [](const ::onnx::GraphProto& graph) { return has_external_data(graph); });
  });
}

// Protobuf's own limit on nested messages bounds the recursion.
bool has_external_data(const ::onnx::GraphProto& graph) {
  return std::any_of(graph.initializer().begin(), graph.initializer().end(), is_external) ||
         std::any_of(graph.node().begin(), graph.node().end(),
                     [](const ::onnx::NodeProto& node) { return has_external_data(node); });
}

// A tensor without elements needs no data.
void leave_out(::onnx::TensorProto& tensor) {
  if (!is_external(tensor)) return;
  tensor.clear_external_data();
  tensor.clear_data_location();
  tensor.clear_dims();
  tensor.add_dims(0);
}

void leave_out_external_data(::onnx::GraphProto& graph) {
  for (auto& tensor : *graph.mutable_initializer()) leave_out(tensor);
  for (auto& node : *graph.mutable_node()) {
    for (auto& attribute : *node.mutable_attribute()) {
      if (attribute.has_t()) leave_out(*attribute.mutable_t());
      if (attribute.has_g()) leave_out_external_data(*attribute.mutable_g());
      for (auto& inner : *attribute.mutable_graphs()) leave_out_external_data(inner);
    }
  }
}

}  // namespace

std::string name_of(const ::onnx::NodeProto& node) {
  if (!node.name().empty()) return node.name();
  return node.output_size() > 0 ? node.output(0) : "";
}

std::string dims_of(const ::onnx::TensorProto& tensor) {
  std::string text;
  for (const std::int64_t dim : tensor.dims()) text += (text.empty() ? "" : "x") + std::to_string(dim);
  return text.empty() ? "scalar" : text;
}

namespace {

bool is_newer_than_described(const ::onnx::OperatorSetIdProto& import) {
  return import.domain().empty() && import.version() > newest_described_opset;
}

std::string said_of_lowered(const ::onnx::ModelProto& model, const ::onnx::ModelProto& copy, bool newer) {
  const bool newer_ir = model.ir_version() != copy.ir_version();
  std::string of, to;
  if (newer_ir) {
    of = fmt::format("IR version {}", model.ir_version());
    to = fmt::format("{}", copy.ir_version());
  }
  if (newer) {
    of += fmt::format("{}this opset", newer_ir ? " and " : "");
    to += fmt::format("{}opset {}", newer_ir ? " and " : "", newest_described_opset);
  }
  return fmt::format("ONNX's checker does not know {}: it was asked about a copy lowered to {}", of, to);
}

}  // namespace

void check_with_onnx(const ::onnx::ModelProto& model, std::vector<Finding>& findings) {
  try {
    const bool external = has_external_data(model.graph());
    const bool newer = std::any_of(model.opset_import().begin(), model.opset_import().end(), is_newer_than_described);
    const bool lowers = model.ir_version() > newest_ir_version_checked || newer;
    if (newer && !is_described(model)) {
      findings.push_back(
          {Level::note, "onnx-checker", "", "ONNX's checker does not know all operators of this opset and was not asked"});
      return;
    }
    if (!lowers && !external) return ::onnx::checker::check_model(model);
    ::onnx::ModelProto copy = model;
    for (auto& import : *copy.mutable_opset_import()) {
      if (is_newer_than_described(import)) import.set_version(newest_described_opset);
    }
    if (external) leave_out_external_data(*copy.mutable_graph());
    if (lowers) {
      copy.set_ir_version(std::min<std::int64_t>(model.ir_version(), newest_ir_version_checked));
      findings.push_back({Level::note, "onnx-checker", "", said_of_lowered(model, copy, newer)});
    }
    ::onnx::checker::check_model(copy);
  } catch (const std::exception& error) {
    std::string text = error.what();
    std::replace(text.begin(), text.end(), '\n', ' ');
    while (!text.empty() && text.back() == ' ') text.pop_back();
    findings.push_back({Level::error, "onnx-checker", "", text});
  }
}

std::vector<std::string> names_of_data_files(const ::onnx::GraphProto& proto) {
  std::set<std::string> names;
  const auto look_at = [&names](const ::onnx::TensorProto& tensor) {
    if (tensor.data_location() != ::onnx::TensorProto::EXTERNAL) return;
    for (const auto& entry : tensor.external_data()) {
      if (entry.key() == "location") names.insert(entry.value());
    }
  };
  for (const auto& tensor : proto.initializer()) look_at(tensor);
  for (const auto& node : proto.node()) {
    for (const auto& attribute : node.attribute()) {
      if (attribute.has_t()) look_at(attribute.t());
    }
  }
  return {names.begin(), names.end()};
}

namespace {

// "3x10", of what a file says; a ? for what it leaves open.
std::string dims_text(const ::onnx::TensorShapeProto& shape) {
  std::string text;
  for (const auto& dim : shape.dim()) {
    text += text.empty() ? "" : "x";
    text += dim.has_dim_value() ? std::to_string(dim.dim_value()) : dim.dim_param().empty() ? "?" : dim.dim_param();
  }
  return text.empty() ? "scalar" : text;
}

std::string dims_text(const ::onnx::TensorProto& tensor) {
  return tensor.dims().empty() ? "scalar" : fmt::format("{}", fmt::join(tensor.dims(), "x"));
}

// Before IR version 4 every initializer is an input, too, whose value may be replaced.
void check_shadowing(const ::onnx::ValueInfoProto& input, const ::onnx::TensorProto& tensor, std::vector<Finding>& findings) {
  const auto& type = input.type().tensor_type();
  bool same = !type.has_shape() || type.shape().dim_size() == tensor.dims_size();
  for (int i = 0; same && type.has_shape() && i < tensor.dims_size(); ++i)
    same = !type.shape().dim(i).has_dim_value() || type.shape().dim(i).dim_value() == tensor.dims(i);
  if (!same) {
    findings.push_back({Level::warning, "input-shape", "",
                        fmt::format("input '{}': is declared as {}, but the initializer of that name, which is taken, is {}",
                                    input.name(), dims_text(type.shape()), dims_text(tensor))});
  }
}

}  // namespace

void check_labels(const Model& model, std::vector<Finding>& findings) {
  if (model.labels.empty()) return;
  const auto count = static_cast<std::int64_t>(model.labels.size());
  std::optional<std::int64_t> classes;
  for (const ValueId output : model.graph.outputs()) {
    const Fact& fact = model.graph.fact(output);
    if (!fact.has_rank() || fact.rank() < 2 || !(*fact.dims)[1].is_number()) return;  // not known
    if ((*fact.dims)[1].number() == count) return;
    if (!classes) classes = (*fact.dims)[1].number();
  }
  if (!classes) return;
  findings.push_back({Level::warning, "labels", "",
                      fmt::format("the file's own {} label{} not fit its {} classes, and {} left out", count,
                                  count == 1 ? " does" : "s do", *classes, count == 1 ? "is" : "are")});
}

void check_inputs(const ::onnx::GraphProto& proto, std::vector<Finding>& findings) {
  std::unordered_map<std::string, const ::onnx::TensorProto*> initializers;
  for (const auto& tensor : proto.initializer()) initializers.emplace(tensor.name(), &tensor);
  for (const auto& input : proto.input()) {
    if (const auto found = initializers.find(input.name()); found != initializers.end()) {
      check_shadowing(input, *found->second, findings);
      continue;
    }
    const auto& shape = input.type().tensor_type().shape();
    for (int i = 0; i < shape.dim_size(); ++i) {
      if (!shape.dim(i).has_dim_value() || shape.dim(i).dim_value() != 0) continue;
      // In the words of the reader's note, which says it no second time.
      findings.push_back({Level::warning, "input-shape", "",
                          fmt::format("input '{}': has dimension {} = 0: taken as any size", input.name(), i)});
    }
  }
}

void check_metadata(const ::onnx::ModelProto& proto, std::vector<Finding>& findings) {
  Model model;
  for (const auto& entry : proto.metadata_props()) model.metadata[entry.key()] = entry.value();
  const bool prepares = model.metadata.contains("resnet-cli.preprocessing");
  Notes notes;
  read_metadata(model, notes);
  for (const std::string& note : notes.lines()) {
    // Without labels a network answers right all the same, with another preprocessing it does not.
    const bool wrong = prepares && note.find("resnet-cli.preprocessing") != std::string::npos;
    findings.push_back({wrong ? Level::error : Level::warning, "metadata", "", note});
  }
}

void check_constants(const ::onnx::GraphProto& proto, const Graph& graph, std::vector<Finding>& findings) {
  std::unordered_set<std::string> inlined;
  for (const auto& tensor : proto.initializer()) {
    if (!is_external(tensor)) inlined.insert(tensor.name());
  }
  for (const Node& node : graph.nodes()) {
    const auto* constant = get_if<Constant>(&node.op);
    if (constant == nullptr || !is_floating_point(constant->value.dtype()) || inlined.contains(node.outputs[0].name)) continue;
    std::int64_t nan = 0, infinite = 0;
    for (const double value : constant->value.values_as<double>()) {
      nan += std::isnan(value) ? 1 : 0;
      infinite += std::isinf(value) ? 1 : 0;
    }
    // One infinity alone is a bound, as Clip's are.
    if (constant->value.elements() == 1) infinite = 0;
    if (nan + infinite == 0) continue;
    findings.push_back({Level::error, "non-finite", "",
                        fmt::format("constant '{}' holds {} NaN and {} infinite values, expected finite weights",
                                    node.outputs[0].name, nan, infinite)});
  }
}

namespace {

// By node: a bias that is brought into a shape is not.
std::vector<bool> computed_from_inputs(const Graph& graph) {
  std::vector<bool> computed;
  for (const Node& node : graph.nodes()) {
    computed.push_back(holds_alternative<Input>(node.op) ||
                       std::any_of(node.inputs.begin(), node.inputs.end(), [&](ValueId input) {
                         return !input.is_none() && computed[static_cast<std::size_t>(input.node)];
                       }));
  }
  return computed;
}

}  // namespace

void check_shapes(const ::onnx::GraphProto& proto, const Graph& graph, std::vector<Finding>& findings) {
  std::unordered_map<std::string, const ::onnx::ValueInfoProto*> claims;
  for (const auto& info : proto.value_info()) claims.emplace(info.name(), &info);
  for (const auto& info : proto.output()) claims.emplace(info.name(), &info);
  const std::vector<bool> computed = computed_from_inputs(graph);
  for (const Node& node : graph.nodes()) {
    if (holds_alternative<Add>(node.op) || holds_alternative<Sum>(node.op)) {
      const Fact& a = graph.fact(node.inputs[0]);
      const auto is_activation = [&](std::size_t i) { return computed[static_cast<std::size_t>(node.inputs[i].node)]; };
      for (std::size_t i = 1; i < node.inputs.size(); ++i) {
        const Fact& b = graph.fact(node.inputs[i]);
        const bool activations =
            a.has_rank() && b.has_rank() && a.rank() == 4 && b.rank() == 4 && is_activation(0) && is_activation(i);
        if (activations && *a.dims != *b.dims) {
          findings.push_back(
              {Level::warning, "add-shapes", node.name,
               fmt::format("adds {} and {}: a residual addition takes equal shapes", to_string(*a.dims), to_string(*b.dims))});
        }
      }
    }
    for (const Value& value : node.outputs) {
      const auto claim = claims.find(value.name);
      if (claim == claims.end() || !value.fact.dims || !claim->second->type().has_tensor_type()) continue;
      const auto& type = claim->second->type().tensor_type();
      if (!type.has_shape()) continue;
      bool agrees = type.shape().dim_size() == static_cast<int>(value.fact.rank());
      std::string claimed;
      for (int i = 0; i < type.shape().dim_size(); ++i) {
        const auto& dim = type.shape().dim(i);
        claimed += (i == 0 ? "" : "x") + (dim.has_dim_value()   ? std::to_string(dim.dim_value())
                                          : dim.has_dim_param() ? dim.dim_param()
                                                                : "?");
        if (!agrees || !dim.has_dim_value() || dim.dim_value() < 0) continue;
        const Dim& inferred = (*value.fact.dims)[static_cast<std::size_t>(i)];
        if (inferred.is_number() && inferred.number() != dim.dim_value()) agrees = false;
      }
      if (!agrees) {
        findings.push_back(
            {Level::error, "shape-mismatch", node.name,
             fmt::format("the file says that '{}' is {}, inference finds {}", value.name, claimed, to_string(*value.fact.dims))});
      }
    }
  }
}

}  // namespace resnet::onnx
