#include "cli/tasks/open/runnable.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <variant>
#include <vector>

#include "formats/table/text.h"
#include "lib/analysis/batch_axis.h"
#include "lib/base/error.h"
#include "lib/passes/rewrite.h"

namespace resnet::cli {

namespace {

std::string command_without(const analysis::NotRun& not_run, const Graph& graph, const std::string& name) {
  std::vector<std::string> names;
  for (const ValueId value : not_run.cut) names.push_back(graph.value(value).name);
  return fmt::format("resnet-cli convert {} --outputs {} -o OUT.onnx", table::for_shell(name),
                     table::for_shell(fmt::format("{}", fmt::join(names, ","))));
}

}  // namespace

std::string to_string(const analysis::NotRun& not_run, const Graph& graph, const std::string& name) {
  const std::string text = analysis::to_string(not_run);
  if (not_run.cut.empty()) return text;
  const bool one = not_run.kinds.size() == 1 && not_run.kinds[0].count == 1;
  return fmt::format("{}; without {}: {}", text, one ? "it" : "them", command_without(not_run, graph, name));
}

void refuse_what_cannot_run(const Graph& run, const Graph& file, const std::string& name) {
  const std::vector<bool> needed = needed_nodes(run);
  std::vector<std::string> missing;
  std::int64_t operators = 0;
  for (std::size_t id = 0; id < needed.size(); ++id) {
    const Node& node = run.nodes()[id];
    if (!needed[id] || holds_alternative<Input>(node.op) || holds_alternative<Constant>(node.op)) continue;
    ++operators;
    if (holds_alternative<Opaque>(node.op)) missing.push_back(describe(node));
  }
  if (missing.empty()) return;
  constexpr std::size_t most = 5;
  const std::size_t count = missing.size();
  std::string listed = fmt::format("{}", fmt::join(missing.begin(), missing.begin() + std::min(count, most), ", "));
  if (count > most) listed += fmt::format(" and {} more", count - most);
  const analysis::NotRun not_run = analysis::find_not_run(file);
  if (!not_run.cut.empty())
    listed += fmt::format("; without {}: {}", count == 1 ? "it" : "them", command_without(not_run, file, name));
  throw Error(Fault::unsupported, Frame::file(Role::model, name),
              fmt::format("cannot run {} of {} nodes: {}", count, operators, listed));
}

void refuse_batch(const Graph& graph, std::int64_t batch, const std::string& asked, const std::string& name) {
  if (batch <= 1) return;
  const auto why = analysis::why_one_alone(graph);
  if (!why) return;
  throw Error(Fault::unsupported, Frame::file(Role::model, name),
              fmt::format("{}: {}; the network takes one image at a time, which may be changed by: resnet-cli convert {} "
                          "--dynamic-batch -o OUT.onnx",
                          asked, why->to_string(), table::for_shell(name)));
}

}  // namespace resnet::cli
