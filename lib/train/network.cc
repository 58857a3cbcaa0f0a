#include "lib/train/network.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "lib/base/error.h"
#include "lib/train/constants.h"
#include "lib/train/layer.h"

namespace resnet::train {

namespace {

Graph with_batch(const Graph& graph, std::int64_t batch) {
  if (graph.inputs().size() != 1 || graph.outputs().size() != 1) {
    throw Error(Fault::unsupported, fmt::format("a network of {} inputs and {} outputs cannot be trained, expected one of each",
                                                graph.inputs().size(), graph.outputs().size()));
  }
  Fact input = graph.fact(graph.inputs()[0]);
  if (!input.dims || input.dims->size() != 4) {
    throw Error(Fault::unsupported,
                fmt::format("input '{}' is {}, expected NCHW", graph.value(graph.inputs()[0]).name, input.to_string()));
  }
  (*input.dims)[0] = batch;
  return with_input_facts(graph, std::vector<Fact>{input});
}

}  // namespace

struct Network::State {
  // First: all memory comes from here.
  Planner planner;
  Graph original, graph;  // as it was given, and of this batch
  std::int64_t batch = 0;
  std::map<NodeId, Value> values;
  std::map<NodeId, Weights> weights;
  std::vector<std::unique_ptr<Layer>> layers;
  std::vector<Layer*> differentiated;  // of those, in their order
  std::vector<Parameter> parameters;
  Value *input = nullptr, *logits = nullptr;
  memory logits_gradient;

  void find_weights(const std::function<bool(const std::string&)>& frozen);
  void plan();
  Site site_of(NodeId id, NodeId output);
  std::unique_ptr<Layer> make_layer(NodeId id, NodeId output);

  const Weights& find(const std::string& name) const {
    for (const auto& [id, w] : weights) {
      if (w.name == name && w.is_trained) return w;
    }
    throw Error(Fault::internal, fmt::format("'{}' is not a trained parameter", name));
  }
  Tensor in_own_order(const Weights& w, const memory& data) {
    Tensor tensor = Tensor::allocate(DType::float32, w.initial.shape());
    planner.copy(data, memory(plain(data.get_desc().dims()), planner.engine, tensor.mutable_data<float>().data()));
    return tensor;
  }
};

void Network::State::find_weights(const std::function<bool(const std::string&)>& frozen) {
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    const auto id = static_cast<NodeId>(i);
    const Node& node = graph.node(id);
    for (std::size_t k = 1; k < node.inputs.size(); ++k) {
      if (node.inputs[k].is_none()) continue;
      const Node& source = graph.node(node.inputs[k].node);
      const auto* constant = get_if<Constant>(&source.op);
      if (constant == nullptr || constant->value.dtype() != DType::float32) continue;
      const bool is_norm = holds_alternative<BatchNormalization>(node.op);
      if (!is_norm && !holds_alternative<Conv>(node.op) && !holds_alternative<Gemm>(node.op)) continue;
      Weights w{.name = source.outputs[0].name, .initial = constant->value};
      w.is_running_figure = is_norm && k >= 3;
      w.is_weight = !is_norm && k == 1;
      w.is_trained = !w.is_running_figure && (!frozen || !frozen(w.name));
      if (!weights.emplace(node.inputs[k].node, std::move(w)).second)
        throw Error(Fault::unsupported, Frame::node(describe(node)), "shares a parameter with another node");
    }
    // A layer is trained as a whole.
    std::vector<Weights*> own;
    for (const ValueId source : node.inputs) {
      const auto found = weights.find(source.node);
      if (found != weights.end() && !found->second.is_running_figure) own.push_back(&found->second);
    }
    const bool any = std::any_of(own.begin(), own.end(), [](const Weights* w) { return w->is_trained; });
    for (Weights* w : own) w->is_trained = any;
  }
}

Site Network::State::site_of(NodeId id, NodeId output) {
  const Node& node = graph.node(id);
  Value& result = values[output];
  result.name = graph.node(output).outputs[0].name;
  Site site{.node = node, .facts = {}, .shape = *graph.fact({output, 0}).shape(), .inputs = {}, .weights = {}, .output = result};
  bool trained = false;
  for (const ValueId source : node.inputs) {
    const auto weight = source.is_none() ? weights.end() : weights.find(source.node);
    const auto value = source.is_none() ? values.end() : values.find(source.node);
    site.facts.push_back(source.is_none() ? Fact::unknown() : graph.fact(source));
    site.weights.push_back(weight == weights.end() ? nullptr : &weight->second);
    site.inputs.push_back(value == values.end() ? nullptr : &value->second);
    trained |= (weight != weights.end() && weight->second.is_trained) || (value != values.end() && value->second.wants_gradient);
  }
  result.wants_gradient = trained;
  return site;
}

// The layer of a node, and of the ReLU after it where `output` is not the node itself.
std::unique_ptr<Layer> Network::State::make_layer(NodeId id, NodeId output) {
  const Site site = site_of(id, output);
  const Node& node = site.node;
  const bool with_relu = output != id;
  const auto expect = [&](bool holds, const char* what) {
    if (!holds) throw Error(Fault::unsupported, Frame::node(describe(node)), fmt::format("cannot be trained, expected {}", what));
  };
  const auto expect_parameters = [&](std::size_t first, std::size_t last) {
    for (std::size_t i = first; i <= last; ++i)
      expect(i < site.weights.size() && site.weights[i] != nullptr, "its parameters to be float constants");
  };
  if (!site.inputs.empty()) expect(site.inputs[0] != nullptr, "its input to depend on the graph's");
  return visit(
      [&]<typename T>(const T& op) -> std::unique_ptr<Layer> {
        if constexpr (std::is_same_v<T, Conv>) {
          expect_parameters(1, node.inputs.size() - 1);
          return make_convolution(planner, site, op);
        } else if constexpr (std::is_same_v<T, BatchNormalization>) {
          expect_parameters(1, 4);
          expect(site.weights[1]->is_trained || !site.inputs[0]->wants_gradient, "nothing before what is frozen to be trained");
          return make_batch_norm(planner, site, op, with_relu);
        } else if constexpr (std::is_same_v<T, Add>) {
          expect(site.inputs[1] != nullptr && site.facts[0].dims == site.facts[1].dims, "two maps of one shape");
          return make_addition(planner, site, with_relu);
        } else if constexpr (std::is_same_v<T, Relu>) {
          return make_relu(planner, site);
        } else if constexpr (std::is_same_v<T, Sigmoid>) {
          return make_sigmoid(planner, site);
        } else if constexpr (std::is_same_v<T, Mul>) {
          const auto factor = site.facts[1].shape();
          expect(site.inputs[1] != nullptr && factor->rank() == 4 && (*factor)[2] * (*factor)[3] == 1,
                 "a map and a factor for each of its channels");
          return make_channel_scale(planner, site);
        } else if constexpr (std::is_same_v<T, MaxPool>) {
          return make_max_pool(planner, site, op);
        } else if constexpr (std::is_same_v<T, AveragePool>) {
          return make_average_pool(planner, site, op);
        } else if constexpr (std::is_same_v<T, GlobalAveragePool>) {
          return make_global_average_pool(planner, site);
        } else if constexpr (std::is_same_v<T, Slice> || std::is_same_v<T, Pad>) {
          return make_movement(planner, site);
        } else if constexpr (std::is_same_v<T, Flatten>) {
          return make_flatten(planner, site);
        } else if constexpr (std::is_same_v<T, Gemm>) {
          expect_parameters(1, 2);
          expect(op.transB && !op.transA && op.alpha == 1 && op.beta == 1, "rows of features times a transposed weight");
          return make_classifier(planner, site);
        } else {
          throw Error(Fault::unsupported, Frame::node(describe(node)), "is not an operator that can be trained");
        }
      },
      node.op);
}

void Network::State::plan() {
  const std::vector<std::vector<NodeId>> consumers = graph.consumers();
  const NodeId last = graph.outputs()[0].node;
  std::vector<bool> has_layer(graph.nodes().size(), true);
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    const auto id = static_cast<NodeId>(i);
    const Node& node = graph.node(id);
    if (!has_layer[i] || holds_alternative<Constant>(node.op)) continue;
    if (holds_alternative<Input>(node.op)) {
      Value& value = values[id];
      const memory::desc desc = plain(dims_of(*node.outputs[0].fact.shape()));
      value = {.name = node.outputs[0].name, .data = planner.keep(desc), .lease = {}, .gradients = {}};
      input = &value;
      continue;
    }
    NodeId output = id;
    const auto& readers = consumers[i];
    const bool takes_relu = holds_alternative<BatchNormalization>(node.op) || holds_alternative<Add>(node.op);
    if (takes_relu && id != last && readers.size() == 1 && holds_alternative<Relu>(graph.node(readers[0]).op)) {
      output = readers[0];
      has_layer[static_cast<std::size_t>(output)] = false;
    }
    layers.push_back(make_layer(id, output));
    const Value& result = values.at(output);
    if (result.wants_gradient) differentiated.push_back(layers.back().get());
    // What no gradient needs is let go after its last reader.
    for (const ValueId source : node.inputs) {
      const auto value = source.is_none() ? values.end() : values.find(source.node);
      if (value == values.end()) continue;
      value->second.is_read_backward |= result.wants_gradient;
      if (value->second.is_read_backward || value->second.wants_gradient) continue;
      const auto& others = consumers[static_cast<std::size_t>(source.node)];
      if (source.node != last && std::none_of(others.begin(), others.end(), [&](NodeId other) { return other > id; }))
        value->second.lease.reset();
    }
  }
  const auto found = values.find(last);
  if (found == values.end() || input == nullptr || found->second.data.get_desc().dims().size() != 2) {
    throw Error(Fault::unsupported, fmt::format("output '{}' is not a batch of logits", graph.value(graph.outputs()[0]).name));
  }
  logits = &found->second;
  if (!logits->wants_gradient) throw Error(Fault::invalid, "every parameter is frozen: there is nothing to train");
  logits_gradient = planner.add_gradient(*logits);
  for (auto layer = differentiated.rbegin(); layer != differentiated.rend(); ++layer) (*layer)->plan_backward(planner);
  for (auto& [id, w] : weights) {
    if (!w.is_trained) continue;
    const auto all = [](const memory& m) { return std::span<float>(floats(m), floats_in(m)); };
    parameters.push_back({w.name, w.is_weight, all(w.values), all(w.gradient), all(w.velocity)});
  }
}

namespace {

constexpr const char* no_memory = "not enough memory for a batch of this size";

// oneDNN reports in its own way.
template <typename Body>
auto translated(const Body& body) {
  try {
    return body();
  } catch (const dnnl::error& error) {
    if (error.status == dnnl_out_of_memory) throw Error(Fault::exhausted, no_memory);
    throw Error(Fault::internal, fmt::format("oneDNN: {}", error.what()));
  } catch (const std::bad_alloc&) {
    throw Error(Fault::exhausted, no_memory);
  }
}

}  // namespace

Network::Network(const Graph& graph, std::int64_t batch, const std::function<bool(const std::string&)>& frozen)
    : state_(std::make_unique<State>()) {
  translated([&] {
    state_->original = graph;
    state_->graph = with_batch(graph, batch);
    state_->batch = batch;
    state_->find_weights(frozen);
    state_->plan();
  });
}

Network::~Network() = default;

std::int64_t Network::batch() const { return state_->batch; }
std::int64_t Network::classes() const { return state_->logits->data.get_desc().dims()[1]; }
std::size_t Network::bytes() const { return state_->planner.arena.bytes(); }
std::span<Parameter> Network::parameters() { return state_->parameters; }

std::span<float> Network::input() { return {floats(state_->input->data), floats_in(state_->input->data)}; }
std::span<float> Network::logits_gradient() { return {floats(state_->logits_gradient), floats_in(state_->logits_gradient)}; }

std::span<const float> Network::forward(Mode mode) {
  translated([&] {
    for (const auto& layer : state_->layers) layer->forward(state_->planner, mode);
    state_->planner.stream.wait();
  });
  return {floats(state_->logits->data), floats_in(state_->logits->data)};
}

void Network::finish_calibration() {
  for (const auto& layer : state_->layers) layer->finish_calibration();
}

void Network::backward() {
  translated([&] {
    for (auto layer = state_->differentiated.rbegin(); layer != state_->differentiated.rend(); ++layer)
      (*layer)->backward(state_->planner);
    state_->planner.stream.wait();
  });
}

Tensor Network::gradient(const std::string& name) const {
  const Weights& w = state_->find(name);
  return state_->in_own_order(w, w.gradient);
}

Tensor Network::velocity(const std::string& name) const {
  const Weights& w = state_->find(name);
  return state_->in_own_order(w, w.velocity);
}

void Network::set_velocity(const std::string& name, const Tensor& value) {
  const Weights& w = state_->find(name);
  if (value.dtype() != DType::float32 || !(value.shape() == w.initial.shape()))
    throw Error(Fault::malformed, fmt::format("the velocity of '{}' does not have the parameter's shape", name));
  Planner& planner = state_->planner;
  planner.copy(memory(plain(w.velocity.get_desc().dims()), planner.engine, const_cast<float*>(value.data<float>().data())),
               w.velocity);
}

Graph Network::graph() const {
  std::map<std::string, Tensor> values;
  for (const auto& [id, w] : state_->weights) values.emplace(w.name, state_->in_own_order(w, w.values));
  return with_constants(state_->original, values);
}

}  // namespace resnet::train
