#include "lib/train/pixel_mean.h"

#include <algorithm>

#include "lib/base/error.h"
#include "lib/passes/rewrite.h"

namespace resnet::train {

std::vector<float> pixel_mean(const Examples& examples, const View& view, const std::function<void()>& check, std::size_t most) {
  View plain = view;
  plain.pixel_mean.clear();
  std::vector<float> slot(3 * static_cast<std::size_t>(view.height) * static_cast<std::size_t>(view.width));
  std::vector<double> sum(slot.size());
  double count = 0;
  const std::size_t chosen = examples.in_memory() ? examples.size() : std::min(most, examples.size());
  for (std::size_t i = 0; i < chosen; ++i) {
    check();
    try {
      test_view(examples.pixels(i * examples.size() / chosen), plain, slot);
    } catch (const Error& error) {
      if (error.role() != Role::input) throw;
      continue;  // who learns from it is told
    }
    for (std::size_t k = 0; k < slot.size(); ++k) sum[k] += static_cast<double>(slot[k]);
    count += 1;
  }
  for (std::size_t k = 0; k < slot.size(); ++k) slot[k] = count > 0 ? static_cast<float>(sum[k] / count) : 0.0f;
  return slot;
}

Graph with_pixel_mean(const Graph& graph, std::span<const float> mean) {
  const ValueId input = graph.inputs()[0];
  const Dims& dims = *graph.fact(input).dims;
  const Shape shape{1, dims[1].number(), dims[2].number(), dims[3].number()};
  Rewriter rewriter(graph);
  return rewriter.run([&](NodeId id) {
    if (id != input.node) return false;
    const ValueId image = rewriter.copy(id);
    const ValueId values = rewriter.add_constant("pixel_mean", Tensor::from<float>(shape, mean));
    const std::string name = rewriter.fresh("centered");
    rewriter.replace(input, rewriter.graph().append(Sub{}, {image, values}, name, {name}));
    return true;
  });
}

std::optional<std::vector<float>> find_pixel_mean(const Graph& graph) {
  if (graph.inputs().size() != 1) return std::nullopt;
  const std::vector<NodeId> readers = graph.consumers()[static_cast<std::size_t>(graph.inputs()[0].node)];
  if (readers.size() != 1) return std::nullopt;
  const Node& node = graph.node(readers[0]);
  if (!holds_alternative<Sub>(node.op) || node.inputs[0] != graph.inputs()[0]) return std::nullopt;
  const auto* constant = get_if<Constant>(&graph.node(node.inputs[1].node).op);
  if (constant == nullptr || constant->value.dtype() != DType::float32 || constant->value.shape().rank() != 4)
    return std::nullopt;
  const auto values = constant->value.data<float>();
  return std::vector<float>(values.begin(), values.end());
}

}  // namespace resnet::train
