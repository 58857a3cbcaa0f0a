#include "lib/analysis/cost.h"

#include <fmt/format.h>

#include <set>

#include "lib/base/checked.h"
#include "lib/base/error.h"

namespace resnet::analysis {

namespace {

std::int64_t fit(const std::optional<std::int64_t>& count) {
  if (!count) throw Error(Fault::malformed, "a count does not fit into 64 bits");
  return *count;
}

std::int64_t plus(std::int64_t a, std::int64_t b) { return fit(checked_add(a, b)); }
std::int64_t times(std::int64_t a, std::int64_t b) { return fit(checked_multiply(a, b)); }

class Counter {
 public:
  // Where not `strict`, what depends on an unknown size is left out.
  Counter(const Graph& graph, bool strict) : graph_(graph), strict_(strict), weights_(graph.nodes().size()) {
    for (std::size_t id = 0; id < weights_.size(); ++id) {
      const Node& node = graph.nodes()[id];
      if (holds_alternative<Input>(node.op)) {
        // A file without weights lists its parameters as inputs: every input but the graph's first.
        weights_[id] = graph.inputs().front().node != static_cast<NodeId>(id);
        continue;
      }
      weights_[id] = holds_alternative<Constant>(node.op) || !node.inputs.empty();
      for (const ValueId input : node.inputs) {
        if (!input.is_none() && !is_weight(input)) weights_[id] = false;
      }
    }
  }

  Cost cost(NodeId id) {
    const Node& node = graph_.node(id);
    cost_ = {};
    node_ = &node;
    visit([this](const auto& op) { count(op); }, node.op);
    if (!holds_alternative<Constant>(node.op) && !holds_alternative<Input>(node.op)) {
      for (const Value& output : node.outputs) {
        if (const auto shape = output.fact.shape()) cost_.outputs = plus(cost_.outputs, shape->elements());
      }
    }
    return cost_;
  }

 private:
  // One function for each operator that some tool counts.
  void count(const Conv&) { convolution(1, 2); }
  void count(const ConvInteger&) { convolution(1, none); }
  void count(const QLinearConv&) { convolution(3, 8); }
  // Each element of the input is multiplied by a kernel for each output channel of its group.
  void count(const ConvTranspose&) {
    const auto weight = shape_of(graph_.fact(node_->inputs[1]));
    product(1, 1, 2);
    cost_.macs = !weight || (*weight)[0] == 0 ? 0 : times(input_elements(), weight->elements() / (*weight)[0]);
    cost_.convolution_elements = cost_.activations;
    std::swap(cost_.convolution_biases, cost_.product_biases);
  }
  void count(const Gemm& gemm) { product(reduced_size(gemm.transA), 1, 2); }
  void count(const QGemm& gemm) { product(reduced_size(gemm.transA), 3, 6); }
  void count(const MatMul&) { product(reduced_size(false), 1, none); }
  void count(const MatMulInteger&) { product(reduced_size(false), 1, none); }
  void count(const QLinearMatMul&) { product(reduced_size(false), 3, none); }
  void count(const QLinearAdd&) { cost_.add_elements = output_elements(); }
  void count(const QLinearGlobalAveragePool&) { global_pool(); }
  void count(const QLinearAveragePool&) { average_pool(); }
  void count(const BatchNormalization&) {
    cost_.norm_elements = output_elements();
    cost_.parameters = plus(parameters(1), parameters(2));
    cost_.buffers = plus(parameters(3), parameters(4));
  }
  void count(const InstanceNormalization&) { normalization(); }
  void count(const GroupNormalization&) { normalization(); }
  void count(const LayerNormalization&) { normalization(); }
  void count(const Relu&) { cost_.relu_elements = output_elements(); }
  void count(const LeakyRelu&) { cost_.relu_elements = output_elements(); }
  void count(const PRelu&) {
    cost_.relu_elements = output_elements();
    cost_.parameters = parameters(1);
  }
  void count(const Clip&) { cost_.relu_elements = output_elements(); }
  void count(const Add&) { addition(); }
  void count(const Sum&) { addition(); }
  void count(const Sub&) { addition(); }
  void count(const Mul&) { scale(); }
  void count(const Div&) { scale(); }
  void count(const MaxPool&) { cost_.window_pool_inputs = input_elements(); }
  void count(const AveragePool&) { average_pool(); }
  void count(const GlobalAveragePool&) { global_pool(); }
  void count(const ReduceMean&) {
    if (graph_.fact(node_->inputs[0]).has_rank() && graph_.fact(node_->inputs[0]).rank() == 4) global_pool();
  }
  // What no tool counts, and operators that only move values or change their form.
  template <typename T>
  void count(const T&) {}
  void count(const Opaque&) { cost_.not_counted = 1; }

  std::optional<Shape> shape_of(const Fact& fact) {
    auto shape = fact.shape();
    if (!shape && strict_) {
      throw Error(Fault::malformed,
                  fmt::format("the cost depends on a size that is not known ({}): give the input's shape", fact.to_string()));
    }
    if (!shape) cost_.not_counted = 1;
    return shape;
  }
  std::int64_t elements_of(const Fact& fact) {
    const auto shape = shape_of(fact);
    return shape ? shape->elements() : 0;
  }
  std::int64_t output_elements() { return elements_of(node_->outputs[0].fact); }
  std::int64_t input_elements() { return elements_of(graph_.fact(node_->inputs[0])); }
  bool has_input(std::size_t index) const { return index < node_->inputs.size() && !node_->inputs[index].is_none(); }

  // Whether a value comes from constants alone; `source` is then what it is stored as: Identity keeps it, anything else makes a
  // new one.
  bool is_weight(ValueId id) const { return weights_[static_cast<std::size_t>(id.node)]; }
  ValueId source(ValueId id) const {
    while (holds_alternative<Identity>(graph_.node(id.node).op)) id = graph_.node(id.node).inputs[0];
    return id;
  }

  // Elements of input `index`, if it is a weight that has not been counted yet.
  std::int64_t parameters(std::size_t index) {
    if (!has_input(index)) return 0;
    const ValueId id = source(node_->inputs[index]);
    if (!is_weight(id) || !counted_.insert(id).second) return 0;
    return elements_of(graph_.fact(id));
  }

  static constexpr std::size_t none = static_cast<std::size_t>(-1);  // no such input

  void convolution(std::size_t weight_index, std::size_t bias_index) {
    const auto weight = shape_of(graph_.fact(node_->inputs[weight_index]));
    std::int64_t per_output = weight ? 1 : 0;
    for (std::size_t axis = 1; weight && axis < weight->rank(); ++axis) per_output = times(per_output, (*weight)[axis]);
    product(per_output, weight_index, bias_index);
    cost_.convolution_elements = cost_.activations;
    std::swap(cost_.convolution_biases, cost_.product_biases);
  }

  // The dim that a matrix product sums over.
  std::int64_t reduced_size(bool transposed) {
    const auto left = shape_of(graph_.fact(node_->inputs[0]));
    if (!left) return 0;
    if (left->rank() == 0) return 1;
    return transposed ? (*left)[0] : (*left)[left->rank() - 1];
  }

  void product(std::int64_t per_output, std::size_t weight_index, std::size_t bias_index) {
    cost_.activations = output_elements();
    cost_.macs = times(cost_.activations, per_output);
    cost_.parameters = plus(plus(parameters(0), parameters(weight_index)), parameters(bias_index));
    if (has_input(bias_index)) cost_.product_biases = cost_.activations;
  }

  // An addition of two activations is a residual one; of an activation and a weight, a bias.
  void addition() {
    bool bias = false;
    for (std::size_t i = 0; i < node_->inputs.size(); ++i) {
      if (has_input(i) && is_weight(node_->inputs[i]) && trained(node_->inputs[i])) {
        bias = true;
        cost_.parameters = plus(cost_.parameters, parameters(i));
      }
    }
    (bias ? cost_.product_biases : cost_.add_elements) = is_integer() ? 0 : output_elements();
  }
  void scale() {
    for (std::size_t i = 0; i < node_->inputs.size(); ++i) {
      if (has_input(i) && is_weight(node_->inputs[i]) && trained(node_->inputs[i]))
        cost_.parameters = plus(cost_.parameters, parameters(i));
    }
  }
  // A float vector is a parameter; one number, or integers, are arithmetic of the exporter's.
  bool trained(ValueId id) const {
    const Fact& fact = graph_.fact(id);
    const auto shape = fact.shape();
    return fact.dtype && is_floating_point(*fact.dtype) && shape && shape->elements() > 1 && !is_weight(other_input(id));
  }
  ValueId other_input(ValueId id) const {
    for (ValueId input : node_->inputs) {
      if (input != id) return input;
    }
    return id;
  }
  bool is_integer() const { return node_->outputs[0].fact.dtype && !is_floating_point(*node_->outputs[0].fact.dtype); }

  void normalization() {
    cost_.norm_elements = output_elements();
    cost_.parameters = plus(parameters(1), parameters(2));
  }
  void average_pool() {
    // A window as large as the map is a global pool by another name.
    const auto output = node_->outputs[0].fact.shape();
    bool global = output && output->rank() > 2;
    for (std::size_t axis = 2; global && axis < output->rank(); ++axis) global = (*output)[axis] == 1;
    if (global) {
      global_pool();
    } else {
      cost_.window_pool_inputs = input_elements();
    }
  }
  void global_pool() {
    cost_.global_pool_inputs = input_elements();
    cost_.global_pool_outputs = output_elements();
  }

  const Graph& graph_;
  const bool strict_;
  std::vector<bool> weights_;  // by node: whether it comes from constants alone
  const Node* node_ = nullptr;
  Cost cost_;
  std::set<ValueId> counted_;
};

}  // namespace

Cost& Cost::operator+=(const Cost& other) {
  for (std::int64_t Cost::*member :
       {&Cost::macs, &Cost::parameters, &Cost::buffers, &Cost::activations, &Cost::outputs, &Cost::convolution_elements,
        &Cost::convolution_biases, &Cost::product_biases, &Cost::norm_elements, &Cost::relu_elements, &Cost::add_elements,
        &Cost::window_pool_inputs, &Cost::global_pool_inputs, &Cost::global_pool_outputs, &Cost::not_counted}) {
    this->*member = plus(this->*member, other.*member);
  }
  return *this;
}

namespace {

std::vector<Cost> count_costs(const Graph& graph, bool strict) {
  Counter counter(graph, strict);
  std::vector<Cost> costs;
  costs.reserve(graph.nodes().size());
  for (std::size_t id = 0; id < graph.nodes().size(); ++id) {
    try {
      costs.push_back(counter.cost(static_cast<NodeId>(id)));
    } catch (Error& error) {
      error.in(Frame::node(describe(graph.nodes()[id])));
      throw;
    }
  }
  return costs;
}

}  // namespace

std::vector<Cost> costs_of(const Graph& graph) { return count_costs(graph, true); }
std::vector<Cost> known_costs_of(const Graph& graph) { return count_costs(graph, false); }

Cost total(const std::vector<Cost>& costs) {
  Cost sum;
  for (const Cost& cost : costs) sum += cost;
  return sum;
}

Graph at_batch(const Graph& graph, std::int64_t batch) {
  std::vector<Fact> facts;
  bool first = true;
  for (ValueId input : graph.inputs()) {
    Fact fact = graph.fact(input);
    const bool symbolic = fact.dims && !fact.dims->empty() && !fact.dims->front().is_number();
    if (fact.dims && !fact.dims->empty() && (first || symbolic)) fact.dims->front() = batch;
    facts.push_back(std::move(fact));
    first = false;
  }
  return with_input_facts(graph, facts);
}

std::vector<Convention> conventions(const Cost& cost, bool folded_batch_norm) {
  // Where batch norm was folded it followed every convolution, and gave it its bias.
  const std::int64_t norm = folded_batch_norm ? cost.convolution_elements : cost.norm_elements;
  const std::int64_t biases = folded_batch_norm ? cost.product_biases : plus(cost.convolution_biases, cost.product_biases);
  const std::int64_t macs = cost.macs;
  return {
      {"paper", macs, "multiply-adds of the convolutions and the classifier; the paper's word for them is FLOPs"},
      {"FLOPs", times(2, macs), "the same, a multiplication and an addition counted as two"},
      {"torchvision", macs, "multiply-adds of the convolutions and the classifier"},
      {"fvcore, timm", plus(macs, plus(times(2, norm), cost.global_pool_inputs)),
       "adds 2 per element of batch norm and the inputs of the global pool"},
      {"ptflops",
       plus(macs,
            plus(times(2, norm), plus(cost.relu_elements, plus(cost.window_pool_inputs, plus(cost.global_pool_inputs, biases))))),
       "adds 2 per element of batch norm, ReLU, the inputs of all pools, and biases"},
      {"thop", plus(macs, plus(times(4, norm), plus(cost.global_pool_inputs, cost.global_pool_outputs))),
       "adds 4 per element of batch norm, and for the global pool its additions and one division per output"},
  };
}

}  // namespace resnet::analysis
