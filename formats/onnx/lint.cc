#include "formats/onnx/lint.h"

#include <fmt/format.h>
#include <onnx/defs/schema.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "formats/onnx/functions.h"
#include "formats/onnx/lint_graph.h"
#include "formats/onnx/read.h"
#include "lib/base/checked.h"
#include "lib/base/error.h"

namespace resnet::onnx {

namespace {

constexpr std::int64_t newest_ir_version = 13;
constexpr std::int64_t newest_opset_known = 22;

using Level = Finding::Level;

std::string name_of(const ::onnx::NodeProto& node) {
  if (!node.name().empty()) return node.name();
  return node.output_size() > 0 ? node.output(0) : "";
}

// Bytes of one element as raw_data holds it; nothing for strings and types of less than a byte.
std::optional<std::int64_t> element_size(std::int32_t type) {
  switch (type) {
    case ::onnx::TensorProto::FLOAT:
    case ::onnx::TensorProto::INT32:
    case ::onnx::TensorProto::UINT32: return 4;
    case ::onnx::TensorProto::DOUBLE:
    case ::onnx::TensorProto::INT64:
    case ::onnx::TensorProto::UINT64: return 8;
    case ::onnx::TensorProto::FLOAT16:
    case ::onnx::TensorProto::BFLOAT16:
    case ::onnx::TensorProto::INT16:
    case ::onnx::TensorProto::UINT16: return 2;
    case ::onnx::TensorProto::INT8:
    case ::onnx::TensorProto::UINT8:
    case ::onnx::TensorProto::BOOL: return 1;
    default: return std::nullopt;  // an open enum: a file can hold any number
  }
}

// The number of elements that a tensor's dims claim; nothing where one is negative or the product does not fit.
std::optional<std::int64_t> element_count(const ::onnx::TensorProto& tensor) {
  std::int64_t count = 1;
  for (const std::int64_t dim : tensor.dims()) {
    if (dim < 0) return std::nullopt;
    const auto next = checked_multiply(count, dim);
    if (!next) return std::nullopt;
    count = *next;
  }
  return count;
}

std::string dims_of(const ::onnx::TensorProto& tensor) {
  std::string text;
  for (const std::int64_t dim : tensor.dims()) text += (text.empty() ? "" : "x") + std::to_string(dim);
  return text.empty() ? "scalar" : text;
}

// Calls visit(value) for each float of a tensor that holds its data itself.
void visit_floats(const ::onnx::TensorProto& tensor, const std::function<void(double)>& visit) {
  const auto each = [&]<typename T>(T) {
    const std::string& raw = tensor.raw_data();
    for (std::size_t i = 0; i + sizeof(T) <= raw.size(); i += sizeof(T)) {
      T value;
      std::memcpy(&value, raw.data() + i, sizeof(T));
      visit(static_cast<double>(to_number(value)));
    }
  };
  if (tensor.data_type() == ::onnx::TensorProto::FLOAT) {
    if (tensor.has_raw_data()) {
      each(float{});
    } else {
      for (const float value : tensor.float_data()) visit(static_cast<double>(value));
    }
  } else if (tensor.data_type() == ::onnx::TensorProto::DOUBLE) {
    if (tensor.has_raw_data()) {
      each(double{});
    } else {
      for (const double value : tensor.double_data()) visit(value);
    }
  } else if (tensor.data_type() == ::onnx::TensorProto::FLOAT16 && tensor.has_raw_data()) {
    each(Float16{});
  } else if (tensor.data_type() == ::onnx::TensorProto::BFLOAT16 && tensor.has_raw_data()) {
    each(BFloat16{});
  }
}

class Linter {
 public:
  Linter(const ::onnx::ModelProto& model, std::vector<Finding>& findings)
      : model_(model), graph_(model.graph()), findings_(findings) {
    for (const auto& import : model.opset_import()) {
      const std::string domain = domain_of(import.domain());
      opsets_.emplace(domain, import.version());
    }
    for (const auto& input : graph_.input()) given_.insert(input.name());
    for (const auto& tensor : graph_.initializer()) given_.insert(tensor.name());
    for (const auto& tensor : graph_.sparse_initializer()) given_.insert(tensor.values().name());
    for (const auto& tensor : graph_.initializer()) initializers_.emplace(tensor.name(), &tensor);
    for (const auto& node : graph_.node()) {
      if (node.op_type() != "Constant" || node.output_size() == 0) continue;
      for (const auto& attribute : node.attribute()) {
        if (attribute.name() == "value" && attribute.has_t()) initializers_.emplace(node.output(0), &attribute.t());
      }
    }
  }

  void run() {
    check_versions();
    check_with_onnx(model_, findings_);
    check_inputs(graph_, findings_);
    check_metadata(model_, findings_);
    check_names();
    check_order();
    check_use();
    check_operators();
    for (const auto& tensor : graph_.initializer()) check_initializer(tensor);
    for (const auto& node : graph_.node()) {
      check_bias(node);
      check_variance(node);
    }
  }

 private:
  void add(Level level, std::string rule, std::string node, std::string message) {
    findings_.push_back({level, std::move(rule), std::move(node), std::move(message)});
  }

  void check_versions() {
    if (model_.ir_version() < 1) {
      add(Level::error, "ir-version", "", "the file has no IR version, expected 3 to 13");
    } else if (model_.ir_version() < 3) {
      add(Level::warning, "ir-version", "",
          fmt::format("IR version {} is older than ONNX 1.0, expected 3 to 13", model_.ir_version()));
    } else if (model_.ir_version() > newest_ir_version) {
      add(Level::warning, "ir-version", "",
          fmt::format("IR version {} is newer than {}, the newest known here", model_.ir_version(), newest_ir_version));
    }
    std::set<std::string> seen;
    for (const auto& import : model_.opset_import()) {
      const std::string domain = domain_of(import.domain());
      if (!seen.insert(domain).second) {
        add(Level::error, "opset", "", fmt::format("the opset of domain '{}' is imported twice", domain));
      }
      if (domain.empty() && import.version() > newest_opset_known) {
        add(Level::note, "opset", "",
            fmt::format("opset {} is newer than {}, the newest known here", import.version(), newest_opset_known));
      }
      if (domain.empty() && import.version() < 1) {
        add(Level::error, "opset", "", fmt::format("opset {} does not exist, expected 1 or more", import.version()));
      }
    }
    if (model_.ir_version() >= 3 && !opsets_.contains("")) {
      add(Level::error, "opset", "", "the file imports no opset of ONNX's own domain");
    }
  }

  void check_names() {
    std::map<std::string, std::string> makers;
    for (const auto& input : graph_.input()) makers.emplace(input.name(), "a graph input");
    std::set<std::string> initializers;
    for (const auto& tensor : graph_.initializer()) {
      if (tensor.name().empty()) add(Level::error, "graph", "", "an initializer has no name");
      if (!initializers.insert(tensor.name()).second) {
        add(Level::error, "duplicate-value", "", fmt::format("initializer '{}' is given twice", tensor.name()));
      }
      makers.emplace(tensor.name(), "an initializer");  // a graph input of that name is its default
    }
    std::set<std::string> nodes;
    for (const auto& node : graph_.node()) {
      if (node.op_type().empty()) add(Level::error, "graph", name_of(node), "the node has no operator");
      if (!node.name().empty() && !nodes.insert(node.name()).second) {
        add(Level::warning, "duplicate-node", node.name(), fmt::format("two nodes are named '{}'", node.name()));
      }
      for (const std::string& output : node.output()) {
        if (output.empty()) continue;
        const auto [found, inserted] = makers.emplace(output, fmt::format("node '{}'", name_of(node)));
        if (!inserted) {
          add(Level::error, "duplicate-value", name_of(node),
              fmt::format("value '{}' is also made by {}", output, found->second));
        }
      }
    }
    if (graph_.output_size() == 0) add(Level::error, "graph", "", "the graph has no output");
    if (graph_.node_size() == 0) add(Level::error, "graph", "", "the graph has no node");
    for (const auto& output : graph_.output()) {
      if (!makers.contains(output.name())) {
        add(Level::error, "dangling-input", "",
            fmt::format("graph output '{}' is produced by no node, initializer or graph input", output.name()));
      }
    }
  }

  void check_order() {
    std::unordered_set<std::string> made = given_;
    std::unordered_set<std::string> ever = made;
    for (const auto& node : graph_.node()) {
      for (const std::string& output : node.output()) ever.insert(output);
    }
    bool out_of_order = false;
    for (const auto& node : graph_.node()) {
      for (const std::string& input : node.input()) {
        if (input.empty() || made.contains(input)) continue;
        if (!ever.contains(input)) {
          add(Level::error, "dangling-input", name_of(node),
              fmt::format("input '{}' is produced by no node, initializer or graph input", input));
        } else {
          out_of_order = true;
          add(Level::error, "order", name_of(node),
              fmt::format("input '{}' is made only behind this node, expected before it", input));
        }
      }
      for (const std::string& output : node.output()) made.insert(output);
    }
    if (out_of_order) check_cycle();
  }

  // Nodes that can never run because each waits for another of them, or for one that does.
  void check_cycle() {
    const auto at = [](int index) { return static_cast<std::size_t>(index); };
    const int count = graph_.node_size();
    std::unordered_map<std::string, int> makers;
    for (int i = 0; i < count; ++i) {
      for (const std::string& output : graph_.node(i).output()) makers.emplace(output, i);
    }
    std::vector<int> waits(at(count), 0), ready;
    std::vector<std::vector<int>> readers(at(count));
    for (int i = 0; i < count; ++i) {
      for (const std::string& input : graph_.node(i).input()) {
        const auto maker = makers.find(input);
        if (input.empty() || given_.contains(input) || maker == makers.end()) continue;
        readers[at(maker->second)].push_back(i);
        ++waits[at(i)];
      }
      if (waits[at(i)] == 0) ready.push_back(i);
    }
    int done = 0;
    for (; !ready.empty(); ++done) {
      const int i = ready.back();
      ready.pop_back();
      for (const int reader : readers[at(i)]) {
        if (--waits[at(reader)] == 0) ready.push_back(reader);
      }
    }
    if (done == count) return;
    std::vector<int> waiting;
    for (int i = 0; i < count; ++i) {
      if (waits[at(i)] > 0) waiting.push_back(i);
    }
    std::string names;
    for (std::size_t i = 0; i < waiting.size() && i < 5; ++i)
      names += fmt::format("{}'{}'", i == 0 ? "" : ", ", name_of(graph_.node(waiting[i])));
    add(Level::error, "cycle", name_of(graph_.node(waiting.front())),
        fmt::format("{} nodes wait for each other in a cycle: {}{}", waiting.size(), names, waiting.size() > 5 ? ", ..." : ""));
  }

  void check_use() {
    std::set<std::string> used;
    for (const auto& node : graph_.node()) {
      for (const std::string& input : node.input()) used.insert(input);
      for (const auto& attribute : node.attribute()) {
        // A subgraph may use any value of the graphs around it.
        if (attribute.has_g() || attribute.graphs_size() > 0) return;
      }
    }
    for (const auto& output : graph_.output()) used.insert(output.name());
    for (const auto& tensor : graph_.initializer()) {
      if (!used.contains(tensor.name())) {
        add(Level::warning, "unused-initializer", "",
            fmt::format("initializer '{}' ({}) is used by no node", tensor.name(), dims_of(tensor)));
      }
    }
    for (const auto& node : graph_.node()) {
      const bool wanted =
          std::any_of(node.output().begin(), node.output().end(), [&](const std::string& o) { return used.contains(o); });
      if (!wanted) add(Level::warning, "unused-node", name_of(node), fmt::format("no output of this {} is used", node.op_type()));
    }
  }

  void check_operators() {
    std::set<std::pair<std::string, std::string>> functions;
    for (const auto& function : model_.functions()) functions.emplace(domain_of(function.domain()), function.name());
    for (const auto& node : graph_.node()) {
      const std::string domain = domain_of(node.domain());
      const bool local = functions.contains({domain, node.op_type()});
      if (local || node.op_type().empty()) continue;
      const auto opset = opsets_.find(domain);
      if (opset == opsets_.end()) {
        if (!domain.empty()) {
          add(Level::error, "opset", name_of(node),
              fmt::format("domain '{}' of operator {} is not imported", domain, node.op_type()));
        }
        continue;
      }
      if (domain.empty()) {
        const int version = static_cast<int>(std::min<std::int64_t>(opset->second, newest_opset_known));
        if (::onnx::OpSchemaRegistry::Schema(node.op_type(), version, "") == nullptr) {
          add(Level::error, "unknown-operator", name_of(node),
              fmt::format("ONNX opset {} has no operator {}", opset->second, node.op_type()));
        }
      } else if (domain != "ai.onnx.ml" && domain != "ai.onnx.preview.training") {
        add(Level::warning, "unknown-operator", name_of(node),
            fmt::format("operator {}.{} is not ONNX's own", domain, node.op_type()));
      }
    }
  }

  void check_initializer(const ::onnx::TensorProto& tensor) {
    const auto count = element_count(tensor);
    if (!count) {
      add(Level::error, "initializer-size", "",
          fmt::format("initializer '{}' has the impossible shape {}", tensor.name(), dims_of(tensor)));
      return;
    }
    const auto size = element_size(tensor.data_type());
    if (tensor.data_location() != ::onnx::TensorProto::EXTERNAL && size) {
      if (tensor.has_raw_data()) {
        const auto expected = checked_multiply(*count, *size);
        if (!expected || *expected != static_cast<std::int64_t>(tensor.raw_data().size())) {
          add(Level::error, "initializer-size", "",
              fmt::format("initializer '{}' has {} bytes of data, expected {} for its shape {}", tensor.name(),
                          tensor.raw_data().size(), expected ? std::to_string(*expected) : "more than 64 bits tell",
                          dims_of(tensor)));
        }
      } else {
        const std::int64_t held = tensor.float_data_size() + tensor.int32_data_size() + tensor.int64_data_size() +
                                  tensor.double_data_size() + tensor.uint64_data_size();
        if (held != *count) {
          add(Level::error, "initializer-size", "",
              fmt::format("initializer '{}' has {} elements of data, expected {} for its shape {}", tensor.name(), held, *count,
                          dims_of(tensor)));
        }
      }
    }
    std::int64_t nan = 0, infinite = 0;
    visit_floats(tensor, [&](double value) {
      nan += std::isnan(value);
      infinite += std::isinf(value);
    });
    if (nan + infinite > 0) {
      add(Level::error, "non-finite", "",
          fmt::format("initializer '{}' holds {} NaN and {} infinite values, expected finite weights", tensor.name(), nan,
                      infinite));
    }
  }

  const ::onnx::TensorProto* constant_input(const ::onnx::NodeProto& node, int index) const {
    if (index >= node.input_size()) return nullptr;
    const auto found = initializers_.find(node.input(index));
    return found == initializers_.end() ? nullptr : found->second;
  }

  void check_bias(const ::onnx::NodeProto& node) {
    if (node.op_type() != "Conv") return;
    const ::onnx::TensorProto* weight = constant_input(node, 1);
    const ::onnx::TensorProto* bias = constant_input(node, 2);
    if (weight == nullptr || bias == nullptr || weight->dims_size() == 0) return;
    if (bias->dims_size() != 1 || bias->dims(0) != weight->dims(0)) {
      add(Level::error, "bias-length", name_of(node),
          fmt::format("bias '{}' is {}, expected {}: one per output channel of weight '{}' ({})", bias->name(), dims_of(*bias),
                      weight->dims(0), weight->name(), dims_of(*weight)));
    }
  }

  void check_variance(const ::onnx::NodeProto& node) {
    if (node.op_type() != "BatchNormalization") return;
    const ::onnx::TensorProto* variance = constant_input(node, 4);
    if (variance == nullptr) return;
    std::int64_t negative = 0;
    double least = 0;
    visit_floats(*variance, [&](double value) {
      negative += value < 0;
      least = std::min(least, value);
    });
    if (negative > 0) {
      add(Level::error, "negative-variance", name_of(node),
          fmt::format("{} of the variances in '{}' are negative (the least is {:g}), expected none", negative, variance->name(),
                      least));
    }
  }

  const ::onnx::ModelProto& model_;
  const ::onnx::GraphProto& graph_;
  std::vector<Finding>& findings_;
  std::map<std::string, std::int64_t> opsets_;
  std::unordered_map<std::string, const ::onnx::TensorProto*> initializers_;
  std::unordered_set<std::string> given_;  // values that no node makes: inputs and initializers
};

}  // namespace

std::vector<Finding> lint(std::span<const std::byte> bytes, const std::string& name, const std::filesystem::path& folder,
                          Examined* examined) {
  std::vector<Finding> findings;
  // What is no model at all is said once, by the reader, in its own words.
  ::onnx::ModelProto model;
  const bool parsed = bytes.size() < (std::size_t{1} << 31) && model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  const bool is_model = parsed && model.has_graph();
  if (is_model && model.graph().node_size() > most_nodes) {
    findings.push_back({Level::error, "graph", "",
                        fmt::format("the graph has {} nodes, expected at most {}", model.graph().node_size(), most_nodes)});
    return findings;
  }
  if (is_model && examined != nullptr) examined->data_files = names_of_data_files(model.graph());
  if (is_model) Linter(model, findings).run();
  try {
    Model read_model = read(bytes, name, folder);
    if (is_model) {
      check_shapes(model.graph(), read_model.graph, findings);
      check_constants(model.graph(), read_model.graph, findings);
    }
    check_labels(read_model, findings);
    for (const std::string& note : read_model.notes) {
      const bool known = std::any_of(findings.begin(), findings.end(), [&](const Finding& f) { return f.message == note; });
      if (!known) findings.push_back({Level::note, "import", "", note});
    }
    if (examined != nullptr) examined->model = std::move(read_model);
  } catch (const Error& error) {
    std::string message = error.what();
    if (message.starts_with(name + ": ")) message.erase(0, name.size() + 2);
    const bool known = std::any_of(findings.begin(), findings.end(), [](const Finding& finding) {
      return finding.level == Level::error && finding.rule != "onnx-checker";
    });
    // A finding that a rule has already made is not made again by the importer, which stops at its first. ONNX's checker stops at
    // its first, too, which may be another one.
    if (!known || !is_model) findings.push_back({Level::error, is_model ? "import" : "file", "", message});
  }
  return findings;
}

std::vector<Finding> lint(const std::filesystem::path& file, Examined* examined) {
  const auto buffer = Buffer::map_file(file);
  return lint(buffer->bytes(), file.string(), file.parent_path(), examined);
}

}  // namespace resnet::onnx
