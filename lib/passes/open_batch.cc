// before: an input of a fixed batch, and perhaps a Reshape whose target names it: 1x2048x1x1 -> Reshape [1, 2048]
// after:  the input's first dim is the symbol "batch", and the Reshape copies it: [0, 2048]
// Conditions: the Reshape's input begins with the batch. Whatever else fixes the batch makes the pass fail with its node.

#include <fmt/format.h>

#include "lib/base/error.h"
#include "lib/passes/passes.h"
#include "lib/passes/rewrite.h"

namespace resnet {

Graph open_batch(const Graph& graph, PassLog& log) {
  if (graph.inputs().empty()) throw Error(Fault::unsupported, Frame::pass("open_batch"), "the graph has no input");
  const auto& dims = graph.fact(graph.inputs()[0]).dims;
  if (!dims || dims->empty()) throw Error(Fault::unsupported, Frame::pass("open_batch"), "the rank of the input is not known");
  const Dim batch = dims->front();
  if (!batch.is_number()) return graph;
  Rewriter rewriter(graph);
  const Graph copying = rewriter.run([&](NodeId id) {
    const Node& node = graph.node(id);
    const auto* reshape = std::get_if<Reshape>(&node.op);
    if (reshape == nullptr || reshape->allowzero) return false;
    const Fact& x = graph.fact(node.inputs[0]);
    auto target = known_integers(graph.fact(node.inputs[1]));
    if (!target || target->empty() || !batch.is(target->front()) || !x.dims || x.dims->empty() || x.dims->front() != batch)
      return false;
    target->front() = 0;
    const Tensor open = Tensor::from(Shape{static_cast<std::int64_t>(target->size())}, std::span<const std::int64_t>(*target));
    std::vector<ValueId> inputs = rewriter.inputs_of(id);
    inputs[1] = rewriter.add_constant(node.outputs[0].name + ".shape", open);
    rewriter.copy(id, std::nullopt, std::move(inputs));
    log.done.push_back(fmt::format("open_batch: {}: copies the batch", describe(node)));
    return true;
  });
  std::vector<Fact> facts;
  for (const ValueId input : copying.inputs()) facts.push_back(copying.fact(input));
  facts[0].dims->front() = Dim::symbol("batch");
  try {
    return with_input_facts(copying, facts);
  } catch (Error& error) {
    throw Error(Fault::unsupported, Frame::pass("open_batch"), std::string("the graph fixes its batch: ") + error.what());
  }
}

}  // namespace resnet
