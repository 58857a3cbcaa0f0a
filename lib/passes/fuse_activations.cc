// before: an activation that is written as other operators
//           x * Sigmoid(alpha * x)                                              -> Swish
//           x * Tanh(Softplus(x))                                               -> Mish
//           x * HardSigmoid(x) by 1/6 and 1/2, x * Clip(x + 3, 0, 6) / 6        -> HardSwish
//           x * (Erf(x / sqrt(2)) + 1) / 2                                      -> Gelu
//           x * (Tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)) + 1) / 2             -> Gelu by tanh
//           Max(x, alpha * x), alpha between 0 and 1                            -> LeakyRelu
// after:  that activation
// Conditions: float32; factors and terms in any order, constants multiplied or divided by; nothing else reads what is between.
// At minus infinity the activation is its limit, 0, where the operators one by one make NaN of 0 times infinity.
// Not for files: to say more than ONNX's operators do would be another network.

#include <fmt/format.h>

#include <cmath>
#include <numbers>

#include "lib/passes/passes.h"
#include "lib/passes/rewrite.h"

namespace resnet {

namespace {

bool is_near(double value, double expected) { return std::abs(value - expected) <= 1e-5 * std::abs(expected); }

// What products of values and single constants are made of.
struct Product {
  std::vector<ValueId> factors;
  double constant = 1;
};

class Matcher {
 public:
  explicit Matcher(const Graph& graph) : graph_(graph), readers_(graph) {}

  struct Found {
    Op op;
    ValueId x;
  };
  // The activation that a node is the last part of.
  std::optional<Found> find(NodeId id) const {
    const Node& node = graph_.node(id);
    if (node.outputs[0].fact.dtype != DType::float32) return std::nullopt;
    std::optional<Found> found;
    if (holds_alternative<Mul>(node.op) || holds_alternative<Div>(node.op)) found = gated({id, 0});
    if (holds_alternative<Max>(node.op) && node.inputs.size() == 2) found = leaky(node);
    // Constants of more axes would have given the result these, too.
    if (found && graph_.fact(found->x).dims != node.outputs[0].fact.dims) return std::nullopt;
    return found;
  }

 private:
  // The operator that makes a value, where that is of this type and one node alone reads the value.
  template <typename T>
  const Node* made_by(ValueId value) const {
    const Node& node = graph_.node(value.node);
    return holds_alternative<T>(node.op) && readers_.only(value) ? &node : nullptr;
  }

  std::optional<double> number(ValueId value) const {
    const auto& known = graph_.fact(value).value;
    if (!known || known->elements() != 1 || known->dtype() != DType::float32) return std::nullopt;
    return known->values_as<double>()[0];
  }

  // The factors of a value, through nodes that nothing else reads.
  void collect(ValueId value, bool is_root, int depth, Product& product) const {
    const Node& node = graph_.node(value.node);
    const bool multiplies = holds_alternative<Mul>(node.op), divides = holds_alternative<Div>(node.op);
    const bool opens = (multiplies || (divides && number(node.inputs[1]))) && depth > 0 && (is_root || readers_.only(value));
    if (!opens) return product.factors.push_back(value);
    for (std::size_t i = 0; i < 2; ++i) {
      const auto constant = number(node.inputs[i]);
      if (constant) {
        product.constant *= divides ? 1 / *constant : *constant;
      } else {
        collect(node.inputs[i], false, depth - 1, product);
      }
    }
  }
  Product product_of(ValueId value, bool is_root = false) const {
    constexpr int most_depth = 4;
    Product product;
    collect(value, is_root, most_depth, product);
    return product;
  }

  // alpha where the value is alpha * x.
  std::optional<double> scale(ValueId value, ValueId x) const {
    if (value == x) return 1.0;
    const Product product = product_of(value);
    return product.factors == std::vector{x} ? std::optional(product.constant) : std::nullopt;
  }

  // The other term where the value is a sum of it and of this constant.
  std::optional<ValueId> without_term(ValueId value, double term) const {
    const Node* sum = made_by<Add>(value);
    for (std::size_t i = 0; sum != nullptr && i < 2; ++i) {
      const auto constant = number(sum->inputs[i]);
      if (constant && is_near(*constant, term)) return sum->inputs[1 - i];
    }
    return std::nullopt;
  }

  std::optional<Found> gated(ValueId root) const {
    const Product product = product_of(root, true);
    if (product.factors.size() != 2) return std::nullopt;
    for (std::size_t i = 0; i < 2; ++i) {
      const ValueId x = product.factors[i], gate = product.factors[1 - i];
      if (auto op = activation(x, gate, product.constant)) return Found{std::move(*op), x};
    }
    return std::nullopt;
  }

  // What x * gate * factor is.
  std::optional<Op> activation(ValueId x, ValueId gate, double factor) const {
    if (is_near(factor, 1)) {
      if (const Node* sigmoid = made_by<Sigmoid>(gate)) {
        if (const auto alpha = scale(sigmoid->inputs[0], x)) return Swish{.alpha = static_cast<float>(*alpha)};
      }
      if (const Node* tanh = made_by<Tanh>(gate)) {
        const Node* softplus = made_by<Softplus>(tanh->inputs[0]);
        if (softplus != nullptr && softplus->inputs[0] == x) return Mish{};
      }
      if (const Node* hard = made_by<HardSigmoid>(gate)) {
        const auto& op = get<HardSigmoid>(hard->op);
        const bool fits = is_near(static_cast<double>(op.alpha), 1.0 / 6) && op.beta == 0.5f;
        if (fits && hard->inputs[0] == x) return HardSwish{};
      }
    }
    if (is_near(factor, 1.0 / 6) && is_ramp(gate, x)) return HardSwish{};
    if (is_near(factor, 0.5)) {
      if (const auto term = without_term(gate, 1)) return gelu(*term, x);
    }
    return std::nullopt;
  }

  // Clip(x + 3, 0, 6).
  bool is_ramp(ValueId value, ValueId x) const {
    const Node* clip = made_by<Clip>(value);
    if (clip == nullptr || clip->inputs.size() != 3 || clip->inputs[1].is_none() || clip->inputs[2].is_none()) return false;
    return number(clip->inputs[1]) == 0.0 && number(clip->inputs[2]) == 6.0 && without_term(clip->inputs[0], 3) == x;
  }

  std::optional<Op> gelu(ValueId term, ValueId x) const {
    if (const Node* erf = made_by<Erf>(term)) {
      const auto by = scale(erf->inputs[0], x);
      if (by && is_near(*by, 1 / std::numbers::sqrt2)) return Gelu{};
    }
    const Node* tanh = made_by<Tanh>(term);
    if (tanh == nullptr) return std::nullopt;
    const Product inner = product_of(tanh->inputs[0]);
    if (inner.factors.size() != 1 || !is_near(inner.constant, std::sqrt(2 / std::numbers::pi))) return std::nullopt;
    const Node* sum = made_by<Add>(inner.factors[0]);
    for (std::size_t i = 0; sum != nullptr && i < 2; ++i) {
      if (sum->inputs[i] == x && is_cube(sum->inputs[1 - i], x)) return Gelu{.approximate = Gelu::Approximate::tanh};
    }
    return std::nullopt;
  }

  // 0.044715 * x^3.
  bool is_cube(ValueId value, ValueId x) const {
    const Product product = product_of(value);
    if (!is_near(product.constant, 0.044715)) return false;
    if (product.factors == std::vector{x, x, x}) return true;
    if (product.factors.size() != 1) return false;
    const Node* power = made_by<Pow>(product.factors[0]);
    return power != nullptr && power->inputs[0] == x && graph_.fact(power->inputs[1]).value &&
           graph_.fact(power->inputs[1]).value->elements() == 1 &&
           graph_.fact(power->inputs[1]).value->values_as<double>()[0] == 3;
  }

  std::optional<Found> leaky(const Node& node) const {
    for (std::size_t i = 0; i < 2; ++i) {
      const ValueId x = node.inputs[i], other = node.inputs[1 - i];
      const auto alpha = other == x ? std::nullopt : scale(other, x);
      // By 0, an infinite x would be NaN.
      if (alpha && static_cast<float>(*alpha) > 0 && *alpha < 1) return Found{LeakyRelu{.alpha = static_cast<float>(*alpha)}, x};
    }
    return std::nullopt;
  }

  const Graph& graph_;
  const Readers readers_;
};

}  // namespace

Graph fuse_activations(const Graph& graph, PassLog& log) {
  const std::size_t before = log.done.size();
  const Matcher matcher(graph);
  Rewriter rewriter(graph);
  Graph result = rewriter.run([&](NodeId id) {
    const auto found = matcher.find(id);
    if (!found) return false;
    rewriter.copy(id, found->op, std::vector{rewriter.map(found->x)});
    log.done.push_back(fmt::format("fuse_activations: {} is {}", describe(graph.node(id)), type_of(found->op)));
    return true;
  });
  return log.done.size() == before ? graph : remove_dead_nodes(result, log);
}

}  // namespace resnet
