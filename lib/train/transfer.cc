#include "lib/train/transfer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <span>
#include <variant>

#include "lib/arch/build.h"
#include "lib/arch/parameters.h"
#include "lib/arch/recognize.h"
#include "lib/base/error.h"
#include "lib/passes/passes.h"
#include "lib/reference/reference.h"
#include "lib/train/constants.h"

namespace resnet::train {

namespace {

// A layer of the imported network under the name that arch::build() gives it.
struct Layer {
  const Node* node;
  std::vector<std::optional<Tensor>> parameters;  // by input
};

std::map<std::string, Layer> layers_of(const Graph& graph) {
  std::map<std::string, Layer> layers;
  for (const Node& node : graph.nodes()) {
    Layer layer{&node, {}};
    for (const ValueId input : node.inputs) layer.parameters.push_back(input.is_none() ? std::nullopt : graph.fact(input).value);
    layers.emplace(node.name, std::move(layer));
  }
  return layers;
}

Tensor filled(std::int64_t channels, float value) {
  const std::vector<float> values(static_cast<std::size_t>(channels), value);
  return Tensor::from<float>(Shape{channels}, values);
}

Tensor transposed(const Tensor& matrix) {
  const Tensor* const input = &matrix;
  return reference::evaluate(Transpose{.perm = {1, 0}}, std::span(&input, 1))[0];
}

// The weight as rows of classes, and the bias.
class Classifier {
 public:
  Classifier(const Graph& graph, const std::map<std::string, Layer>& layers, std::int64_t classes) {
    const auto found = layers.find("fc");
    if (found == layers.end()) return;
    const Node& node = *found->second.node;
    for (const std::optional<Tensor>& value : found->second.parameters) {
      if (!value || value->dtype() != DType::float32) continue;
      if (value->elements() == classes && weight) {
        bias = value->reshaped(Shape{classes});
      } else if (!weight) {
        const auto* gemm = get_if<Gemm>(&node.op);
        if (holds_alternative<Conv>(node.op)) {
          weight = value->reshaped(Shape{value->shape()[0], value->elements() / value->shape()[0]});
        } else if (value->shape().rank() == 2) {
          weight = gemm != nullptr && gemm->transB ? *value : transposed(*value);
        }
      }
    }
    if (!bias) bias = bias_behind(graph, node, classes);
  }

  std::optional<Tensor> weight, bias;

 private:
  // A MatMul's bias is an Add's.
  static std::optional<Tensor> bias_behind(const Graph& graph, const Node& node, std::int64_t classes) {
    for (const Node& reader : graph.nodes()) {
      if (!holds_alternative<Add>(reader.op)) continue;
      const bool reads = std::any_of(reader.inputs.begin(), reader.inputs.end(),
                                     [&](ValueId input) { return &graph.node(input.node) == &node; });
      if (!reads) continue;
      for (const ValueId input : reader.inputs) {
        const auto& value = graph.fact(input).value;
        if (value && value->dtype() == DType::float32 && value->elements() == classes) return value->reshaped(Shape{classes});
      }
    }
    return filled(classes, 0);
  }
};

// The parameters of a built network, taken from the layers of an imported one by their names.
class Parameters {
 public:
  Parameters(const Graph& built, const std::map<std::string, Layer>& layers) : built_(built), layers_(layers) {}

  const std::map<std::string, Tensor>& values() const { return values_; }

  void take_convolution(const Node& node) {
    take(node, 1, given(node, 1));
    if (node.inputs.size() > 2) take(node, 2, given(node, 2));
  }

  // Whether the imported network has it unfolded; else its convolution's bias, if any, becomes the shift of one that changes
  // nothing else.
  bool take_batch_norm(const Node& node) {
    const auto& norm = get<BatchNormalization>(node.op);
    const std::int64_t channels = (*built_.fact(node.inputs[1]).shape())[0];
    const std::optional<Tensor> bias = bias_before(node);
    const auto found = layers_.find(node.name);
    if (found == layers_.end() || !holds_alternative<BatchNormalization>(found->second.node->op)) {
      take(node, 1, filled(channels, 1));
      take(node, 2, bias ? *bias : filled(channels, 0));
      take(node, 3, filled(channels, 0));
      take(node, 4, filled(channels, 1 - norm.epsilon));
      return false;
    }
    for (std::size_t input = 1; input < 5; ++input) take(node, input, given(node, input));
    // The variance, as if epsilon were build()'s; and the mean of what no longer has a bias.
    const float difference = get<BatchNormalization>(found->second.node->op).epsilon - norm.epsilon;
    Tensor variance = Tensor::from<float>(Shape{channels}, given(node, 4).data<float>());
    for (float& v : variance.mutable_data<float>()) v += difference;
    take(node, 4, std::move(variance));
    if (!bias) return true;
    Tensor mean = Tensor::from<float>(Shape{channels}, given(node, 3).data<float>());
    for (std::int64_t c = 0; c < channels; ++c)
      mean.mutable_data<float>()[static_cast<std::size_t>(c)] -= bias->data<float>()[static_cast<std::size_t>(c)];
    take(node, 3, std::move(mean));
    return true;
  }

  void take_classifier(const Node& node, const Classifier& classifier) {
    if (!classifier.weight || !classifier.bias) refuse(node);
    take(node, 1, *classifier.weight);
    take(node, 2, *classifier.bias);
  }

 private:
  [[noreturn]] static void refuse(const Node& node) {
    throw Error(Fault::unsupported, fmt::format("node '{}': its parameters are not float constants", node.name));
  }

  void take(const Node& node, std::size_t input, Tensor value) {
    if (value.dtype() != DType::float32 || !(value.shape() == *built_.fact(node.inputs[input]).shape())) refuse(node);
    values_.insert_or_assign(built_.value(node.inputs[input]).name, std::move(value));
  }

  const Tensor& given(const Node& node, std::size_t input) const {
    const auto found = layers_.find(node.name);
    if (found == layers_.end() || input >= found->second.parameters.size() || !found->second.parameters[input]) refuse(node);
    return *found->second.parameters[input];
  }

  // Of the imported convolution before a batch norm.
  std::optional<Tensor> bias_before(const Node& norm) const {
    const auto convolution = layers_.find(built_.node(norm.inputs[0].node).name);
    if (convolution == layers_.end() || !holds_alternative<Conv>(convolution->second.node->op)) return std::nullopt;
    const auto& parameters = convolution->second.parameters;
    return parameters.size() > 2 ? parameters[2] : std::nullopt;
  }

  const Graph& built_;
  const std::map<std::string, Layer>& layers_;
  std::map<std::string, Tensor> values_;  // by the built parameters' names
};

}  // namespace

Transferred transfer(const Graph& imported, std::optional<std::int64_t> classes, std::uint64_t seed) {
  PassLog log;
  Graph graph = merge_pads(merge_transposes(remove_no_ops(fold_constants(imported, log), log), log), log);
  graph = remove_dead_nodes(fold_constants(graph, log), log);
  const arch::Recognition recognition = arch::recognize(graph);
  graph = arch::rename_as_built(graph, recognition);
  const std::map<std::string, Layer> layers = layers_of(graph);

  Transferred result;
  result.spec = recognition.spec;
  result.spec.batch.reset();
  result.imported_classes = result.spec.classes;
  if (classes) result.spec.classes = *classes;
  result.new_classifier = classes.has_value();
  const Graph built = arch::build(result.spec, {.seed = seed});
  Parameters parameters(built, layers);
  for (const Node& node : built.nodes()) {
    if (holds_alternative<Conv>(node.op)) {
      parameters.take_convolution(node);
    } else if (holds_alternative<BatchNormalization>(node.op)) {
      if (!parameters.take_batch_norm(node)) ++result.unfolded;
    } else if (holds_alternative<Gemm>(node.op) && !classes) {
      parameters.take_classifier(node, Classifier(graph, layers, result.imported_classes));
    }
  }
  result.graph = with_constants(built, parameters.values());
  return result;
}

bool is_frozen(const std::string& parameter, Frozen frozen) {
  if (frozen == Frozen::none) return false;
  if (frozen == Frozen::backbone) return !parameter.starts_with("fc.");
  // Stages come in their order; what is of none of them (the classifier) is not frozen.
  const auto stage = find_value<Frozen>(arch::place_of(parameter.substr(0, parameter.rfind('.'))).stage);
  return stage && *stage >= Frozen::conv1 && *stage <= frozen;
}

}  // namespace resnet::train
