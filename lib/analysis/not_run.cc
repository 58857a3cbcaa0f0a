#include "lib/analysis/not_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "lib/analysis/layers.h"
#include "lib/graph/stated.h"

namespace resnet::analysis {

namespace {

bool is_product(const Op& op) {
  return holds_alternative<Conv>(op) || holds_alternative<Gemm>(op) || holds_alternative<MatMul>(op) ||
         holds_alternative<ConvInteger>(op) || holds_alternative<MatMulInteger>(op) || holds_alternative<QLinearConv>(op) ||
         holds_alternative<QLinearMatMul>(op) || holds_alternative<QGemm>(op) || holds_alternative<ConvTranspose>(op);
}

// Values of the image that what is reached reads, and outputs of the graph that it does not touch.
std::vector<ValueId> border_of(const Graph& graph, const std::vector<bool>& reached) {
  const std::vector<bool> computed = computed_from_image(graph);
  std::set<ValueId> border;
  const auto add = [&](ValueId value) {
    if (value.is_none()) return;
    const auto id = static_cast<std::size_t>(value.node);
    if (computed[id] && !reached[id] && !holds_alternative<Input>(graph.node(value.node).op)) border.insert(value);
  };
  for (std::size_t id = 0; id < reached.size(); ++id) {
    for (const ValueId input : reached[id] ? graph.nodes()[id].inputs : std::vector<ValueId>()) add(input);
  }
  for (const ValueId output : graph.outputs()) add(output);
  return {border.begin(), border.end()};
}

}  // namespace

NotRun find_not_run(const Graph& graph) {
  NotRun result;
  for (std::size_t id = 0; id < graph.nodes().size(); ++id) {
    const Op& op = graph.nodes()[id].op;
    if (!holds_alternative<Opaque>(op)) continue;
    const std::string type = type_of(op);
    auto kind = std::find_if(result.kinds.begin(), result.kinds.end(), [&](const NotRun::Kind& k) { return k.op == type; });
    if (kind == result.kinds.end()) kind = result.kinds.insert(kind, {type, 0, static_cast<NodeId>(id)});
    ++kind->count;
  }
  if (result.kinds.empty()) return result;
  const std::vector<bool> reached = after_unknown(graph);
  std::int64_t kept = 0, lost = 0;
  for (std::size_t id = 0; id < reached.size(); ++id) {
    if (is_product(graph.nodes()[id].op)) ++(reached[id] ? lost : kept);
  }
  if (kept == 0 || kept < lost) return result;
  result.cut = border_of(graph, reached);
  if (std::any_of(result.cut.begin(), result.cut.end(), [&](ValueId value) { return graph.value(value).name.empty(); }))
    result.cut.clear();
  return result;
}

std::string to_string(const NotRun& not_run) {
  std::string text;
  for (const NotRun::Kind& kind : not_run.kinds)
    text += (text.empty() ? "" : ", ") + kind.op + (kind.count == 1 ? "" : fmt::format(" x {}", kind.count));
  return text;
}

}  // namespace resnet::analysis
