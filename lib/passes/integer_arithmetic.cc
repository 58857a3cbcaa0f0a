// before: DequantizeLinear of bytes -> operators on float32 -> QuantizeLinear
// after:  operators on bytes, by what is between the two:
//           Conv, Gemm, MatMul by constant weights of 8 bits        QLinearConv, QGemm, QLinearMatMul
//           Add, AveragePool, GlobalAveragePool, ReduceMean         QLinearAdd, QLinearAveragePool, QLinearGlobalAveragePool
//           what moves elements, MaxPool, Concat                    the same operator on bytes
//           what is computed element by element of one tensor       LookupTable, for each channel where it depends on the channel
//         where no QuantizeLinear follows a product: ConvInteger or QGemm, Cast, Mul by x_scale * w_scale, Add of the bias
// Conditions: scales are constant, positive and finite, one for each tensor (weights: or one for each output channel); zero
// points are constant; nothing else reads what is computed between; int32 sums do not overflow. A bias is rounded to a whole
// number of x_scale * w_scale, as quantizers write it. What stays float32 keeps its pairs. Tables are exact; the others round
// once where float32 rounds everywhere (docs/decisions/0011-integer-arithmetic.md). Not for files: it is another network by a few
// steps.

#include "lib/passes/integer_groups.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/reference/reference.h"

namespace resnet {

namespace {

// What gives the elements of its first input, all or some of them, in another place or shape.
bool moves(const Node& node) {
  const Effect effect = effect_of(node.op);
  if (effect == Effect::reshapes || effect == Effect::permutes) return true;
  return holds_alternative<Slice>(node.op) || holds_alternative<Pad>(node.op) || holds_alternative<Gather>(node.op) ||
         holds_alternative<Expand>(node.op) || holds_alternative<Tile>(node.op) || holds_alternative<Split>(node.op);
}

bool hands_on(const Op& op) { return holds_alternative<Identity>(op) || holds_alternative<Dropout>(op); }

class Pass : private IntegerGroups {
 public:
  Pass(const Graph& graph, const IntegerOptions& options, PassLog& log) : IntegerGroups(graph, options), log_(log) {}

  Graph run() {
    return rewriter_.run([&](NodeId id) {
      const bool done = visit(id);
      let_go(id, done);
      return done;
    });
  }

 private:
  bool visit(NodeId id) {
    const Node& node = graph_.node(id);
    if (holds_alternative<Input>(node.op) || holds_alternative<Constant>(node.op)) return false;
    if (holds_alternative<QuantizeLinear>(node.op)) return quantize(id);
    if (holds_alternative<DequantizeLinear>(node.op)) {
      dequantize(id);
      return false;
    }
    if (compute_in_integers(id)) {
      log_.done.push_back(fmt::format("integer_arithmetic: {} has integer sums", describe(node)));
      return true;
    }
    code(id);
    return false;
  }

  void dequantize(NodeId id) {
    const Node& node = graph_.node(id);
    const ValueId zero = node.inputs.size() > 2 ? node.inputs[2] : ValueId::none();
    const auto quantization = quantization_at(id, graph_.fact(node.inputs[0]).dtype);
    if (!quantization || node.outputs[0].fact.dtype != DType::float32 || !node.outputs[0].fact.has_rank()) return;
    note_parameters(*quantization, node.inputs[1], zero);
    set_coded({id, 0}, {rewriter_.map(node.inputs[0]), *quantization, table_of(*quantization)});
  }

  bool quantize(NodeId id) {
    const Node& node = graph_.node(id);
    const ValueId x = node.inputs[0];
    const auto to = quantization_at(id, node.outputs[0].fact.dtype);
    if (!to || graph_.fact(x).dtype != DType::float32 || known(x)) return false;
    note_parameters(*to, node.inputs[1], node.inputs.size() > 2 ? node.inputs[2] : ValueId::none());
    const auto bytes = bytes_of(x, *to);
    if (!bytes) {
      if (holds_alternative<Input>(graph_.node(x.node).op)) return false;  // here integers begin
      log_.declined.push_back(fmt::format("integer_arithmetic: {}: what it quantizes is computed in float32", describe(node)));
      return false;
    }
    if (!rewriter_.forward(id, *bytes)) rewriter_.copy(id, Identity{}, std::vector{*bytes});
    log_.done.push_back(fmt::format("integer_arithmetic: {} ends a group of integers", describe(node)));
    return true;
  }

  // Where a value of floats follows from bytes by a table: how.
  void code(NodeId id) {
    const Node& node = graph_.node(id);
    if (node.inputs.empty() || node.outputs[0].fact.dtype != DType::float32 || readers_.of(id).empty()) return;
    const Coded* x = coded(node.inputs[0]);
    if (hands_on(node.op) && x != nullptr && node.inputs.size() == 1) {
      set_coded({id, 0}, *x);
    } else if (holds_alternative<MaxPool>(node.op)) {
      if (x == nullptr || !rises(x->table, x->quantization.dtype) || readers_.others_are_read(id)) return;
      set_coded({id, 0}, {emit(id, node.op, {x->bytes}), x->quantization, x->table});
    } else if (moves(node)) {
      if (x != nullptr && x->table.size() == 1) code_moved(id, *x);
    } else if (holds_alternative<Concat>(node.op)) {
      code_joined(id);
    } else if (effect_of(node.op) == Effect::elementwise || holds_alternative<BatchNormalization>(node.op)) {
      code_elementwise(id);
    }
  }

  void code_moved(NodeId id, const Coded& x) {
    const Node& node = graph_.node(id);
    std::vector<ValueId> inputs = rewriter_.inputs_of(id);
    inputs[0] = x.bytes;
    if (const auto* pad = get_if<Pad>(&node.op); pad != nullptr && pad->mode == Pad::Mode::constant) {
      const auto byte = byte_of(x.table[0], padding_of(node));
      if (!byte) return;
      pad_by(inputs, to_number(*byte, x.quantization.dtype), x.quantization.dtype);
    }
    const Coded source = x;
    const ValueId moved = emit(id, node.op, std::move(inputs));
    for (std::size_t slot = 0; slot < node.outputs.size(); ++slot) {
      const auto at = static_cast<std::int32_t>(slot);
      set_coded({id, at}, {{moved.node, at}, source.quantization, source.table});
    }
  }

  void code_joined(NodeId id) {
    const Node& node = graph_.node(id);
    std::vector<ValueId> inputs;
    const Coded* first = coded(node.inputs[0]);
    for (const ValueId input : node.inputs) {
      const Coded* x = coded(input);
      if (x == nullptr || x->table.size() != 1 || x->table != first->table || x->quantization.dtype != first->quantization.dtype)
        return;
      inputs.push_back(x->bytes);
    }
    set_coded({id, 0}, {emit(id, node.op, std::move(inputs)), first->quantization, first->table});
  }

  void code_elementwise(NodeId id) {
    const Node& node = graph_.node(id);
    const Coded* source = nullptr;
    std::vector<const Table*> tables;
    std::vector<const Tensor*> operands;
    std::vector<std::optional<Tensor>> held;
    held.reserve(node.inputs.size());
    for (const ValueId input : node.inputs) {
      const Coded* x = coded(input);
      held.push_back(x != nullptr ? std::nullopt : known(input));
      if (x == nullptr && !held.back() && !input.is_none()) return;
      if (x != nullptr && source != nullptr && x->bytes != source->bytes) return;
      if (x != nullptr) source = x;
      tables.push_back(x != nullptr ? &x->table : nullptr);
      operands.push_back(held.back() ? &*held.back() : nullptr);
    }
    if (source == nullptr || readers_.others_are_read(id)) return;
    const Fact& fact = rewriter_.graph().fact(source->bytes);
    if (!fact.dims || fact.dims != node.outputs[0].fact.dims) return;
    const auto* normalization = get_if<BatchNormalization>(&node.op);
    if (normalization != nullptr && (normalization->training_mode || coded(node.inputs[0]) == nullptr)) return;
    std::size_t rows = source->table.size();
    for (const Tensor* operand : operands)
      rows = std::max(rows, operand != nullptr ? static_cast<std::size_t>(operand->elements()) : 1);
    if (!spend(rows)) return;
    if (auto table = apply(node.op, fact.rank(), tables, operands))
      set_coded({id, 0}, {source->bytes, source->quantization, std::move(*table)});
  }

  // A value of floats, quantized: in the new graph. `depth` bounds the recursion.
  std::optional<ValueId> bytes_of(ValueId value, const Quantization& to, int depth = 0) {
    constexpr int most_depth = 64;
    if (const Coded* x = coded(value)) return look_up(*x, quantized(x->table, to), to.dtype);
    const NodeId id = value.node;
    const Node& node = graph_.node(id);
    if (depth > most_depth || value.slot != 0 || !readers_.only(value) || node.inputs.empty()) return std::nullopt;
    const auto first = [&] { return bytes_of(node.inputs[0], to, depth + 1); };
    if (hands_on(node.op)) return node.inputs.size() == 1 ? first() : std::nullopt;
    if (holds_alternative<Relu>(node.op) || holds_alternative<Clip>(node.op)) return clamped(id, first(), to);
    if (holds_alternative<MaxPool>(node.op)) {
      const auto x = first();
      return x ? std::optional(emit(id, node.op, {*x})) : std::nullopt;
    }
    if (moves(node)) return moved(id, first(), to);
    if (holds_alternative<Concat>(node.op)) {
      std::vector<ValueId> inputs;
      for (const ValueId input : node.inputs) {
        const auto x = bytes_of(input, to, depth + 1);
        if (!x) return std::nullopt;
        inputs.push_back(*x);
      }
      return emit(id, node.op, std::move(inputs));
    }
    return computed(id, to);
  }

  // Quantizing keeps the order of numbers: the bounds can be quantized.
  std::optional<ValueId> clamped(NodeId id, std::optional<ValueId> x, const Quantization& to) {
    const Node& node = graph_.node(id);
    std::int32_t low = to.least(), high = to.most();
    if (holds_alternative<Relu>(node.op)) low = to.quantize(0);
    for (std::size_t i = 1; i < node.inputs.size(); ++i) {
      if (node.inputs[i].is_none()) continue;
      const auto bound = known(node.inputs[i]);
      if (!bound || bound->elements() != 1) return std::nullopt;
      (i == 1 ? low : high) = to.quantize(bound->values_as<float>()[0]);
    }
    if (!x) return std::nullopt;
    ByteTable table(1);
    for (std::size_t i = 0; i < 256; ++i) {
      const std::int32_t q = to_number(static_cast<std::uint8_t>(i), to.dtype);
      table[0][i] = to_byte(std::min(std::max(q, low), high));
    }
    return look_up({*x, to, {}}, table, to.dtype);
  }

  std::optional<ValueId> moved(NodeId id, std::optional<ValueId> x, const Quantization& to) {
    const Node& node = graph_.node(id);
    if (!x || node.outputs.size() != 1) return std::nullopt;
    std::vector<ValueId> inputs = rewriter_.inputs_of(id);
    inputs[0] = *x;
    if (const auto* pad = get_if<Pad>(&node.op); pad != nullptr && pad->mode == Pad::Mode::constant) {
      const auto padding = padding_of(node);
      if (!padding) return std::nullopt;
      pad_by(inputs, to.quantize(*padding), to.dtype);
    }
    return emit(id, node.op, std::move(inputs));
  }

  PassLog& log_;
};

ByteTable table_of(const Tensor& tensor) {
  ByteTable table(tensor.shape().rank() == 2 ? static_cast<std::size_t>(tensor.shape()[0]) : 1);
  for (std::size_t c = 0; c < table.size(); ++c) {
    for (std::size_t i = 0; i < 256; ++i) table[c][i] = std::to_integer<std::uint8_t>(tensor.bytes()[c * 256 + i]);
  }
  return table;
}

// Tables one after the other become one.
Graph merge_tables(const Graph& graph) {
  const Readers readers(graph);
  Rewriter rewriter(graph);
  return rewriter.run([&](NodeId id) {
    const Node& node = graph.node(id);
    if (!holds_alternative<LookupTable>(node.op) || !graph.fact(node.inputs[1]).value) return false;
    ByteTable table = table_of(*graph.fact(node.inputs[1]).value);
    ValueId x = node.inputs[0];
    while (true) {
      const Node& before = graph.node(x.node);
      if (!holds_alternative<LookupTable>(before.op) || !readers.only(x) || !graph.fact(before.inputs[1]).value) break;
      const ByteTable first = table_of(*graph.fact(before.inputs[1]).value);
      ByteTable both(std::max(first.size(), table.size()));
      for (std::size_t c = 0; c < both.size(); ++c) {
        for (std::size_t i = 0; i < 256; ++i) both[c][i] = table[table.size() == 1 ? 0 : c][first[first.size() == 1 ? 0 : c][i]];
      }
      table = std::move(both);
      x = before.inputs[0];
    }
    if (x == node.inputs[0]) return false;
    const ValueId rows = rewriter.add_constant(node.outputs[0].name + ".table", tensor_of(table, *node.outputs[0].fact.dtype));
    rewriter.copy(id, std::nullopt, std::vector{rewriter.map(x), rows});
    return true;
  });
}

}  // namespace

Graph integer_arithmetic(const Graph& graph, PassLog& log, const IntegerOptions& options) {
  const bool concerns = std::any_of(graph.nodes().begin(), graph.nodes().end(),
                                    [](const Node& node) { return holds_alternative<DequantizeLinear>(node.op); });
  if (!concerns) return graph;
  const std::size_t before = log.done.size();
  Graph result = Pass(graph, options, log).run();
  if (log.done.size() == before) return graph;
  return remove_dead_nodes(merge_tables(remove_dead_nodes(result, log)), log);
}

}  // namespace resnet
