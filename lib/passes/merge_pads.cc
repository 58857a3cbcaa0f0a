// before: x -> Pad(zeros, spatial axes) -> Conv(pads) or AveragePool(pads) -> y
// after:  x -> Conv or AveragePool(pads + Pad's) -> y
// Conditions: constant pads that are not negative and on spatial axes alone, mode constant, value 0; no auto_pad. An AveragePool
// has no ceil_mode (a last window that begins in the padding would be dropped), counts its own padding or has none (then it
// counts what is padded now: the Pad's zeros were part of its input), and keeps its pads smaller than its kernel, as other
// programs demand. The Pad stays for its other readers; without them it is dead.

#include <fmt/format.h>

#include <algorithm>

#include "lib/passes/passes.h"
#include "lib/passes/rewrite.h"

namespace resnet {

namespace {

using Pads = std::vector<std::int64_t>;

// No network has larger pads; below it, sums of two fit.
constexpr std::int64_t most = std::int64_t{1} << 30;

// Begin pads of all spatial axes, then end pads; nothing where the Pad does anything else.
std::optional<Pads> spatial_pads(const Graph& graph, const Node& node) {
  const auto* pad = get_if<Pad>(&node.op);
  if (pad == nullptr || pad->mode != Pad::Mode::constant) return std::nullopt;
  const Fact& x = graph.fact(node.inputs[0]);
  if (!x.has_rank() || x.rank() < 3) return std::nullopt;
  const auto given = [&](std::size_t index) { return index < node.inputs.size() && !node.inputs[index].is_none(); };
  if (given(2)) {
    const auto& value = graph.fact(node.inputs[2]).value;
    if (!value || value->elements() != 1 || value->values_as<double>()[0] != 0) return std::nullopt;
  }
  const auto pads = known_integers(graph.fact(node.inputs[1]));
  const auto axes = given(3) ? known_integers(graph.fact(node.inputs[3])) : Pads{};
  if (!pads || !axes) return std::nullopt;
  const auto per_axis = pads_per_axis(x.rank(), *pads, *axes);
  const std::size_t spatial = x.rank() - 2;
  Pads result(2 * spatial);
  for (std::size_t axis = 0; axis < x.rank(); ++axis) {
    const auto [begin, end] = per_axis[axis];
    if (begin < 0 || end < 0 || begin > most || end > most) return std::nullopt;
    if (axis < 2) {
      if (begin != 0 || end != 0) return std::nullopt;
    } else {
      result[axis - 2] = begin;
      result[axis - 2 + spatial] = end;
    }
  }
  return result;
}

Pads sum(const Pads& own, Pads more) {
  for (std::size_t i = 0; i < own.size(); ++i) more[i] += own[i];
  return more;
}

// The operator with the pads in it; nothing where that is not the same.
std::optional<Op> merged(const Op& op, const Pads& pads) {
  if (const auto* conv = get_if<Conv>(&op)) {
    if (conv->auto_pad != AutoPad::notset) return std::nullopt;
    Conv result = *conv;
    result.pads = sum(conv->pads, pads);
    return result;
  }
  if (const auto* pool = get_if<AveragePool>(&op)) {
    const bool padded = std::any_of(pool->pads.begin(), pool->pads.end(), [](std::int64_t pad) { return pad != 0; });
    if (pool->auto_pad != AutoPad::notset || pool->ceil_mode || (padded && !pool->count_include_pad)) return std::nullopt;
    AveragePool result = *pool;
    result.pads = sum(pool->pads, pads);
    result.count_include_pad = true;
    for (std::size_t i = 0; i < result.pads.size(); ++i) {
      if (result.pads[i] >= pool->kernel_shape[i % pool->kernel_shape.size()]) return std::nullopt;
    }
    return result;
  }
  return std::nullopt;
}

}  // namespace

Graph merge_pads(const Graph& graph, PassLog& log) {
  Rewriter rewriter(graph);
  return rewriter.run([&](NodeId id) {
    const Node& node = graph.node(id);
    if (!holds_alternative<Conv>(node.op) && !holds_alternative<AveragePool>(node.op)) return false;
    const Node& before = graph.node(node.inputs[0].node);
    const auto pads = spatial_pads(graph, before);
    if (!pads) return false;
    const auto op = merged(node.op, *pads);
    if (!op) {
      log.declined.push_back(
          fmt::format("merge_pads: {}: the window of {} would not see the same", describe(before), describe(node)));
      return false;
    }
    std::vector<ValueId> inputs = rewriter.inputs_of(id);
    inputs[0] = rewriter.map(before.inputs[0]);
    rewriter.copy(id, *op, std::move(inputs));
    log.done.push_back(fmt::format("merge_pads: {} into {}", describe(before), describe(node)));
    return true;
  });
}

}  // namespace resnet
