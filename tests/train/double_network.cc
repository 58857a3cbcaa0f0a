#include "tests/train/double_network.h"

#include <cmath>
#include <variant>
#include <vector>

#include "lib/reference/reference.h"
#include "lib/train/constants.h"

namespace resnet::train {

namespace {

Tensor normalized_by_batch(const BatchNormalization& op, const Tensor& x, const Tensor& scale, const Tensor& shift) {
  const std::int64_t batch = x.shape()[0], channels = x.shape()[1], pixels = x.elements() / (batch * channels);
  Tensor y = Tensor::allocate(DType::float64, x.shape());
  const auto in = x.data<double>();
  const auto out = y.mutable_data<double>();
  for (std::int64_t c = 0; c < channels; ++c) {
    const auto each = [&](const auto& body) {
      for (std::int64_t n = 0; n < batch; ++n) {
        for (std::int64_t i = 0; i < pixels; ++i) body(static_cast<std::size_t>((n * channels + c) * pixels + i));
      }
    };
    const auto count = static_cast<double>(batch * pixels);
    double mean = 0, variance = 0;
    each([&](std::size_t i) { mean += in[i] / count; });
    each([&](std::size_t i) { variance += (in[i] - mean) * (in[i] - mean) / count; });
    const auto k = static_cast<std::size_t>(c);
    const double factor = scale.data<double>()[k] / std::sqrt(variance + static_cast<double>(op.epsilon));
    each([&](std::size_t i) { out[i] = (in[i] - mean) * factor + shift.data<double>()[k]; });
  }
  return y;
}

}  // namespace

std::map<std::string, Tensor> constants_in_double(const Graph& graph) {
  std::map<std::string, Tensor> result;
  for (const auto& [name, value] : float_constants(graph)) {
    const std::vector<double> numbers = value.values_as<double>();
    result.emplace(name, Tensor::from<double>(value.shape(), numbers));
  }
  return result;
}

double loss_in_double(const Graph& graph, const std::map<std::string, Tensor>& values, const Tensor& input,
                      std::span<const std::int64_t> truths, double label_smoothing) {
  std::vector<Tensor> results(graph.nodes().size());
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    const Node& node = graph.nodes()[i];
    if (holds_alternative<Input>(node.op)) {
      results[i] = input;
      continue;
    }
    if (const auto* constant = get_if<Constant>(&node.op)) {
      const auto found = values.find(node.outputs[0].name);
      results[i] = found == values.end() ? constant->value : found->second;
      continue;
    }
    std::vector<const Tensor*> inputs;
    for (const ValueId id : node.inputs) inputs.push_back(id.is_none() ? nullptr : &results[static_cast<std::size_t>(id.node)]);
    const auto* norm = get_if<BatchNormalization>(&node.op);
    results[i] = norm != nullptr ? normalized_by_batch(*norm, *inputs[0], *inputs[1], *inputs[2])
                                 : reference::evaluate(node.op, inputs)[0];
  }
  const Tensor& logits = results[static_cast<std::size_t>(graph.outputs()[0].node)];
  const auto classes = static_cast<std::size_t>(logits.shape()[1]);
  double loss = 0;
  for (std::size_t n = 0; n < truths.size(); ++n) {
    const auto row = logits.data<double>().subspan(n * classes, classes);
    double sum = 0;
    for (const double logit : row) sum += std::exp(logit);
    for (std::size_t c = 0; c < classes; ++c) {
      const double target =
          label_smoothing / static_cast<double>(classes) + (static_cast<std::int64_t>(c) == truths[n] ? 1 - label_smoothing : 0);
      loss -= target * (row[c] - std::log(sum)) / static_cast<double>(truths.size());
    }
  }
  return loss;
}

}  // namespace resnet::train
