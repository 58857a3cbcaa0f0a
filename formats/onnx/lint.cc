#include "formats/onnx/lint.h"

#include <fmt/format.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <map>
#include <set>
#include <unordered_set>

#include "formats/onnx/functions.h"
#include "formats/onnx/lint_graph.h"
#include "formats/onnx/node_import.h"
#include "formats/onnx/opset.h"
#include "formats/onnx/read.h"
#include "formats/onnx/version_check.h"
#include "formats/onnx/wiring.h"
#include "lib/base/error.h"

namespace resnet::onnx {

namespace {

using Level = Finding::Level;

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
  }

  void run() {
    check_versions();
    check_with_onnx(model_, findings_);
    check_inputs(graph_, findings_);
    check_metadata(model_, findings_);
    const Wiring wiring = wiring_of_graph();
    check_names(wiring);
    check_outputs();
    check_order(wiring);
    check_use();
    check_operators();
    check_weights(graph_, findings_);
  }

 private:
  void add(Level level, std::string rule, std::string node, std::string message) {
    findings_.push_back({level, std::move(rule), std::move(node), std::move(message)});
  }

  Wiring wiring_of_graph() const {
    std::vector<NodeNames> names;
    for (const auto& node : graph_.node())
      names.push_back({{node.input().begin(), node.input().end()}, {node.output().begin(), node.output().end()}});
    return wire(names, [this](const std::string& name) { return given_.contains(name); });
  }

  void check_versions() {
    if (model_.ir_version() < 1) {
      add(Level::error, "ir-version", "", fmt::format("the file has no IR version, expected 3 to {}", newest_ir_version));
    } else if (model_.ir_version() < 3) {
      add(Level::warning, "ir-version", "",
          fmt::format("IR version {} is older than ONNX 1.0, expected 3 to {}", model_.ir_version(), newest_ir_version));
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
      if (domain.empty() && import.version() > newest_opset) {
        add(Level::note, "opset", "",
            fmt::format("opset {} is newer than {}, the newest known here", import.version(), newest_opset));
      }
      if (domain.empty() && import.version() < 1) {
        add(Level::error, "opset", "", fmt::format("opset {} does not exist, expected 1 or more", import.version()));
      }
    }
    if (model_.ir_version() >= 3 && !opsets_.contains("")) {
      add(Level::error, "opset", "", "the file imports no opset of ONNX's own domain");
    }
  }

  // Of what no node makes, for a message.
  std::string maker_of(const std::string& value) const {
    const bool is_input =
        std::any_of(graph_.input().begin(), graph_.input().end(), [&](const auto& input) { return input.name() == value; });
    return is_input ? "a graph input" : "an initializer";
  }

  void check_names(const Wiring& wiring) {
    std::set<std::string> initializers;
    for (const auto& tensor : graph_.initializer()) {
      if (tensor.name().empty()) add(Level::error, "graph", "", "an initializer has no name");
      if (!initializers.insert(tensor.name()).second) {
        add(Level::error, "duplicate-value", "", fmt::format("initializer '{}' is given twice", tensor.name()));
      }
    }
    std::set<std::string> nodes;
    auto twice = wiring.twice.begin();
    for (int i = 0; i < graph_.node_size(); ++i) {
      const auto& node = graph_.node(i);
      if (node.op_type().empty()) add(Level::error, "graph", name_of(node), "the node has no operator");
      if (!node.name().empty() && !nodes.insert(node.name()).second) {
        add(Level::warning, "duplicate-node", node.name(), fmt::format("two nodes are named '{}'", node.name()));
      }
      for (; twice != wiring.twice.end() && twice->node == i; ++twice) {
        add(Level::error, "duplicate-value", name_of(node),
            fmt::format("value '{}' is also made by {}", twice->value,
                        twice->also ? fmt::format("node '{}'", name_of(graph_.node(*twice->also))) : maker_of(twice->value)));
      }
    }
    if (graph_.output_size() == 0) add(Level::error, "graph", "", "the graph has no output");
    if (graph_.node_size() == 0) add(Level::error, "graph", "", "the graph has no node");
  }

  void check_outputs() {
    std::unordered_set<std::string> made;
    for (const auto& input : graph_.input()) made.insert(input.name());
    for (const auto& tensor : graph_.initializer()) made.insert(tensor.name());
    for (const auto& node : graph_.node()) made.insert(node.output().begin(), node.output().end());
    for (const auto& output : graph_.output()) {
      if (!output.name().empty() && made.contains(output.name())) continue;
      add(Level::error, "dangling-input", "",
          fmt::format("graph output '{}' is produced by no node, initializer or graph input", output.name()));
    }
  }

  void check_order(const Wiring& wiring) {
    for (const Wiring::Stray& stray : wiring.strays) {
      const std::string name = name_of(graph_.node(stray.node));
      if (stray.is_made) {
        add(Level::error, "order", name, fmt::format("input '{}' is made only after this node, expected before it", stray.value));
      } else {
        add(Level::error, "dangling-input", name, describe_dangling(stray.value));
      }
    }
    if (!wiring.waiting.empty()) tell_of_cycle(wiring.waiting);
  }

  // Nodes that can never run because each waits for another of them, or for one that does.
  void tell_of_cycle(const std::vector<int>& waiting) {
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
        if (!exists(node.op_type(), opset->second)) {
          add(Level::error, "unknown-operator", name_of(node),
              fmt::format("ONNX opset {} has no operator {}", opset->second, node.op_type()));
        }
      } else if (domain != "ai.onnx.ml" && domain != "ai.onnx.preview.training" && find_op(domain, node.op_type()) == nullptr) {
        add(Level::warning, "unknown-operator", name_of(node),
            fmt::format("operator {}.{} is not ONNX's own", domain, node.op_type()));
      }
    }
  }

  const ::onnx::ModelProto& model_;
  const ::onnx::GraphProto& graph_;
  std::vector<Finding>& findings_;
  std::map<std::string, std::int64_t> opsets_;
  std::unordered_set<std::string> given_;  // values that no node makes: inputs and initializers
};

}  // namespace

std::vector<Finding> lint(std::span<const std::byte> bytes, const std::string& name, const std::filesystem::path& folder,
                          Examined* examined) {
  std::vector<Finding> findings;
  // What is not a model at all is said once, by the reader, in its own words.
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
      check_quantization(read_model.graph, findings);
    }
    check_labels(read_model, findings);
    for (const std::string& note : read_model.notes) {
      const bool known = std::any_of(findings.begin(), findings.end(), [&](const Finding& f) { return f.message == note; });
      if (!known) findings.push_back({Level::note, "import", "", note});
    }
    if (examined != nullptr) examined->model = std::move(read_model);
  } catch (const Error& error) {
    const bool known = std::any_of(findings.begin(), findings.end(), [](const Finding& finding) {
      return finding.level == Level::error && finding.rule != "onnx-checker";
    });
    // A finding that a rule has already made is not made again by the importer, which stops at its first. ONNX's checker stops at
    // its first, too, which may be another one.
    if (!known || !is_model) findings.push_back({Level::error, is_model ? "import" : "file", "", error.without_file()});
  }
  return findings;
}

std::vector<Finding> lint(const std::filesystem::path& file, Examined* examined) {
  const auto buffer = Buffer::map_file(file);
  return lint(buffer->bytes(), file.string(), file.parent_path(), examined);
}

}  // namespace resnet::onnx
