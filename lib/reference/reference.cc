#include "lib/reference/reference.h"

#include <fmt/format.h>

#include "lib/base/error.h"
#include "lib/base/overloaded.h"
#include "lib/reference/ops/compute.h"
#include "lib/reference/ops/loops.h"

namespace resnet::reference {

void evaluate(const Op& op, Inputs inputs, std::span<Tensor> outputs) {
  const auto reshape = [&] { copy_bytes(*inputs[0], outputs[0]); };
  std::visit(Overloaded{
                 [](const Input&) { throw Error(ErrorKind::internal, "an input is given, not evaluated"); },
                 [&](const Constant& constant) { copy_bytes(constant.value, outputs[0]); },
                 [&](const Flatten&) { reshape(); },
                 [&](const Reshape&) { reshape(); },
                 [&](const Squeeze&) { reshape(); },
                 [&](const Unsqueeze&) { reshape(); },
                 [&](const Identity&) { reshape(); },
                 [](const Opaque& opaque) {
                   throw Error(ErrorKind::unsupported, fmt::format("operator {} is not known", type_of(opaque)));
                 },
                 [&](const auto& known) { compute(known, inputs, outputs); },
             },
             op);
}

std::vector<Tensor> evaluate(const Op& op, Inputs inputs, std::size_t outputs) {
  std::vector<Fact> facts;
  facts.reserve(inputs.size());
  for (const Tensor* input : inputs) facts.push_back(input != nullptr ? Fact::constant(*input) : Fact::unknown());
  std::vector<const Fact*> pointers;
  for (std::size_t i = 0; i < inputs.size(); ++i) pointers.push_back(inputs[i] != nullptr ? &facts[i] : nullptr);
  std::vector<Tensor> results;
  for (const Fact& fact : infer(op, Facts(pointers), outputs)) {
    const auto shape = fact.shape();
    if (!shape || !fact.dtype)
      throw Error(ErrorKind::unsupported, fmt::format("the shape of {}'s output is not known", type_of(op)));
    results.push_back(Tensor::allocate(*fact.dtype, *shape));
  }
  evaluate(op, inputs, results);
  return results;
}

std::vector<Tensor> evaluate(const Graph& graph, std::span<const Tensor> inputs) {
  if (inputs.size() != graph.inputs().size()) {
    throw Error(ErrorKind::bad_input, fmt::format("{} inputs, expected {}", inputs.size(), graph.inputs().size()));
  }
  // How often each value is still to be read; the graph's outputs are kept.
  std::vector<std::vector<std::int64_t>> uses(graph.nodes().size());
  for (std::size_t id = 0; id < uses.size(); ++id) uses[id].resize(graph.nodes()[id].outputs.size());
  const auto use = [&](ValueId id) -> std::int64_t& {
    return uses[static_cast<std::size_t>(id.node)][static_cast<std::size_t>(id.slot)];
  };
  for (const Node& node : graph.nodes()) {
    for (ValueId input : node.inputs) {
      if (!input.is_none()) ++use(input);
    }
  }
  for (ValueId output : graph.outputs()) ++use(output);

  std::vector<std::vector<Tensor>> values(graph.nodes().size());
  const auto value = [&](ValueId id) -> Tensor& {
    return values[static_cast<std::size_t>(id.node)][static_cast<std::size_t>(id.slot)];
  };
  std::size_t next_input = 0;
  for (std::size_t id = 0; id < graph.nodes().size(); ++id) {
    const Node& node = graph.nodes()[id];
    if (std::holds_alternative<Input>(node.op)) {
      values[id] = {inputs[next_input++]};
      continue;
    }
    if (const auto* constant = std::get_if<Constant>(&node.op)) {
      values[id] = {constant->value};
      continue;
    }
    std::vector<const Tensor*> arguments;
    for (ValueId input : node.inputs) arguments.push_back(input.is_none() ? nullptr : &value(input));
    try {
      values[id] = evaluate(node.op, arguments, node.outputs.size());
    } catch (Error& error) {
      error.add_context(describe(node));
      throw;
    }
    for (ValueId input : node.inputs) {
      if (!input.is_none() && --use(input) == 0) value(input) = Tensor();
    }
  }
  std::vector<Tensor> results;
  for (ValueId output : graph.outputs()) results.push_back(value(output));
  return results;
}

bool can_evaluate(const Op& op) { return !std::holds_alternative<Opaque>(op); }

}  // namespace resnet::reference
