// before: x -> Conv(w, b) -> BatchNormalization(scale, shift, mean, variance) -> y
// after:  x -> Conv(w * f, (b - mean) * f + shift) -> y,  f = scale / sqrt(variance + epsilon), per output channel
// The same for Gemm (alpha * A * B + beta * C), for Mul, Div, Add and Sub by per-channel constants after either (Caffe's Scale
// layers), for several of these in a row, and through Identity nodes between them.
// Conditions: weight, bias and parameters are constant, one per channel; nothing else reads what is between them, nor is it an
// output of the graph; inference mode; every factor is finite. Computed in double and rounded once. Names: y's value and the
// convolution's node. A weight or bias that nothing else reads hands its name on; a shared one stays for its other readers and
// the new one is "<node>.weight".

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <variant>

#include "lib/passes/passes.h"
#include "lib/passes/rewrite.h"

namespace resnet {

namespace {

// y = factor * x + shift, per channel.
struct Affine {
  std::vector<double> factor, shift;

  explicit Affine(std::size_t channels) : factor(channels, 1.0), shift(channels, 0.0) {}
  void then(const Affine& next) {
    for (std::size_t c = 0; c < factor.size(); ++c) {
      factor[c] *= next.factor[c];
      shift[c] = shift[c] * next.factor[c] + next.shift[c];
    }
  }
};

// Why something is not folded: a value, since the user asked nothing that is wrong.
struct Because {
  std::string text;
};

template <typename T>
using Maybe = std::variant<T, Because>;

// A convolution, what follows it and goes into it, in order, and what that does to its output.
struct Chain {
  NodeId head;
  std::vector<NodeId> nodes;
  Affine map;
  Tensor weight = {}, bias = {};  // the new ones
};

bool may_be_folded(const Op& op) {
  return holds_alternative<BatchNormalization>(op) || holds_alternative<Mul>(op) || holds_alternative<Div>(op) ||
         holds_alternative<Add>(op) || holds_alternative<Sub>(op);
}

bool is_head(const Op& op) { return holds_alternative<Conv>(op) || holds_alternative<Gemm>(op); }

// Whether the channels run along the columns of the weight: a Gemm's, unless it is transposed.
bool by_columns(const Op& op) {
  const auto* gemm = get_if<Gemm>(&op);
  return gemm != nullptr && !gemm->transB;
}

// A constant of one number per channel, or one for all, broadcast to an activation (N, C, ...) of this rank.
std::optional<std::vector<double>> per_channel(const Fact& fact, std::size_t rank, std::size_t channels) {
  if (!fact.value || !is_floating_point(fact.value->dtype())) return std::nullopt;
  const Shape& shape = fact.value->shape();
  if (shape.rank() > rank) return std::nullopt;
  for (std::size_t i = 0; i < shape.rank(); ++i) {
    const std::size_t axis = rank - shape.rank() + i;  // of the activation
    if (shape[i] != 1 && (axis != 1 || shape[i] != static_cast<std::int64_t>(channels))) return std::nullopt;
  }
  std::vector<double> values = fact.value->values_as<double>();
  if (values.size() == 1) values.assign(channels, values[0]);
  return values;
}

// weight * factor along its output channels.
Tensor scaled(const Tensor& weight, const std::vector<double>& factor, bool columns) {
  Tensor result = Tensor::allocate(weight.dtype(), weight.shape());
  const std::size_t channels = factor.size(), inner = static_cast<std::size_t>(weight.elements()) / channels;
  dispatch(weight.dtype(), [&](auto zero) {
    using T = decltype(zero);
    using Number = decltype(to_number(zero));
    if constexpr (std::is_floating_point_v<Number>) {
      const auto source = weight.data<T>();
      const auto target = result.mutable_data<T>();
      const auto times = [&](std::size_t i, double f) {
        target[i] = T(static_cast<Number>(static_cast<double>(to_number(source[i])) * f));
      };
      if (columns) {
        for (std::size_t row = 0; row < source.size(); row += channels) {
          for (std::size_t c = 0; c < channels; ++c) times(row + c, factor[c]);
        }
      } else {
        for (std::size_t c = 0; c < channels; ++c) {
          for (std::size_t i = c * inner; i < (c + 1) * inner; ++i) times(i, factor[c]);
        }
      }
    }
  });
  return result;
}

Tensor vector_of(const std::vector<double>& numbers, DType dtype) {
  Tensor result = Tensor::allocate(dtype, Shape{static_cast<std::int64_t>(numbers.size())});
  dispatch(dtype, [&](auto zero) {
    using T = decltype(zero);
    using Number = decltype(to_number(zero));
    if constexpr (std::is_floating_point_v<Number>) {
      std::transform(numbers.begin(), numbers.end(), result.mutable_data<T>().begin(),
                     [](double number) { return T(static_cast<Number>(number)); });
    }
  });
  return result;
}

bool all_finite(const Tensor& tensor) {
  int finite = 1;
  dispatch(tensor.dtype(), [&](auto zero) {
    // Without a jump in the loop, which then runs over vectors.
    for (const auto element : tensor.data<decltype(zero)>()) {
      finite &= static_cast<int>(std::abs(static_cast<double>(to_number(element))) <= std::numeric_limits<double>::max());
    }
  });
  return finite != 0;
}

class Folder {
 public:
  Folder(const Graph& graph, PassLog& log)
      : graph_(graph), log_(log), readers_(graph), readers_left_(graph.nodes().size()), rewriter_(graph) {
    for (std::size_t id = 0; id < readers_left_.size(); ++id) readers_left_[id] = readers_.of(static_cast<NodeId>(id)).size();
  }

  Graph run() {
    plan();
    return rewriter_.run([&](NodeId id) { return visit(id); });
  }

 private:
  // The output channels of a convolution whose weight and bias can be changed.
  Maybe<std::size_t> channels_of(NodeId id) const {
    const Node& node = graph_.node(id);
    const auto& weight = graph_.fact(node.inputs[1]).value;
    if (!weight) return Because{fmt::format("the weight of {} is not constant", describe(node))};
    if (!is_floating_point(weight->dtype())) return Because{fmt::format("the weight of {} is not of floats", describe(node))};
    const auto channels = static_cast<std::size_t>(weight->shape()[by_columns(node.op) ? 1 : 0]);
    if (weight->elements() == 0) return Because{fmt::format("the weight of {} is empty", describe(node))};
    if (!bias_of(id, channels)) return Because{fmt::format("the bias of {} is not one constant per channel", describe(node))};
    return channels;
  }

  // beta * C, or the bias; zeros where there is none.
  std::optional<std::vector<double>> bias_of(NodeId id, std::size_t channels) const {
    const Node& node = graph_.node(id);
    if (node.inputs.size() < 3 || node.inputs[2].is_none()) return std::vector<double>(channels, 0.0);
    const auto* gemm = get_if<Gemm>(&node.op);
    // A Conv's bias is a vector; a Gemm's broadcasts to (M, N).
    auto bias = per_channel(graph_.fact(node.inputs[2]), 2, channels);
    if (bias && gemm != nullptr) {
      for (double& number : *bias) number *= static_cast<double>(gemm->beta);
    }
    return bias;
  }

  // What `node`, which reads `activation` alone, does to its channels.
  Maybe<Affine> affine_of(const Node& node, NodeId id, ValueId activation, std::size_t channels) const {
    const auto* norm = get_if<BatchNormalization>(&node.op);
    Affine map(channels);
    if (norm != nullptr) {
      if (norm->training_mode) return Because{"it is in training mode"};
      if (node.inputs[0] != activation) return Because{"the convolution makes one of its parameters"};
      if (readers_.others_are_read(id)) return Because{"its statistics are read"};
      std::vector<std::vector<double>> parameters;
      for (std::size_t i = 1; i < 5; ++i) {
        const auto& value = graph_.fact(node.inputs[i]).value;
        if (!value) return Because{"its parameters are not constant"};
        parameters.push_back(value->values_as<double>());
        if (parameters.back().size() != channels) return Because{"its parameters are not one per channel"};
      }
      for (std::size_t c = 0; c < channels; ++c) {
        map.factor[c] = parameters[0][c] / std::sqrt(parameters[3][c] + static_cast<double>(norm->epsilon));
        map.shift[c] = parameters[1][c] - parameters[2][c] * map.factor[c];
      }
    } else {
      const bool first = node.inputs[0] == activation;
      const Fact& x = graph_.fact(activation);
      if (!x.has_rank()) return Because{"the rank of its input is not known"};
      const auto values = per_channel(graph_.fact(node.inputs[first ? 1 : 0]), x.rank(), channels);
      if (!values) return Because{"it is not by one constant per channel"};
      for (std::size_t c = 0; c < channels; ++c) {
        if (holds_alternative<Add>(node.op)) {
          map.shift[c] = (*values)[c];
        } else if (holds_alternative<Mul>(node.op)) {
          map.factor[c] = (*values)[c];
        } else if (!first) {
          return Because{"the convolution is subtracted or divides"};
        } else if (holds_alternative<Sub>(node.op)) {
          map.shift[c] = -(*values)[c];
        } else {
          map.factor[c] = 1.0 / (*values)[c];
        }
      }
    }
    for (std::size_t c = 0; c < channels; ++c) {
      if (!std::isfinite(map.factor[c]) || !std::isfinite(map.shift[c])) {
        return Because{fmt::format("channel {} would be multiplied by {} and moved by {}", c, map.factor[c], map.shift[c])};
      }
    }
    return map;
  }

  void decline(NodeId id, const std::string& why) {
    log_.declined.push_back(fmt::format("fold_batch_norm: {}: {}", describe(graph_.node(id)), why));
  }

  // Finds all chains, and says of each BatchNormalization that is in none why.
  void plan() {
    for (std::size_t i = 0; i < graph_.nodes().size(); ++i) {
      const auto id = static_cast<NodeId>(i);
      if (is_head(graph_.node(id).op)) plan_chain(id);
      if (holds_alternative<BatchNormalization>(graph_.node(id).op) && !decided_.contains(id)) {
        decline(id, why_apart(graph_.node(id)));
      }
    }
  }

  void plan_chain(NodeId head) {
    const auto channels = channels_of(head);
    std::vector<NodeId> walked;
    std::optional<Chain> chain;
    ValueId value{head, 0};
    while (const auto reader = readers_.only(value)) {
      const Node& node = graph_.node(*reader);
      walked.push_back(*reader);
      if (!holds_alternative<Identity>(node.op)) {
        if (!may_be_folded(node.op)) break;
        const auto apart = [&](const Because& because) {
          if (!holds_alternative<BatchNormalization>(node.op)) return;
          decline(*reader, because.text);
          decided_.emplace(*reader, head);
        };
        if (const auto* because = std::get_if<Because>(&channels)) {
          apart(*because);
          break;
        }
        const auto count = std::get<std::size_t>(channels);
        const auto map = affine_of(node, *reader, value, count);
        if (const auto* because = std::get_if<Because>(&map)) {
          apart(*because);
          break;
        }
        if (!chain) chain = Chain{head, {}, Affine(count)};
        chain->map.then(std::get<Affine>(map));
        chain->nodes = walked;
      }
      value = {*reader, 0};
    }
    if (!chain) return;
    compute(*chain);
    if (all_finite(chain->weight) && all_finite(chain->bias)) {
      accept(std::move(*chain));
      return;
    }
    for (const NodeId id : chain->nodes) {
      if (!holds_alternative<BatchNormalization>(graph_.node(id).op)) continue;
      decline(id, fmt::format("the weights of {} would not be finite", describe(graph_.node(head))));
      decided_.emplace(id, head);
    }
  }

  void compute(Chain& chain) const {
    const Node& head = graph_.node(chain.head);
    const Tensor& weight = *graph_.fact(head.inputs[1]).value;
    const std::size_t channels = chain.map.factor.size();
    std::vector<double> bias = *bias_of(chain.head, channels);
    for (std::size_t c = 0; c < channels; ++c) bias[c] = bias[c] * chain.map.factor[c] + chain.map.shift[c];
    chain.weight = keeps_weight(chain) ? weight : scaled(weight, chain.map.factor, by_columns(head.op));
    chain.bias = vector_of(bias, weight.dtype());
  }

  void accept(Chain chain) {
    const bool weight_stays = keeps_weight(chain);
    const Node& head = graph_.node(chain.head);
    if (!weight_stays) give_up(head.inputs[1]);
    if (head.inputs.size() > 2) give_up(head.inputs[2]);
    for (const NodeId id : chain.nodes) {
      decided_.emplace(id, chain.head);
      for (ValueId input : graph_.node(id).inputs) give_up(input);
    }
    const NodeId last = chain.nodes.back();
    gone_.emplace(chain.head, last);
    for (const NodeId id : chain.nodes) gone_.emplace(id, last);
    chains_.emplace(last, std::move(chain));
  }

  static bool keeps_weight(const Chain& chain) {
    return std::all_of(chain.map.factor.begin(), chain.map.factor.end(), [](double f) { return f == 1.0; });
  }

  void give_up(ValueId value) {
    if (!value.is_none()) --readers_left_[static_cast<std::size_t>(value.node)];
  }

  // Why a BatchNormalization is part of no chain.
  std::string why_apart(const Node& norm) const {
    if (get<BatchNormalization>(norm.op).training_mode) return "it is in training mode";
    for (ValueId value = norm.inputs[0];;) {
      const Node& maker = graph_.node(value.node);
      if (!is_head(maker.op) && !holds_alternative<Identity>(maker.op)) break;
      if (readers_.is_output(value)) return fmt::format("{} gives an output of the graph", describe(maker));
      if (!readers_.only(value)) return fmt::format("{} has other readers", describe(maker));
      if (is_head(maker.op)) break;
      value = maker.inputs[0];
    }
    return "it does not directly follow a Conv or Gemm";
  }

  bool visit(NodeId id) {
    const Node& node = graph_.node(id);
    if (const auto chain = chains_.find(id); chain != chains_.end()) {
      fold(chain->second);
      return true;
    }
    if (gone_.contains(id)) return true;
    // A constant that only what is folded has read.
    const std::size_t readers = readers_.of(id).size();
    if (holds_alternative<Constant>(node.op) && readers > 0 && readers_left_[static_cast<std::size_t>(id)] == 0 &&
        !readers_.is_output({id, 0})) {
      unread_.emplace(id, node);
      return true;
    }
    return false;
  }

  // The name for a new weight or bias: the old one's where that goes with its only reader.
  std::string name_for(ValueId old, const std::string& otherwise) {
    if (!old.is_none() && unread_.contains(old.node) && readers_.of(old.node).size() == 1) {
      rewriter_.release_name(old);
      return graph_.value(old).name;
    }
    return otherwise;
  }

  void fold(const Chain& chain) {
    const Node& head = graph_.node(chain.head);
    const Node& last = graph_.node(chain.nodes.back());
    const std::string base = name_of(head);
    const ValueId old_bias = head.inputs.size() > 2 ? head.inputs[2] : ValueId::none();
    std::vector<ValueId> inputs = {rewriter_.map(head.inputs[0])};
    std::string bias_name = base + ".bias";
    if (keeps_weight(chain)) {
      inputs.push_back(rewriter_.map(head.inputs[1]));
    } else {
      const std::string name = name_for(head.inputs[1], base + ".weight");
      if (name.ends_with("weight")) bias_name = name.substr(0, name.size() - 6) + "bias";
      inputs.push_back(rewriter_.add_constant(name, chain.weight));
    }
    inputs.push_back(rewriter_.add_constant(name_for(old_bias, bias_name), chain.bias));
    Op op = head.op;
    if (auto* gemm = get_if<Gemm>(&op)) gemm->beta = 1;
    const ValueId folded = rewriter_.graph().append(std::move(op), std::move(inputs), head.name, {last.outputs[0].name});
    rewriter_.graph().node(folded.node).doc_string = head.doc_string;
    rewriter_.graph().node(folded.node).metadata = head.metadata;
    rewriter_.replace({chain.nodes.back(), 0}, folded);
    for (const NodeId id : chain.nodes) {
      if (may_be_folded(graph_.node(id).op)) {
        log_.done.push_back(fmt::format("fold_batch_norm: {} into {}", describe(graph_.node(id)), describe(head)));
      }
    }
  }

  const Graph& graph_;
  PassLog& log_;
  Readers readers_;
  std::vector<std::size_t> readers_left_;  // by node: those that are not folded away
  std::map<NodeId, NodeId> decided_, gone_;
  std::map<NodeId, Chain> chains_;  // by their last node
  std::map<NodeId, std::reference_wrapper<const Node>> unread_;
  Rewriter rewriter_;
};

}  // namespace

Graph fold_batch_norm(const Graph& graph, PassLog& log) { return Folder(graph, log).run(); }

}  // namespace resnet
