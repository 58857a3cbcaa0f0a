// before: y = op(constants...)                     after: y = constant
// before: shape arithmetic that inference knows (Shape, Gather, Concat, ... without a symbol)      after: an int64 constant
// before: Reshape(x, computed shape)               after: Reshape(x, constant shape), where numbers, copied dims and one -1 say
// it.
// Conditions: lib/reference can evaluate the operator. A result that is larger than its inputs has at most `most_growth`
// bytes, or 16 times theirs, and products and windows cost at most `most_work`, unless FoldOptions::large. All together keep
// within a budget of bytes and of work that grows with the constants of the file: a small file can ask for little. A value that
// only folded nodes read goes as soon as the last of them has read it. Constants keep the names of the values that they replace;
// those that only get another name or shape share their bytes.

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>
#include <set>

#include "lib/base/checked.h"
#include "lib/base/error.h"
#include "lib/passes/passes.h"
#include "lib/passes/rewrite.h"
#include "lib/reference/reference.h"
#include "lib/reference/work.h"

namespace resnet {

namespace {

constexpr std::size_t most_growth = std::size_t{64} << 20;
constexpr std::int64_t most_work = std::int64_t{1} << 30;

// Of all that is folded: so much, and so much for each byte of the constants that the graph has of its own.
constexpr std::size_t budget_bytes = std::size_t{256} << 20, budget_bytes_each = 16;
constexpr std::int64_t budget_work = std::int64_t{1} << 31, budget_work_each = 512;
// An element that is computed costs so many multiply-adds, however little is done to it: reading, writing, counting indices.
constexpr std::int64_t work_of_element = 32;

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

class Folder {
 public:
  Folder(const Graph& graph, PassLog& log, const FoldOptions& options)
      : graph_(graph), log_(log), options_(options), rewriter_(graph) {
    std::size_t bytes = 0;
    std::set<const std::byte*> seen;  // those that share their bytes count once
    for (const Node& node : graph.nodes()) {
      const auto* constant = get_if<Constant>(&node.op);
      if (constant != nullptr && !constant->value.is_released() && seen.insert(constant->value.bytes().data()).second)
        bytes += constant->value.size_bytes();
      for (ValueId input : node.inputs) {
        if (!input.is_none()) ++uses_[input];
      }
    }
    for (ValueId output : graph.outputs()) ++uses_[output];
    const std::size_t own = log.fold.own_bytes.value_or(bytes);
    log.fold.own_bytes = own;
    folded_bytes_ = bytes - std::min(bytes, own);
    most_bytes_ = budget_bytes + budget_bytes_each * own;
    most_work_ = budget_work + budget_work_each * static_cast<std::int64_t>(own);
  }

  Graph run() {
    return rewriter_.run([&](NodeId id) {
      const bool folded = fold(id);
      if (!folded) {
        for (ValueId input : graph_.node(id).inputs) put_into_graph(input);
      }
      for (ValueId input : graph_.node(id).inputs) let_go(input);
      return folded;
    });
  }

 private:
  const Fact* fact_of(ValueId input) {
    if (input.is_none()) return nullptr;
    if (const auto found = folded_.find(input); found != folded_.end()) return &found->second;
    return &rewriter_.graph().fact(rewriter_.map(input));  // what was folded before it counts
  }

  // Before a node that stays reads it.
  void put_into_graph(ValueId value) {
    const auto found = folded_.find(value);
    if (found == folded_.end()) return;
    const Node& node = graph_.node(value.node);
    const std::string& name = node.outputs[static_cast<std::size_t>(value.slot)].name;
    rewriter_.release_name(value);  // the constant is the only one by its name
    const std::string fallback = fmt::format("{}.constant", node.name.empty() ? type_of(node.op) : node.name);
    rewriter_.replace(value, rewriter_.add_constant(name.empty() ? fallback : name, std::move(*found->second.value)));
    folded_.erase(found);
  }

  // One of its readers has been dealt with.
  void let_go(ValueId value) {
    if (value.is_none() || --uses_[value] > 0) return;
    const auto found = folded_.find(value);
    if (found == folded_.end()) return;
    const auto held = holders_.find(found->second.value->buffer().get());
    if (held != holders_.end() && --held->second == 0) {
      folded_bytes_ -= held->first->bytes().size();
      holders_.erase(held);
    }
    folded_.erase(found);
  }

  bool decline(const Node& node, const std::string& why) {
    log_.declined.push_back(fmt::format("fold_constants: {}: {}", describe(node), why));
    return false;
  }

  // The budget is spent, which whoever runs the graph wants to know.
  bool exceed(const Node& node, const std::string& why) {
    if (log_.fold.exceeded.empty()) log_.fold.exceeded = fmt::format("{}: {}", describe(node), why);
    return decline(node, why);
  }

  // `fresh`: the bytes were made for this value; else it shares those of another.
  void become(NodeId id, std::size_t slot, const Tensor& value, bool fresh) {
    const ValueId output{id, static_cast<std::int32_t>(slot)};
    if (!uses_.contains(output)) return;
    const Buffer* buffer = value.buffer().get();
    const auto held = fresh ? holders_.try_emplace(buffer, 0).first : holders_.find(buffer);
    if (held != holders_.end() && held->second++ == 0) folded_bytes_ += buffer->bytes().size();
    folded_.emplace(output, Fact::constant(value));
    if (readers_.is_output(output)) put_into_graph(output);
  }

  bool fold(NodeId id) {
    const Node& node = graph_.node(id);
    if (holds_alternative<Input>(node.op) || holds_alternative<Constant>(node.op)) return false;
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
      error.in(Frame::node(describe(node)));
      throw;
    }
    if (constant && !options_.dequantize && holds_alternative<DequantizeLinear>(node.op)) {
      return decline(node, "its weights stay quantized");
    }
    if (constant) {
      if (holds_alternative<Identity>(node.op)) {
        if (folded_.contains(node.inputs[0])) {
          become(id, 0, *tensors[0], false);
        } else if (!rewriter_.forward(id, rewriter_.map(node.inputs[0])))
          return false;
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
    become(id, 0, integers(*fact.dtype, *numbers, fact.rank() == 0), true);
    log_.done.push_back(fmt::format("fold_constants: {} is known", describe(graph_.node(id))));
    return true;
  }

  bool fold_reshape(NodeId id, const std::vector<const Fact*>& facts, const Fact& output) {
    const Node& node = graph_.node(id);
    if (!holds_alternative<Reshape>(node.op) || facts[1]->value || !facts[0]->dims || !output.dims) return false;
    const auto shape = constant_shape(*facts[0]->dims, *output.dims);
    if (!shape) return false;
    put_into_graph(node.inputs[0]);
    std::vector<ValueId> inputs = {rewriter_.map(node.inputs[0]), ValueId::none()};
    const std::string& base = name_of(node);
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
    const bool shares = effect_of(node.op) == Effect::reshapes;
    if (shares) {
      values = {inputs[0]->reshaped(*outputs[0].shape())};
    } else {
      if (!options_.large && after > before && after > most_growth && after / 16 > before) {
        return decline(node, fmt::format("it would make {} bytes out of {}", after, before));
      }
      if (!is_within_budget(node, inputs, outputs, after)) return false;
      try {
        values = reference::evaluate(node.op, inputs, node.outputs.size());
      } catch (Error& error) {
        if (error.fault() == Fault::unsupported || error.fault() == Fault::exhausted) return decline(node, error.problem());
        error.in(Frame::node(describe(node)));
        throw;
      }
    }
    for (std::size_t slot = 0; slot < values.size(); ++slot) become(id, slot, values[slot], !shares);
    log_.done.push_back(fmt::format("fold_constants: {} is constant", describe(node)));
    return true;
  }

  // Counts what the node costs where it is. `bytes` are what it makes.
  bool is_within_budget(const Node& node, const std::vector<const Tensor*>& inputs, const std::vector<Fact>& outputs,
                        std::size_t bytes) {
    reference::Work own = reference::work_of(node.op, inputs, outputs[0].shape()->elements());
    if (!options_.large && own.terms > most_work) return decline(node, "it is too much to compute beforehand");
    for (const Fact& output : outputs) own.elements = std::max(own.elements, output.shape()->elements());
    const auto steps = checked_multiply(own.elements, work_of_element);
    const std::int64_t work = std::max(own.terms, steps.value_or(most_work_ + 1));
    if (work > most_work_ - std::min(most_work_, log_.fold.work))
      return exceed(node, fmt::format("what the graph computes of its constants alone takes more than {} steps", most_work_));
    if (bytes > most_bytes_ - std::min(most_bytes_, folded_bytes_))
      return exceed(node, fmt::format("what the graph computes of its constants alone has more than {} bytes", most_bytes_));
    log_.fold.work += work;
    return true;
  }

  const Graph& graph_;
  PassLog& log_;
  FoldOptions options_;
  Rewriter rewriter_;
  Readers readers_{graph_};
  std::map<ValueId, std::int64_t> uses_;           // reads, and as outputs of the graph, that are still to come
  std::map<ValueId, Fact> folded_;                 // values that stand in no graph yet
  std::map<const Buffer*, std::int64_t> holders_;  // of bytes that were made here: how many values hold them
  std::size_t folded_bytes_ = 0, most_bytes_ = 0;
  std::int64_t most_work_ = 0;
};

}  // namespace

Graph fold_constants(const Graph& graph, PassLog& log) { return fold_constants(graph, log, FoldOptions{}); }
Graph fold_constants(const Graph& graph, PassLog& log, const FoldOptions& options) { return Folder(graph, log, options).run(); }

}  // namespace resnet
