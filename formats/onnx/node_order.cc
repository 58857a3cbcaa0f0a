#include "formats/onnx/node_order.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "formats/onnx/functions.h"
#include "formats/onnx/subgraphs.h"
#include "formats/onnx/wiring.h"
#include "lib/base/error.h"

namespace resnet::onnx {

namespace {

[[noreturn]] void refuse_cycle(const NodeList& nodes, const std::vector<int>& cycle) {
  constexpr std::size_t shown = 8;
  std::vector<std::string> labels;
  for (std::size_t k = 0; k < std::min(shown, cycle.size()); ++k) labels.push_back(label_of(nodes[cycle[k]]));
  throw Error(Fault::malformed, fmt::format("cycle through {}{}", fmt::join(labels, ", "),
                                            cycle.size() > shown ? fmt::format(" and {} more", cycle.size() - shown) : ""));
}

}  // namespace

std::string label_of(const ::onnx::NodeProto& node, const std::string& prefix) {
  const std::string& name = !node.name().empty() ? node.name() : node.output_size() > 0 ? node.output(0) : node.name();
  const std::string domain = domain_of(node.domain());
  return fmt::format("node '{}{}' ({}{})", prefix, name, domain.empty() ? "" : domain + ".", node.op_type());
}

void collect_used(const NodeList& nodes, std::set<std::string>& used) {
  for (const auto& node : nodes) {
    used.insert(node.input().begin(), node.input().end());
    for (const auto& attribute : node.attribute()) collect_captured(attribute, used);
  }
  used.erase("");
}

std::vector<int> order(const NodeList& nodes, const std::function<bool(const std::string&)>& is_given) {
  std::vector<NodeNames> names;
  for (const auto& node : nodes) {
    std::set<std::string> inputs(node.input().begin(), node.input().end());
    for (const auto& attribute : node.attribute()) collect_captured(attribute, inputs);
    names.push_back({{inputs.begin(), inputs.end()}, {node.output().begin(), node.output().end()}});
  }
  Wiring wiring = wire(names, is_given);
  if (!wiring.twice.empty()) {
    const auto& [node, value, also] = wiring.twice.front();
    throw Error(Fault::malformed, Frame::node(label_of(nodes[node])),
                fmt::format("value '{}' is produced twice, also by {}", value,
                            also ? label_of(nodes[*also]) : "an input or initializer of that name"));
  }
  for (const Wiring::Stray& stray : wiring.strays) {
    if (stray.is_made) continue;
    throw Error(Fault::malformed, Frame::node(label_of(nodes[stray.node])), describe_dangling(stray.value));
  }
  if (!wiring.cycle.empty()) refuse_cycle(nodes, wiring.cycle);
  return std::move(wiring.order);
}

}  // namespace resnet::onnx
