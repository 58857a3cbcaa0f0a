#include "lib/reference/reference.h"

#include <fmt/format.h>

#include <map>

#include "lib/base/error.h"
#include "lib/base/overloaded.h"
#include "lib/reference/ops/compute.h"
#include "lib/reference/ops/loops.h"

namespace resnet::reference {

namespace {

Dims dims_of(const Shape& shape) { return Dims(shape.dims().begin(), shape.dims().end()); }

// Dtype and shape of an output.
struct Layout {
  DType dtype;
  Shape shape;
};

// What infer() says of these inputs. Values count where an operator takes a list or a shape: in every input but the first, and in
// the first of ConstantOfShape and Range. Elsewhere they are data, whose integers may wrap around where a dimension must not.
std::vector<Layout> infer_layouts(const Op& op, Inputs inputs, std::size_t outputs) {
  if (!can_evaluate(op)) throw Error(Fault::unsupported, fmt::format("operator {} cannot be run", type_of(op)));
  std::vector<Fact> facts;
  facts.reserve(inputs.size());
  std::vector<const Fact*> pointers;
  const bool is_shape = holds_alternative<ConstantOfShape>(op) || holds_alternative<Range>(op);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i] == nullptr) {
      pointers.push_back(nullptr);
      continue;
    }
    const Tensor& input = *inputs[i];
    facts.push_back(i > 0 || is_shape ? Fact::constant(input) : Fact::of(input.dtype(), dims_of(input.shape())));
    pointers.push_back(&facts.back());
  }
  std::vector<Layout> layouts;
  for (const Fact& fact : infer(op, Facts(pointers), outputs)) {
    const auto shape = fact.shape();
    if (!shape || !fact.dtype) {
      throw Error(Fault::unsupported, fmt::format("the shape of {}'s output is not known", type_of(op)));
    }
    layouts.push_back({*fact.dtype, *shape});
  }
  return layouts;
}

// Whether the output is the first input under another shape.
template <typename T>
constexpr bool keeps_bytes = T::traits.effect == Effect::reshapes || std::is_same_v<T, Identity>;

// Only once the inputs fit the operator and the outputs both.
void run(const Op& op, Inputs inputs, std::span<Tensor> outputs) {
  visit(Overloaded{
            [](const Input&) { throw Error(Fault::internal, "an input is given, not evaluated"); },
            [&](const Constant& constant) { copy_bytes(constant.value, outputs[0]); },
            [](const Opaque& opaque) {
              throw Error(Fault::unsupported, fmt::format("operator {} cannot be run", type_of(opaque)));
            },
            [&]<typename T>(const T& known) {
              if constexpr (keeps_bytes<T>) {
                copy_bytes(*inputs[0], outputs[0]);
              } else {
                compute(known, inputs, outputs);  // an operator without one does not compile
              }
            },
        },
        op);
}

bool only_reshapes(const Op& op) {
  return visit([]<typename T>(const T&) { return keeps_bytes<T>; }, op);
}

// Throws Error(mismatch) where a tensor is not what the graph says of its input; a symbol is one number for all of them.
void check_inputs(const Graph& graph, std::span<const Tensor> inputs) {
  if (inputs.size() != graph.inputs().size()) {
    throw Error(Fault::mismatch, Frame::file(Role::input),
                fmt::format("{} inputs, expected {}", inputs.size(), graph.inputs().size()));
  }
  std::map<std::string, std::int64_t> symbols;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Value& value = graph.value(graph.inputs()[i]);
    const Shape& shape = inputs[i].shape();
    bool fits = !value.fact.dtype || *value.fact.dtype == inputs[i].dtype();
    if (value.fact.dims) fits = fits && value.fact.rank() == shape.rank();
    for (std::size_t axis = 0; fits && value.fact.dims && axis < shape.rank(); ++axis) {
      const Dim& dim = (*value.fact.dims)[axis];
      fits = dim.is_number() ? dim.number() == shape[axis]
                             : symbols.try_emplace(dim.to_string(), shape[axis]).first->second == shape[axis];
    }
    if (!fits) {
      throw Error(Fault::mismatch, Frame::file(Role::input),
                  fmt::format("input '{}' is {} {}, expected {}", value.name, name_of(inputs[i].dtype()), shape.to_string(),
                              value.fact.to_string()));
    }
  }
}

}  // namespace

void evaluate(const Op& op, Inputs inputs, std::span<Tensor> outputs) {
  const std::vector<Layout> layouts = infer_layouts(op, inputs, outputs.size());
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (i > 0 && !wants(outputs, i)) continue;
    if (outputs[i].dtype() != layouts[i].dtype || outputs[i].shape() != layouts[i].shape) {
      throw Error(Fault::malformed,
                  fmt::format("output {} is {} {}, expected {} {}", i, name_of(outputs[i].dtype()),
                              outputs[i].shape().to_string(), name_of(layouts[i].dtype), layouts[i].shape.to_string()));
    }
  }
  run(op, inputs, outputs);
}

std::vector<Tensor> evaluate(const Op& op, Inputs inputs, std::size_t outputs) {
  const std::vector<Layout> layouts = infer_layouts(op, inputs, outputs);
  if (const auto* constant = get_if<Constant>(&op)) return {constant->value};
  if (only_reshapes(op)) return {inputs[0]->reshaped(layouts[0].shape)};
  std::vector<Tensor> results;
  for (const Layout& layout : layouts) results.push_back(Tensor::allocate(layout.dtype, layout.shape));
  run(op, inputs, results);
  return results;
}

std::vector<Tensor> evaluate(const Graph& graph, std::span<const Tensor> inputs) {
  check_inputs(graph, inputs);
  // How often each value is still to be read; the graph's outputs are kept.
  std::vector<std::vector<std::int64_t>> uses(graph.nodes().size());
  for (std::size_t id = 0; id < uses.size(); ++id) uses[id].resize(graph.nodes()[id].outputs.size());
  const auto uses_of = [&](ValueId id) -> std::int64_t& {
    return uses[static_cast<std::size_t>(id.node)][static_cast<std::size_t>(id.slot)];
  };
  for (const Node& node : graph.nodes()) {
    for (ValueId input : node.inputs) {
      if (!input.is_none()) ++uses_of(input);
    }
  }
  for (ValueId output : graph.outputs()) ++uses_of(output);

  std::vector<std::vector<Tensor>> values(graph.nodes().size());
  const auto value_of = [&](ValueId id) -> Tensor& {
    return values[static_cast<std::size_t>(id.node)][static_cast<std::size_t>(id.slot)];
  };
  std::size_t next_input = 0;
  for (std::size_t id = 0; id < graph.nodes().size(); ++id) {
    const Node& node = graph.nodes()[id];
    if (holds_alternative<Input>(node.op)) {
      values[id] = {inputs[next_input++]};
      continue;
    }
    std::vector<const Tensor*> arguments;
    for (ValueId input : node.inputs) arguments.push_back(input.is_none() ? nullptr : &value_of(input));
    try {
      // Facts are inferred again from the tensors themselves: a shape may depend on the data.
      values[id] = evaluate(node.op, arguments, node.outputs.size());
    } catch (Error& error) {
      error.in(Frame::node(describe(node)));
      throw;
    }
    for (std::size_t slot = 0; slot < values[id].size(); ++slot) {
      if (uses[id][slot] == 0) values[id][slot] = Tensor();
    }
    for (ValueId input : node.inputs) {
      if (!input.is_none() && --uses_of(input) == 0) value_of(input) = Tensor();
    }
  }
  std::vector<Tensor> results;
  for (ValueId output : graph.outputs()) results.push_back(value_of(output));
  return results;
}

bool can_evaluate(const Op& op) { return !holds_alternative<Opaque>(op); }

}  // namespace resnet::reference
