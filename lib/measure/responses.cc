#include "lib/measure/responses.h"

#include <algorithm>
#include <cmath>

#include "lib/base/error.h"
#include "lib/xnnpack/plan.h"
#include "lib/xnnpack/session.h"

namespace resnet {

namespace {

struct Layer {
  std::string name;
  ValueId response;
};

// Where a response can be seen: after the batch norm that alone reads the convolution, else after the convolution.
std::vector<Layer> find_layers(const Graph& graph) {
  const std::vector<std::vector<NodeId>> consumers = graph.consumers();
  std::vector<Layer> layers;
  for (std::size_t id = 0; id < graph.nodes().size(); ++id) {
    const Node& node = graph.nodes()[id];
    if (!holds_alternative<Conv>(node.op)) continue;
    const auto weight = graph.fact(node.inputs[1]).shape();
    if (!weight || weight->rank() != 4 || (*weight)[2] != 3 || (*weight)[3] != 3) continue;
    NodeId at = static_cast<NodeId>(id);
    const auto& readers = consumers[id];
    if (readers.size() == 1 && holds_alternative<BatchNormalization>(graph.node(readers[0]).op)) at = readers[0];
    layers.push_back({!node.name.empty() ? node.name : node.outputs[0].name, {at, 0}});
  }
  return layers;
}

// Mean and sum of squared distances from it, of batches put together (Chan et al. 1979).
struct Moments {
  double count = 0, mean = 0, squares = 0;

  void add(const Moments& other) {
    if (other.count == 0) return;
    const double total = count + other.count, distance = other.mean - mean;
    squares += other.squares + distance * distance * count * other.count / total;
    mean += distance * other.count / total;
    count = total;
  }
};

Moments moments_of(std::span<const float> values) {
  Moments moments;
  moments.count = static_cast<double>(values.size());
  double sum = 0;
  for (const float value : values) sum += static_cast<double>(value);
  moments.mean = values.empty() ? 0 : sum / moments.count;
  for (const float value : values) {
    const double distance = static_cast<double>(value) - moments.mean;
    moments.squares += distance * distance;
  }
  return moments;
}

}  // namespace

struct ResponseMeter::State {
  std::vector<std::string> names;
  std::vector<Moments> moments;
  std::optional<analysis::BatchMixing> mixing;
  std::unique_ptr<xnnpack::Session> session;
  ThreadPool* pool = nullptr;
};

ResponseMeter::ResponseMeter(Graph graph, ThreadPool& pool) : state_(std::make_unique<State>()) {
  const std::vector<Layer> layers = find_layers(graph);
  if (layers.empty()) throw Error(Fault::unsupported, "the network has no 3x3 convolution whose response could be measured");
  std::vector<ValueId> outputs;
  for (const Layer& layer : layers) {
    state_->names.push_back(layer.name);
    outputs.push_back(layer.response);
    // An output has a name.
    if (Value& value = graph.value(layer.response); value.name.empty()) value.name = "response of " + layer.name;
  }
  graph.set_outputs(std::move(outputs));
  state_->moments.resize(layers.size());
  state_->pool = &pool;
  state_->mixing = analysis::find_batch_mixing(graph, graph.outputs());
  state_->session = std::make_unique<xnnpack::Session>(xnnpack::Plan::make(std::move(graph)), pool);
}

ResponseMeter::~ResponseMeter() = default;

const std::optional<analysis::BatchMixing>& ResponseMeter::mixing() const { return state_->mixing; }

void ResponseMeter::add(const Tensor& images) {
  const std::vector<Tensor> outputs = state_->session->run(std::span(&images, 1));
  state_->pool->parallel_for(outputs.size(), 1, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) state_->moments[i].add(moments_of(outputs[i].data<float>()));
  });
}

std::vector<LayerResponse> ResponseMeter::responses() const {
  std::vector<LayerResponse> result;
  for (std::size_t i = 0; i < state_->names.size(); ++i) {
    const Moments& m = state_->moments[i];
    result.push_back(
        {state_->names[i], m.mean, m.count > 0 ? std::sqrt(m.squares / m.count) : 0, static_cast<std::int64_t>(m.count)});
  }
  return result;
}

}  // namespace resnet
