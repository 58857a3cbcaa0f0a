// qoperator: what integer_arithmetic makes of pairs, without tables: what it cannot say by an operator keeps its pairs
// qdq:
// before: QLinearConv(x, w, b) -> y         (and QLinearMatMul, QGemm, QLinearAdd, QLinearAveragePool, QLinearGlobalAveragePool)
// after:  x -> DequantizeLinear -> Conv(w -> DequantizeLinear, b -> DequantizeLinear) -> QuantizeLinear -> y
// Scales of a bias are x_scale * w_scale, of constants; where these are computed the operator stays.

#include <fmt/format.h>

#include <map>
#include <optional>
#include <utility>

#include "lib/graph/byte_operands.h"
#include "lib/passes/integer_groups.h"
#include "lib/passes/rewrite.h"

namespace resnet {

namespace {

class Pairs {
 public:
  Pairs(const Graph& graph, PassLog& log) : graph_(graph), log_(log), rewriter_(graph) {}

  Graph run() {
    return rewriter_.run([&](NodeId id) {
      const Node& node = graph_.node(id);
      const auto y = in_floats(node);
      if (!y) return false;
      finish(id, *y);
      log_.done.push_back(fmt::format("quantized_form: {} is written by pairs", describe(node)));
      return true;
    });
  }

 private:
  // What an operator computes, and where its output's scale is; 0: it stays in floats.
  struct Made {
    ValueId value;
    std::size_t y_scale;
  };

  bool has(const Node& node, std::size_t index) const { return index < node.inputs.size() && !node.inputs[index].is_none(); }
  ValueId append(Op op, std::vector<ValueId> inputs, const std::string& name) {
    return rewriter_.graph().append(std::move(op), std::move(inputs), rewriter_.fresh(name), {rewriter_.fresh(name + "_output")});
  }

  // A tensor, its scale and its zero point, from `first` on, in floats; once for all that read it.
  ValueId dequantized(const Node& node, std::size_t first, std::int64_t axis) {
    std::vector<ValueId> inputs = {rewriter_.map(node.inputs[first]), rewriter_.map(node.inputs[first + 1])};
    if (has(node, first + 2)) inputs.push_back(rewriter_.map(node.inputs[first + 2]));
    const auto key = std::pair(inputs, axis);
    if (const auto found = made_.find(key); found != made_.end()) return found->second;
    const std::string& name = graph_.value(node.inputs[first]).name;
    return made_[key] = append(DequantizeLinear{.axis = axis}, std::move(inputs), name + "_DequantizeLinear");
  }

  // A bias of 32 bits, whose scale is that of the products; nothing where that is not constant.
  std::optional<ValueId> bias(const Node& node, std::size_t index, float alpha) {
    const auto& x_scale = graph_.fact(node.inputs[1]).value;
    const auto& w_scale = graph_.fact(node.inputs[4]).value;
    if (!x_scale || !w_scale || x_scale->elements() != 1 || x_scale->dtype() != DType::float32) return std::nullopt;
    std::vector<float> scales = w_scale->values_as<float>();
    const float x = alpha * x_scale->values_as<float>()[0];
    for (float& scale : scales) scale *= x;
    const std::string& name = graph_.value(node.inputs[index]).name;
    const bool is_one = scales.size() == 1;
    Tensor tensor = is_one ? Tensor::scalar<float>(scales[0])
                           : Tensor::from<float>(Shape{static_cast<std::int64_t>(scales.size())}, std::span<const float>(scales));
    const ValueId scale = rewriter_.add_constant(name + "_scale", std::move(tensor));
    const auto rank =
        static_cast<std::int64_t>(graph_.fact(node.inputs[index]).dims ? graph_.fact(node.inputs[index]).rank() : 1);
    return append(DequantizeLinear{.axis = is_one ? 1 : std::max<std::int64_t>(rank - 1, 0)},
                  {rewriter_.map(node.inputs[index]), scale}, name + "_DequantizeLinear");
  }

  std::optional<Made> in_floats(const Node& node) {
    if (const auto* convolution = get_if<QLinearConv>(&node.op)) {
      std::optional<ValueId> b;
      if (has(node, 8) && !(b = bias(node, 8, 1))) return std::nullopt;
      std::vector<ValueId> inputs = {dequantized(node, 0, 1), dequantized(node, 3, 0)};
      if (b) inputs.push_back(*b);
      return Made{append(convolution->conv, std::move(inputs), name_of(node) + "_Conv"), 6};
    }
    if (const auto* gemm = get_if<QGemm>(&node.op)) {
      std::optional<ValueId> c;
      if (has(node, 6) && !(c = bias(node, 6, gemm->alpha))) return std::nullopt;
      std::vector<ValueId> inputs = {dequantized(node, 0, 1), dequantized(node, 3, gemm->transB ? 0 : 1)};
      if (c) inputs.push_back(*c);
      const Gemm op{.alpha = gemm->alpha, .transA = gemm->transA, .transB = gemm->transB};
      return Made{append(op, std::move(inputs), name_of(node) + "_Gemm"), has(node, 7) ? 7u : 0u};
    }
    if (holds_alternative<QLinearMatMul>(node.op)) {
      const Fact& b = graph_.fact(node.inputs[3]);
      if (!b.has_rank() || b.rank() == 0) return std::nullopt;
      const auto columns = static_cast<std::int64_t>(b.rank()) - 1;
      return Made{append(MatMul{}, {dequantized(node, 0, 1), dequantized(node, 3, columns)}, name_of(node) + "_MatMul"), 6};
    }
    if (holds_alternative<QLinearAdd>(node.op))
      return Made{append(Add{}, {dequantized(node, 0, 1), dequantized(node, 3, 1)}, name_of(node) + "_Add"), 6};
    if (const auto* pool = get_if<QLinearAveragePool>(&node.op); pool != nullptr && !pool->channels_last)
      return Made{append(pool->pool, {dequantized(node, 0, 1)}, name_of(node) + "_AveragePool"), 3};
    if (const auto* pool = get_if<QLinearGlobalAveragePool>(&node.op); pool != nullptr && !pool->channels_last)
      return Made{append(GlobalAveragePool{}, {dequantized(node, 0, 1)}, name_of(node) + "_GlobalAveragePool"), 3};
    return std::nullopt;
  }

  void finish(NodeId id, const Made& made) {
    const Node& node = graph_.node(id);
    if (made.y_scale == 0) {
      if (!rewriter_.forward(id, made.value)) rewriter_.copy(id, Identity{}, std::vector{made.value});
      return;
    }
    std::vector<ValueId> inputs = {made.value, rewriter_.map(node.inputs[made.y_scale])};
    if (has(node, made.y_scale + 1)) inputs.push_back(rewriter_.map(node.inputs[made.y_scale + 1]));
    rewriter_.copy(id, QuantizeLinear{}, std::move(inputs));
  }

  const Graph& graph_;
  PassLog& log_;
  Rewriter rewriter_;
  std::map<std::pair<std::vector<ValueId>, std::int64_t>, ValueId> made_;
};

bool computes_in_integers(const Op& op) {
  return byte_operands(op).x != ByteOperands::none || holds_alternative<ConvInteger>(op) || holds_alternative<MatMulInteger>(op);
}

Graph in_pairs(const Graph& graph, PassLog& log) {
  Graph result = remove_dead_nodes(Pairs(graph, log).run(), log);
  for (const Node& node : result.nodes()) {
    if (computes_in_integers(node.op)) log.declined.push_back(fmt::format("quantized_form: {} keeps its form", describe(node)));
  }
  return result;
}

}  // namespace

Graph in_form(const Graph& graph, QuantizedForm form, PassLog& log) {
  switch (form) {
    case QuantizedForm::qdq: return in_pairs(graph, log);
    case QuantizedForm::qoperator: return integer_arithmetic(graph, log, {.tables = false});
  }
  __builtin_unreachable();
}

}  // namespace resnet
