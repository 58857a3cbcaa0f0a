// before: y = op(constants...)                     after: y = constant
// before: shape arithmetic that inference knows (Shape, Gather, Concat, ... without a symbol)      after: an int64 constant
// before: Reshape(x, computed shape)               after: Reshape(x, constant shape), where numbers, copied dims and one -1 say
// it Conditions: lib/reference can evaluate the operator. A result that is larger than its inputs has at most `most_growth`
// bytes, or 16 times theirs, and the constants together at most `most_bytes`; products and windows cost at most `most_work`: a
// small file cannot make large ones. Constants keep the names of the values that they replace; those that are only named or
// shaped anew share their bytes.

#include <fmt/format.h>

#include <numeric>

#include "lib/base/checked.h"
#include "lib/base/error.h"
#include "lib/passes/passes.h"
#include "lib/passes/rewrite.h"
#include "lib/reference/reference.h"

namespace resnet {

namespace {

constexpr std::size_t most_growth = std::size_t{64} << 20;
constexpr std::size_t most_bytes = std::size_t{2} << 30;
constexpr std::int64_t most_work = std::int64_t{1} << 30;

using Numbers = std::vector<std::int64_t>;

// The shape input that makes `x` into `dims`, if it can be said.
std::optional<Numbers> constant_shape(const Dims& x, const Dims& dims) {
  Numbers shape;
  bool open = false;
  for (std::size_t i = 0; i < dims.size(); ++i) {
    if (dims[i].is_number()) {
      if (dims[i].number() == 0) return std::nullopt;  // 0 would copy
      shape.push_back(dims[i].number());
    } else if (i < x.size() && dims[i] == x[i]) {
      shape.push_back(0);
    } else if (!open) {
      open = true;
      shape.push_back(-1);
    } else {
      return std::nullopt;
    }
  }
  return shape;
}

Tensor integers(DType dtype, const Numbers& numbers, bool scalar) {
  const Shape shape = scalar ? Shape{} : Shape{static_cast<std::int64_t>(numbers.size())};
  if (dtype == DType::int64) return Tensor::from(shape, std::span<const std::int64_t>(numbers));
  const std::vector<std::int32_t> narrow(numbers.begin(), numbers.end());
  return Tensor::from(shape, std::span<const std::int32_t>(narrow));
}

bool only_reshapes(const Op& op) {
  return std::holds_alternative<Reshape>(op) || std::holds_alternative<Flatten>(op) || std::holds_alternative<Squeeze>(op) ||
         std::holds_alternative<Unsqueeze>(op);
}

std::int64_t product(std::span<const std::int64_t> numbers) {
  std::int64_t result = 1;
  for (const std::int64_t number : numbers) result = checked_multiply(result, number).value_or(most_work + 1);
  return result;
}

// Terms of the sum (or maximum) behind each element of the output.
std::int64_t terms_of(const Op& op, std::span<const Tensor* const> inputs) {
  if (std::holds_alternative<Conv>(op)) return product(inputs[1]->shape().dims().subspan(1));
  if (const auto* gemm = std::get_if<Gemm>(&op)) return inputs[0]->shape()[gemm->transA ? 0 : 1];
  if (std::holds_alternative<ConvInteger>(op)) return product(inputs[1]->shape().dims().subspan(1));
  if (std::holds_alternative<QLinearConv>(op)) return product(inputs[3]->shape().dims().subspan(1));
  if (const auto* gemm = std::get_if<QGemm>(&op)) return inputs[0]->shape()[gemm->transA ? 0 : 1];
  const bool is_product = std::holds_alternative<MatMul>(op) || std::holds_alternative<MatMulInteger>(op) ||
                          std::holds_alternative<QLinearMatMul>(op);
  if (is_product) return inputs[0]->shape().dims().back();
  if (const auto* pool = std::get_if<MaxPool>(&op)) return product(pool->kernel_shape);
  if (const auto* pool = std::get_if<AveragePool>(&op)) return product(pool->kernel_shape);
  return 1;
}

class Folder {
 public:
  Folder(const Graph& graph, PassLog& log, const FoldOptions& options)
      : graph_(graph), log_(log), options_(options), rewriter_(graph) {
    for (const Node& node : graph.nodes()) {
      if (const auto* constant = std::get_if<Constant>(&node.op)) total_bytes_ += constant->value.size_bytes();
    }
  }

  Graph run() {
    return rewriter_.run([&](NodeId id) { return fold(id); });
  }

 private:
  const Fact* fact_of(ValueId input) {
    return input.is_none() ? nullptr : &rewriter_.graph().fact(rewriter_.map(input));  // what was folded before it counts
  }

  bool decline(const Node& node, const std::string& why) {
    log_.declined.push_back(fmt::format("fold_constants: {}: {}", describe(node), why));
    return false;
  }

  void become(NodeId id, std::size_t slot, Tensor value) {
    const Node& node = graph_.node(id);
    const ValueId output{id, static_cast<std::int32_t>(slot)};
    const std::string& name = node.outputs[slot].name;
    rewriter_.release_name(output);  // the constant is the only one by its name
    const std::string fallback = fmt::format("{}.constant", node.name.empty() ? type_of(node.op) : node.name);
    rewriter_.replace(output, rewriter_.add_constant(name.empty() ? fallback : name, std::move(value)));
  }

  bool fold(NodeId id) {
    const Node& node = graph_.node(id);
    if (std::holds_alternative<Input>(node.op) || std::holds_alternative<Constant>(node.op)) return false;
    if (!reference::can_evaluate(node.op)) return false;
    std::vector<const Fact*> facts;
    std::vector<const Tensor*> tensors;
    bool constant = true;
    for (ValueId input : node.inputs) {
      facts.push_back(fact_of(input));
      const bool known = facts.back() != nullptr && facts.back()->value;
      constant = constant && (facts.back() == nullptr || known);
      tensors.push_back(known ? &*facts.back()->value : nullptr);
    }
    std::vector<Fact> outputs;
    try {
      outputs = infer(node.op, Facts(facts), node.outputs.size());
    } catch (Error& error) {
      error.add_context(describe(node));
      throw;
    }
    if (constant && !options_.dequantize && std::holds_alternative<DequantizeLinear>(node.op)) {
      return decline(node, "its weights stay quantized");
    }
    if (constant) {
      if (std::holds_alternative<Identity>(node.op)) {
        if (!rewriter_.forward(id, rewriter_.map(node.inputs[0]))) return false;
        log_.done.push_back(fmt::format("fold_constants: {} is constant", describe(node)));
        return true;
      }
      return evaluate(id, tensors, outputs);
    }
    if (fold_elements(id, outputs)) return true;
    return fold_reshape(id, facts, outputs[0]);
  }

  // Shape, and arithmetic on it, where every element is a number.
  bool fold_elements(NodeId id, const std::vector<Fact>& outputs) {
    const Fact& fact = outputs[0];
    const bool integer = fact.dtype == DType::int64 || fact.dtype == DType::int32;
    if (outputs.size() != 1 || !integer || !fact.elements || !fact.dims || fact.rank() > 1) return false;
    const auto numbers = known_integers(fact);
    if (!numbers || (fact.rank() == 0 && numbers->size() != 1)) return false;
    if (fact.rank() == 1 && !(*fact.dims)[0].is(static_cast<std::int64_t>(numbers->size()))) return false;
    become(id, 0, integers(*fact.dtype, *numbers, fact.rank() == 0));
    log_.done.push_back(fmt::format("fold_constants: {} is known", describe(graph_.node(id))));
    return true;
  }

  bool fold_reshape(NodeId id, const std::vector<const Fact*>& facts, const Fact& output) {
    const Node& node = graph_.node(id);
    if (!std::holds_alternative<Reshape>(node.op) || facts[1]->value || !facts[0]->dims || !output.dims) return false;
    const auto shape = constant_shape(*facts[0]->dims, *output.dims);
    if (!shape) return false;
    std::vector<ValueId> inputs = rewriter_.inputs_of(id);
    const std::string& base = node.name.empty() ? node.outputs[0].name : node.name;
    inputs[1] = rewriter_.add_constant(base + ".shape", integers(DType::int64, *shape, false));
    rewriter_.copy(id, Reshape{}, std::move(inputs));
    log_.done.push_back(fmt::format("fold_constants: the shape of {} is known", describe(node)));
    return true;
  }

  bool evaluate(NodeId id, const std::vector<const Tensor*>& inputs, const std::vector<Fact>& outputs) {
    const Node& node = graph_.node(id);
    std::size_t before = 0, after = 0;
    for (const Tensor* input : inputs) before += input != nullptr ? input->size_bytes() : 0;
    for (const Fact& output : outputs) {
      const auto shape = output.shape();
      if (!shape || !output.dtype) return false;
      const auto bytes = checked_multiply(static_cast<std::size_t>(shape->elements()), size_of(*output.dtype));
      after = checked_add(after, bytes.value_or(std::numeric_limits<std::size_t>::max() / 2))
                  .value_or(std::numeric_limits<std::size_t>::max() / 2);
    }
    std::vector<Tensor> values;
    if (only_reshapes(node.op)) {
      values = {inputs[0]->reshaped(*outputs[0].shape())};
    } else {
      if (after > before && after > most_growth && after / 16 > before) {
        return decline(node, fmt::format("it would make {} bytes out of {}", after, before));
      }
      if (after > before && after > most_bytes - std::min(most_bytes, total_bytes_)) {
        return decline(node, fmt::format("the constants would have more than {} bytes", most_bytes));
      }
      const auto work = checked_multiply(outputs[0].shape()->elements(), terms_of(node.op, inputs));
      if (!work || *work > most_work) return decline(node, "it is too much to compute beforehand");
      try {
        values = reference::evaluate(node.op, inputs, node.outputs.size());
      } catch (Error& error) {
        if (error.kind() == ErrorKind::unsupported) return decline(node, error.what());
        error.add_context(describe(node));
        throw;
      }
      total_bytes_ += after;
    }
    for (std::size_t slot = 0; slot < values.size(); ++slot) become(id, slot, std::move(values[slot]));
    log_.done.push_back(fmt::format("fold_constants: {} is constant", describe(node)));
    return true;
  }

  const Graph& graph_;
  PassLog& log_;
  FoldOptions options_;
  Rewriter rewriter_;
  std::size_t total_bytes_ = 0;
};

}  // namespace

Graph fold_constants(const Graph& graph, PassLog& log) { return fold_constants(graph, log, FoldOptions{}); }
Graph fold_constants(const Graph& graph, PassLog& log, const FoldOptions& options) { return Folder(graph, log, options).run(); }

}  // namespace resnet
