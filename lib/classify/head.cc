#include "lib/classify/head.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/base/error.h"
#include "lib/classify/endpoints.h"
#include "lib/passes/rewrite.h"
#include "lib/reference/reference.h"

namespace resnet {

namespace {

Graph at_size(const Graph& graph, const Dim& batch, const Dim& height, const Dim& width) {
  const ImageInput input = find_image_input(graph);
  Fact fact = graph.fact(graph.inputs()[0]);
  fact.dims = input.channels_last ? Dims{batch, height, width, input.channels} : Dims{batch, input.channels, height, width};
  return with_input_facts(graph, std::vector<Fact>{fact});
}

// The sizes that the network was made for: its own where they are fixed.
Graph at_own_size(const Graph& graph, std::int64_t side) {
  const ImageInput input = find_image_input(graph);
  return at_size(graph, input.batch.value_or(1), input.height.value_or(side), input.width.value_or(side));
}

bool averages_the_map(const Graph& graph, const Node& node) {
  if (node.inputs.empty() || node.inputs[0].is_none()) return false;
  const auto x = graph.fact(node.inputs[0]).shape(), y = node.outputs[0].fact.shape();
  if (!x || !y || x->rank() != 4) return false;
  if (holds_alternative<GlobalAveragePool>(node.op)) return true;
  if (const auto* pool = get_if<AveragePool>(&node.op)) {
    const auto& pads = pool->pads;
    return pool->kernel_shape == std::vector<std::int64_t>{(*x)[2], (*x)[3]} && (*y)[2] == 1 && (*y)[3] == 1 &&
           std::all_of(pads.begin(), pads.end(), [](std::int64_t pad) { return pad == 0; });
  }
  if (holds_alternative<ReduceMean>(node.op)) {
    const auto axes =
        node.inputs.size() > 1 && !node.inputs[1].is_none() ? known_integers(graph.fact(node.inputs[1])) : std::nullopt;
    if (!axes || axes->size() != 2) return false;
    std::vector<std::size_t> sorted = {normalize_axis((*axes)[0], 4), normalize_axis((*axes)[1], 4)};
    std::sort(sorted.begin(), sorted.end());
    return sorted == std::vector<std::size_t>{2, 3};
  }
  return false;
}

// Operators that keep the features in their order.
bool keeps_features(const Op& op) { return effect_of(op) == Effect::keeps_values || effect_of(op) == Effect::reshapes; }

std::optional<Tensor> transposed(const Tensor& matrix) {
  const std::int64_t rows = matrix.shape()[0], columns = matrix.shape()[1];
  const auto values = matrix.values_as<float>();
  std::vector<float> turned(values.size());
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = 0; j < columns; ++j)
      turned[static_cast<std::size_t>(j * rows + i)] = values[static_cast<std::size_t>(i * columns + j)];
  }
  return Tensor::from<float>(Shape{columns, rows}, turned);
}

// Also of weights that are kept in 8 bits.
std::optional<Tensor> weight_of(const Graph& graph, ValueId value) {
  const Node& node = graph.node(value.node);
  if (!holds_alternative<DequantizeLinear>(node.op)) return graph.fact(value).value;
  std::vector<const Tensor*> inputs;
  for (const ValueId input : node.inputs) {
    if (!input.is_none() && !graph.fact(input).value) return std::nullopt;
    inputs.push_back(input.is_none() ? nullptr : &*graph.fact(input).value);
  }
  return reference::evaluate(node.op, inputs).front();
}

// The matrix by which the features are multiplied, (classes, channels).
std::optional<Tensor> classifier_of(const Graph& graph, const std::vector<std::vector<NodeId>>& consumers, ValueId features,
                                    std::int64_t channels) {
  ValueId at = features;
  while (true) {
    const auto& readers = consumers[static_cast<std::size_t>(at.node)];
    if (readers.size() != 1) return std::nullopt;
    const Node& node = graph.node(readers[0]);
    if (node.inputs[0] != at) return std::nullopt;
    if (keeps_features(node.op)) {
      at = {readers[0], 0};
      continue;
    }
    if (node.inputs.size() < 2 || node.inputs[1].is_none()) return std::nullopt;
    const auto weight = weight_of(graph, node.inputs[1]);
    if (!weight || !is_floating_point(weight->dtype())) return std::nullopt;
    const Shape& shape = weight->shape();
    if (const auto* gemm = get_if<Gemm>(&node.op); gemm != nullptr && !gemm->transA && gemm->alpha == 1) {
      if (shape[gemm->transB ? 1 : 0] != channels) return std::nullopt;
      return gemm->transB ? *weight : transposed(*weight);
    }
    if (holds_alternative<MatMul>(node.op) && shape.rank() == 2 && shape[0] == channels) return transposed(*weight);
    if (holds_alternative<Conv>(node.op) && shape.elements() == shape[0] * channels)
      return weight->reshaped(Shape{shape[0], channels});
    return std::nullopt;
  }
}

}  // namespace

Head find_head(const Graph& graph, std::int64_t side) {
  const Graph fixed = at_own_size(graph, side);
  const auto consumers = fixed.consumers();
  Head head;
  // The last one: squeeze-and-excitation averages maps within the blocks, too.
  for (std::size_t id = 0; id < fixed.nodes().size(); ++id) {
    if (averages_the_map(fixed, fixed.nodes()[id])) head.pool = static_cast<NodeId>(id);
  }
  if (head.pool < 0) {
    throw Error(Fault::unsupported,
                "no node averages the last maps before the classifier (GlobalAveragePool, ReduceMean, or "
                "AveragePool of the whole map)");
  }
  head.map = fixed.node(head.pool).inputs[0];
  head.features = {head.pool, 0};
  const Shape map = *fixed.fact(head.map).shape();
  head.channels = map[1];
  head.height = map[2];
  head.width = map[3];
  head.weights = classifier_of(fixed, consumers, head.features, head.channels);
  return head;
}

Graph with_head_outputs(const Graph& graph, std::int64_t side) {
  const Head head = find_head(graph, side);
  Graph result = graph;
  std::vector<ValueId> outputs(graph.outputs().begin(), graph.outputs().end());
  outputs.push_back(head.features);
  outputs.push_back(head.map);
  result.set_outputs(std::move(outputs));
  return result;
}

Graph fully_convolutional(const Graph& graph, std::int64_t side) {
  const Graph fixed = at_own_size(graph, side);
  const Head head = find_head(graph, side);
  const AveragePool windows{.kernel_shape = {head.height, head.width}, .strides = {1, 1}};
  Rewriter rewriter(fixed);
  const Graph rewritten = rewriter.run([&](NodeId id) {
    if (id != head.pool) return false;
    const Node& node = fixed.node(id);
    const std::string base = name_of(node);
    const ValueId averaged = rewriter.graph().append(windows, {rewriter.map(node.inputs[0])}, base + ".windows");
    std::vector<ValueId> inputs = rewriter.inputs_of(id);
    inputs[0] = averaged;
    if (holds_alternative<AveragePool>(node.op)) {
      rewriter.copy(id, GlobalAveragePool{}, std::vector<ValueId>{averaged});
    } else {
      rewriter.copy(id, std::nullopt, std::move(inputs));
    }
    return true;
  });
  try {
    return at_size(rewritten, find_image_input(graph).batch ? Dim(*find_image_input(graph).batch) : Dim::symbol("batch"),
                   Dim::symbol("height"), Dim::symbol("width"));
  } catch (Error& error) {
    throw Error(Fault::unsupported, fmt::format("the network takes images of one size only: {}", error.what()));
  }
}

}  // namespace resnet
