// before: an input of a fixed batch, and perhaps Reshapes whose target names it: 1x2048x1x1 -> Reshape [1, 2048]
// after:  the input's first dim is the symbol "batch", and the Reshapes copy it, [0, 2048], or find it, [-1, 64]
// Conditions: a Reshape to numbers alone has the batch first, or where its input has it. Whatever else fixes the batch makes
// the pass fail with its node, or with the output that keeps its size.

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "lib/base/error.h"
#include "lib/graph/stated.h"
#include "lib/passes/passes.h"

namespace resnet {

namespace {

using Integers = std::vector<std::int64_t>;

bool all_numbers(const Dims& dims) {
  return std::all_of(dims.begin(), dims.end(), [](const Dim& dim) { return dim.is_number(); });
}

[[noreturn]] void refuse(const std::string& what) {
  throw Error(Fault::unsupported, Frame::pass("open_batch"), "the graph fixes its batch: " + what);
}

// The target of a Reshape whose input became `opened`, where it has to be another. `dims` are the input's from before, of which a
// batch that was open already counts as 1.
std::optional<Integers> opened_target(const Integers& target, const Dims& dims, const Dims& opened, const Node& node) {
  if (all_numbers(opened) || target.empty() || opened.empty()) return std::nullopt;
  const bool was_open = !all_numbers(dims);
  if (was_open && dims[0].is_number()) return std::nullopt;
  const bool has_rest = std::find(target.begin(), target.end(), -1) != target.end();
  const auto before = [&](std::size_t axis) { return dims[axis].is_number() ? dims[axis].number() : 1; };
  // As far as they are equal, dims are copied.
  for (std::size_t axis = 0; axis < target.size() && axis < opened.size(); ++axis) {
    if (target[axis] != before(axis) && target[axis] != 0) break;
    if (opened[axis].is_number() || target[axis] == 0) continue;
    if (was_open && axis > 0) break;
    Integers result = target;
    result[axis] = 0;
    return result;
  }
  const bool copies = std::find(target.begin(), target.end(), 0) != target.end();
  if (has_rest || copies) return std::nullopt;
  // What was merged into the first dim: 1x49x64 -> [49, 64].
  const bool first_alone = !opened[0].is_number() && all_numbers({opened.begin() + 1, opened.end()});
  if (!first_alone || target[0] % std::max<std::int64_t>(before(0), 1) != 0)
    refuse(fmt::format("{}: its shape is the numbers {}", describe(node), Shape(target).to_string()));
  Integers result = target;
  result[0] = -1;
  return result;
}

class Opener {
 public:
  Opener(const Graph& graph, Dim batch, PassLog& log)
      : graph_(graph), batch_(std::move(batch)), log_(log), depends_(graph.nodes().size(), false) {}

  Graph run() {
    result_.name = graph_.name;
    result_.doc_string = graph_.doc_string;
    values_.resize(graph_.nodes().size());
    for (std::size_t id = 0; id < values_.size(); ++id) add(static_cast<NodeId>(id));
    std::vector<ValueId> outputs;
    for (const ValueId output : graph_.outputs()) outputs.push_back(map(output));
    result_.set_outputs(std::move(outputs));
    check_outputs();
    return std::move(result_);
  }

 private:
  ValueId map(ValueId old) const { return old.is_none() ? old : ValueId{values_[static_cast<std::size_t>(old.node)], old.slot}; }

  void add(NodeId id) {
    const Node& node = graph_.node(id);
    ValueId made;
    if (holds_alternative<Input>(node.op)) {
      Fact fact = node.outputs[0].fact;
      const bool first = graph_.inputs()[0].node == id;
      if (first && batch_.is_number()) fact.dims->front() = Dim::symbol("batch");
      depends_[static_cast<std::size_t>(id)] = first;
      made = result_.add_input(node.name, std::move(fact));
    } else if (const auto* constant = get_if<Constant>(&node.op)) {
      made = result_.add_constant(node.outputs[0].name, constant->value);
    } else {
      made = add_operator(id, node);
    }
    result_.node(made.node).name = node.name;
    result_.node(made.node).doc_string = node.doc_string;
    result_.node(made.node).metadata = node.metadata;
    values_[static_cast<std::size_t>(id)] = made.node;
  }

  ValueId add_operator(NodeId id, const Node& node) {
    std::vector<ValueId> inputs;
    for (const ValueId input : node.inputs) {
      inputs.push_back(map(input));
      if (!input.is_none() && depends_[static_cast<std::size_t>(input.node)] && !holds_alternative<ShapeOf>(node.op))
        depends_[static_cast<std::size_t>(id)] = true;
    }
    Op op = node.op;
    if (auto* reshape = get_if<Reshape>(&op)) open_reshape(node, *reshape, inputs);
    std::vector<std::string> names;
    for (const Value& value : node.outputs) names.push_back(value.name);
    const ValueId made = result_.append(std::move(op), std::move(inputs), node.name, std::move(names));
    open_stated(node, result_.node(made.node));
    return made;
  }

  // What the file states of an unknown operator's outputs is of its batch.
  void open_stated(const Node& node, Node& made) const {
    for (std::size_t slot = 0; slot < made.outputs.size(); ++slot) {
      if (made.outputs[slot].fact.has_rank()) continue;
      Fact fact = node.outputs[slot].fact;
      if (batch_.is_number() && fact.dims && !fact.dims->empty() && fact.dims->front() == batch_)
        fact.dims->front() = Dim::symbol("batch");
      add_stated(made.outputs[slot].fact, fact);
    }
  }

  void open_reshape(const Node& node, Reshape& reshape, std::vector<ValueId>& inputs) {
    const auto target = known_integers(result_.fact(inputs[1]));
    const Fact& before = graph_.fact(node.inputs[0]);
    const Fact& after = result_.fact(inputs[0]);
    if (!target || !before.dims || !after.dims || before.rank() != after.rank()) return;
    if (reshape.allowzero && std::find(target->begin(), target->end(), 0) != target->end()) return;
    const auto opened = opened_target(*target, *before.dims, *after.dims, node);
    if (!opened) return;
    const Tensor shape = Tensor::from(Shape{static_cast<std::int64_t>(opened->size())}, std::span<const std::int64_t>(*opened));
    inputs[1] = result_.add_constant(free_name(node.outputs[0].name + ".shape"), shape);
    reshape.allowzero = false;
    log_.done.push_back(fmt::format("open_batch: {}: copies the batch", describe(node)));
  }

  std::string free_name(const std::string& wanted) {
    if (names_.empty()) {
      for (const Node& node : graph_.nodes()) {
        for (const Value& value : node.outputs) names_.insert(value.name);
      }
    }
    std::string name = wanted;
    for (int i = 1; !names_.insert(name).second; ++i) name = fmt::format("{}_{}", wanted, i);
    return name;
  }

  // An output that began with the batch begins with it.
  void check_outputs() const {
    for (std::size_t i = 0; i < graph_.outputs().size(); ++i) {
      const ValueId old = graph_.outputs()[i];
      const Fact& before = graph_.fact(old);
      const Fact& after = result_.fact(result_.outputs()[i]);
      if (!depends_[static_cast<std::size_t>(old.node)] || !before.dims || before.dims->empty() || !after.dims ||
          after.dims->empty())
        continue;
      const bool held = batch_.is_number() ? before.dims->front() == batch_ : before.dims->front().is(1);
      if (held && after.dims->front().is_number())
        refuse(fmt::format("output '{}' is {} for any batch", graph_.value(old).name, to_string(*after.dims)));
    }
  }

  const Graph& graph_;
  const Dim batch_;  // as it was: a number, or a symbol
  PassLog& log_;
  Graph result_;
  std::vector<NodeId> values_;  // of the new graph, by old node
  std::vector<bool> depends_;   // by old node: it is computed from the first input
  std::set<std::string> names_;
};

}  // namespace

Graph open_batch(const Graph& graph, PassLog& log) {
  if (graph.inputs().empty()) throw Error(Fault::unsupported, Frame::pass("open_batch"), "the graph has no input");
  const auto& dims = graph.fact(graph.inputs()[0]).dims;
  if (!dims || dims->empty()) throw Error(Fault::unsupported, Frame::pass("open_batch"), "the rank of the input is not known");
  const Dim batch = dims->front();
  try {
    return Opener(graph, batch, log).run();
  } catch (Error& error) {
    if (error.fault() == Fault::unsupported) throw;
    refuse(error.what());
  }
}

}  // namespace resnet
