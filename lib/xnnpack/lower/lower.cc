#include "lib/xnnpack/lower/lower.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string>
#include <variant>
#include <vector>

#include "lib/base/error.h"
#include "lib/reference/reference.h"
#include "lib/xnnpack/emitter.h"
#include "lib/xnnpack/lower/elementwise.h"

namespace resnet::xnnpack {

namespace {

// Of any operator, by lib/reference, in the graph's own order of axes: everything that is known can run, because this always can.
class ReferenceStep final : public Step {
 public:
  using Step::Step;
  std::string_view kind() const override { return "fallback"; }
  void emit(Emitter& emitter) const override { emitter.add_reference(); }
};

// What has no line in lower.h: one of those is the better match.
template <typename Operator>
std::unique_ptr<Step> lower(const Operator&, const Site&) {
  return nullptr;
}

}  // namespace

void refuse_what_cannot_run(const Graph& graph) {
  std::vector<std::string> missing;
  std::size_t operators = 0;
  for (const Node& node : graph.nodes()) {
    if (is_computed(node)) ++operators;
    if (!reference::can_evaluate(node.op)) missing.push_back(describe(node));
  }
  if (missing.empty()) return;
  throw Error(Fault::unsupported,
              fmt::format("cannot run {} of {} nodes: {}", missing.size(), operators, fmt::join(missing, ", ")));
}

bool is_computed(const Node& node) { return !holds_alternative<Constant>(node.op) && !holds_alternative<Input>(node.op); }

std::unique_ptr<Step> lower(const Site& site) {
  auto step = visit([&](const auto& op) { return lower(op, site); }, site.node().op);
  if (!step) step = elementwise(site);
  return step ? std::move(step) : std::make_unique<ReferenceStep>(site);
}

}  // namespace resnet::xnnpack
