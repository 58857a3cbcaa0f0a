// Each value of the old graph has up to two forms in the new one: 8 bits and floats. A node asks for the form of its operands
// that it wants, and what is not there is made then: by QuantizeLinear of floats, by DequantizeLinear of 8 bits.
//
// before: x -> Conv(w, b) -> Relu -> y
// qdq:    x -> Q -> DQ -> Conv(DQ(w'), DQ(b')) -> Q -> (y)      u8: the zero point clips as Relu does; s8: Q -> DQ -> Relu -> Q
// qoperator: x -> Q -> QLinearConv(w', b') -> (y)

#include "lib/quantize/rewrite.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "lib/base/counted.h"
#include "lib/passes/rewrite.h"
#include "lib/quantize/weights.h"

namespace resnet::quantize {

namespace {

// A tensor in 8 bits, in the new graph.
struct Stored {
  ValueId value, scale, zero_point;
};

class Quantizing {
 public:
  Quantizing(const Scheme& scheme, const Calibration& calibration, const ParametersOf& parameters, const RewriteOptions& options)
      : scheme_(scheme),
        old_(scheme.graph()),
        calibration_(calibration),
        parameters_(parameters),
        options_(options),
        readers_(old_),
        rewriter_(old_) {}

  Rewritten run() {
    std::map<ValueId, ValueId> shown;
    Graph graph = rewriter_.run([&](NodeId id) {
      const bool dealt_with = visit(id);
      if (!dealt_with) rewriter_.copy(id, std::nullopt, std::nullopt);
      for (std::size_t slot = 0; slot < old_.node(id).outputs.size(); ++slot) {
        const ValueId value{id, static_cast<std::int32_t>(slot)};
        if (readers_.is_output(value) && stored_.contains(value)) rewriter_.replace(value, floats(value));
        if (is_shown(value)) shown.emplace(value, floats(value));
      }
      return true;
    });
    const std::vector<ValueId> own(graph.outputs().begin(), graph.outputs().end());
    std::vector<ValueId> needed = own;
    for (const ValueId value : options_.shown) {
      const ValueId found = shown.at(value);
      result_.shown.push_back(graph.value(found).name);
      if (std::find(needed.begin(), needed.end(), found) == needed.end()) needed.push_back(found);
    }
    graph.set_outputs(std::move(needed));
    PassLog log;
    result_.graph = remove_dead_nodes(graph, log);
    result_.graph.set_outputs(
        {result_.graph.outputs().begin(), result_.graph.outputs().begin() + static_cast<std::ptrdiff_t>(own.size())});
    return std::move(result_);
  }

 private:
  bool is_shown(ValueId value) const {
    return std::find(options_.shown.begin(), options_.shown.end(), value) != options_.shown.end();
  }

  bool is_qdq() const { return options_.form == Form::qdq; }
  DType type() const { return scheme_.activations() == Activations::u8 ? DType::uint8 : DType::int8; }

  // ---- names ----

  const std::string& name_of_value(ValueId value) const {
    return old_.value(value).name.empty() ? name_of(old_.node(value.node)) : old_.value(value).name;
  }
  ValueId append(Op op, std::vector<ValueId> inputs, const std::string& node, const std::string& value) {
    return rewriter_.graph().append(std::move(op), std::move(inputs), node, {rewriter_.fresh(value)});
  }
  // A node of the new graph that stands for an old one.
  ValueId append_for(NodeId id, Op op, std::vector<ValueId> inputs, const std::string& suffix, const std::string& value) {
    const Node& node = old_.node(id);
    const ValueId made = append(std::move(op), std::move(inputs), node.name.empty() ? "" : node.name + suffix, value);
    rewriter_.graph().node(made.node).doc_string = node.doc_string;
    rewriter_.graph().node(made.node).metadata = node.metadata;
    return made;
  }

  // ---- the two forms of a value ----

  // The scale and zero point of a value of the old graph.
  std::pair<ValueId, ValueId> parameters(ValueId value) {
    const ValueId range = scheme_.range_of(value);
    const auto [entry, is_new] = made_parameters_.try_emplace(range);
    if (is_new) {
      const Parameters& found = parameters_.at(range);
      const std::string& name = name_of_value(range);
      const Tensor zero_point = type() == DType::uint8 ? Tensor::scalar<std::uint8_t>(static_cast<std::uint8_t>(found.zero_point))
                                                       : Tensor::scalar<std::int8_t>(static_cast<std::int8_t>(found.zero_point));
      entry->second.first = rewriter_.add_constant(name + "_scale", Tensor::scalar<float>(found.scale));
      entry->second.second = rewriter_.add_constant(name + "_zero_point", zero_point);
    }
    return entry->second;
  }

  // `computed` is what the new graph has for the value, in floats.
  void store(ValueId value, ValueId computed) {
    const auto [scale, zero_point] = parameters(value);
    const std::string& name = name_of_value(value);
    const ValueId made = append(QuantizeLinear{}, {computed, scale, zero_point}, name + "_QuantizeLinear", name + "_quantized");
    stored_.emplace(value, Stored{made, scale, zero_point});
  }

  const Stored& stored(ValueId value) {
    if (!stored_.contains(value)) store(value, rewriter_.map(value));
    return stored_.at(value);
  }

  // What has been rounded to 8 bits and back.
  ValueId dequantized(ValueId value) {
    const Stored from = stored(value);
    const auto [entry, is_new] = dequantized_.try_emplace(value, ValueId::none());
    if (is_new) {
      const std::string& name = name_of_value(value);
      entry->second = append(DequantizeLinear{}, {from.value, from.scale, from.zero_point}, name + "_DequantizeLinear",
                             name + "_dequantized");
    }
    return entry->second;
  }

  // As exact as it is there.
  ValueId floats(ValueId value) {
    if (value.is_none()) return value;
    return computed_in_integers_.contains(value) ? dequantized(value) : rewriter_.map(value);
  }

  bool is_activation(ValueId value) const {
    return !value.is_none() && !old_.fact(value).value && old_.fact(value).dtype == DType::float32;
  }
  bool is_integer(ValueId value) const { return computed_in_integers_.contains(value); }
  bool any_input_is_integer(const Node& node) const {
    return std::any_of(node.inputs.begin(), node.inputs.end(), [&](ValueId input) { return is_integer(input); });
  }

  // ---- nodes ----

  // True where the node has been dealt with.
  bool visit(NodeId id) {
    const Node& node = old_.node(id);
    const bool is_kept = options_.kept.contains(id);
    switch (scheme_.kind(id)) {
      case Kind::none: return keep(id);
      case Kind::weighted: return is_kept ? keep(id) : weighted(id);
      case Kind::addition: return is_kept || !any_input_is_integer(node) ? keep(id) : addition(id);
      case Kind::average: return is_kept || !any_input_is_integer(node) ? keep(id) : average(id);
      case Kind::elementwise: return !is_qdq() || !any_input_is_integer(node) ? keep(id) : between(id);
      case Kind::rectifier: return any_input_is_integer(node) ? rectifier(id) : keep(id);
      case Kind::passing: return any_input_is_integer(node) ? passing(id) : keep(id);
    }
    return false;
  }

  bool keep(NodeId id) {
    const Node& node = old_.node(id);
    if (!any_input_is_integer(node)) return false;
    std::vector<ValueId> inputs;
    for (const ValueId input : node.inputs) inputs.push_back(floats(input));
    rewriter_.copy(id, std::nullopt, std::move(inputs));
    return true;
  }

  void made(NodeId id, ValueId value) {
    const ValueId old{id, 0};
    const auto [scale, zero_point] = parameters(old);
    stored_.emplace(old, Stored{value, scale, zero_point});
    computed_in_integers_.insert(old);
  }
  void made_between(NodeId id, ValueId computed) {
    store({id, 0}, computed);
    computed_in_integers_.insert({id, 0});
  }
  std::string stored_name(NodeId id) const { return name_of_value({id, 0}) + "_quantized"; }

  // The node itself, in floats between what is rounded.
  bool between(NodeId id) {
    const Node& node = old_.node(id);
    std::vector<ValueId> inputs;
    for (const ValueId input : node.inputs) {
      inputs.push_back(is_activation(input) ? dequantized(input) : input.is_none() ? input : rewriter_.map(input));
    }
    made_between(id, append_for(id, node.op, std::move(inputs), "", name_of_value({id, 0}) + "_computed"));
    return true;
  }

  bool addition(NodeId id) {
    ++result_.layers;
    if (is_qdq()) return between(id);
    const Node& node = old_.node(id);
    const Stored a = stored(node.inputs[0]), b = stored(node.inputs[1]);
    const auto [scale, zero_point] = parameters({id, 0});
    made(id, append_for(id, QLinearAdd{}, {a.value, a.scale, a.zero_point, b.value, b.scale, b.zero_point, scale, zero_point},
                        "_quant", stored_name(id)));
    return true;
  }

  bool average(NodeId id) {
    const Node& node = old_.node(id);
    if (is_qdq()) return between(id);
    const auto* pool = get_if<AveragePool>(&node.op);
    const Stored x = stored(node.inputs[0]);
    const auto [scale, zero_point] = parameters({id, 0});
    made(id, append_for(id, pool != nullptr ? Op(QLinearAveragePool{*pool}) : Op(QLinearGlobalAveragePool{}),
                        {x.value, x.scale, x.zero_point, scale, zero_point}, "_quant", stored_name(id)));
    return true;
  }

  bool rectifier(NodeId id) {
    const ValueId before = old_.node(id).inputs[0];
    if (scheme_.activations() != Activations::u8 || scheme_.rectifier_after(before.node) != id) return between(id);
    stored_.emplace(ValueId{id, 0}, stored(before));
    computed_in_integers_.insert({id, 0});
    return true;
  }

  bool passing(NodeId id) {
    const Node& node = old_.node(id);
    if (is_qdq()) return between(id);
    const Stored x = stored(node.inputs[0]);
    std::vector<ValueId> inputs = {x.value};
    for (std::size_t i = 1; i < node.inputs.size(); ++i)
      inputs.push_back(node.inputs[i].is_none() ? node.inputs[i] : rewriter_.map(node.inputs[i]));
    if (holds_alternative<Pad>(node.op)) {  // 0 is what the zero point stands for
      if (inputs.size() < 3) inputs.resize(3);
      inputs[2] = x.zero_point;
    }
    made(id, append_for(id, node.op, std::move(inputs), "", stored_name(id)));
    return true;
  }

  // ---- layers with weights ----

  struct LayerConstants {
    std::size_t axis;
    ValueId values, scales, zero_points, bias, bias_scales;
  };

  LayerConstants constants_of(NodeId id, float input_scale) {
    const Node& node = old_.node(id);
    std::vector<double> means;
    if (options_.bias_correction && !holds_alternative<MatMul>(node.op)) means = calibration_.input_means(id);
    const IntegerWeights weights = quantize_weights(old_, id, input_scale, means);
    if (weights.enlarged > 0) {
      result_.enlarged.push_back(fmt::format("{}: the weights of {} got larger scales, for the biases would overflow int32",
                                             describe(node), counted(weights.enlarged, "channel", "channels")));
    }
    const std::int64_t channels = weights.scales.elements();
    const std::string& weight = name_of_value(node.inputs[1]);
    const bool has_bias = node.inputs.size() > 2 && !node.inputs[2].is_none();
    const std::string bias = has_bias ? name_of_value(node.inputs[2]) : name_of(node) + "_bias";
    LayerConstants made{weights.axis, {}, {}, {}, {}, {}};
    made.values = rewriter_.add_constant(weight + "_quantized", weights.values);
    made.scales = rewriter_.add_constant(weight + "_scale", weights.scales);
    made.zero_points = rewriter_.add_constant(weight + "_zero_point", Tensor::allocate(DType::int8, Shape{channels}));
    if (!weights.bias) return made;
    made.bias = rewriter_.add_constant(bias + "_quantized", *weights.bias);
    if (is_qdq()) made.bias_scales = rewriter_.add_constant(bias + "_quantized_scale", weights.bias_scales);
    return made;
  }

  float scale_of(ValueId value) const { return parameters_.at(scheme_.range_of(value)).scale; }

  // Whether some node that computes in integers may read what a layer gives. Else a product stays as exact as its sums are: the
  // last layer's scores would have 256 values.
  bool is_read_as_integer(NodeId id) const {
    const ValueId result = scheme_.result_of(id);
    if (result.node != id) return true;
    const auto& readers = readers_.of(id);
    return std::any_of(readers.begin(), readers.end(), [&](NodeId reader) { return scheme_.kind(reader) != Kind::none; });
  }

  bool weighted(NodeId id) {
    ++result_.layers;
    const Node& node = old_.node(id);
    const Stored x = stored(node.inputs[0]);
    const LayerConstants layer = constants_of(id, scale_of(node.inputs[0]));
    const bool ends_in_floats = !holds_alternative<Conv>(node.op) && !is_read_as_integer(id);
    return is_qdq() ? weighted_between(id, layer, ends_in_floats) : weighted_on_integers(id, x, layer, ends_in_floats);
  }

  bool weighted_between(NodeId id, const LayerConstants& layer, bool ends_in_floats) {
    const Node& node = old_.node(id);
    const auto axis = static_cast<std::int64_t>(layer.axis);
    const std::string name = name_of_value(node.inputs[1]);
    std::vector<ValueId> inputs = {dequantized(node.inputs[0])};
    inputs.push_back(append(DequantizeLinear{axis}, {layer.values, layer.scales, layer.zero_points}, name + "_DequantizeLinear",
                            name + "_dequantized"));
    if (!layer.bias.is_none()) {
      const std::string bias = rewriter_.graph().value(layer.bias).name;
      const ValueId zero_points = rewriter_.add_constant(
          bias + "_zero_point", Tensor::allocate(DType::int32, *rewriter_.graph().fact(layer.bias).shape()));
      inputs.push_back(append(DequantizeLinear{0}, {layer.bias, layer.bias_scales, zero_points}, bias + "_DequantizeLinear",
                              bias + "_dequantized"));
    }
    if (ends_in_floats) {
      rewriter_.copy(id, std::nullopt, std::move(inputs));
    } else {
      made_between(id, append_for(id, node.op, std::move(inputs), "", name_of_value({id, 0}) + "_computed"));
    }
    return true;
  }

  bool weighted_on_integers(NodeId id, const Stored& x, const LayerConstants& layer, bool ends_in_floats) {
    const Node& node = old_.node(id);
    std::vector<ValueId> inputs = {x.value, x.scale, x.zero_point, layer.values, layer.scales, layer.zero_points};
    if (const auto* gemm = get_if<Gemm>(&node.op)) {
      const QGemm product{.transB = gemm->transB};
      inputs.push_back(layer.bias);
      if (ends_in_floats) {
        if (layer.bias.is_none()) inputs.pop_back();
        rewriter_.copy(id, product, std::move(inputs));
        return true;
      }
      const auto [scale, zero_point] = parameters({id, 0});
      inputs.insert(inputs.end(), {scale, zero_point});
      made(id, append_for(id, product, std::move(inputs), "_quant", stored_name(id)));
      return true;
    }
    const auto [scale, zero_point] = parameters({id, 0});
    inputs.insert(inputs.end(), {scale, zero_point});
    if (const auto* conv = get_if<Conv>(&node.op)) {
      if (!layer.bias.is_none()) inputs.push_back(layer.bias);
      made(id, append_for(id, QLinearConv{*conv}, std::move(inputs), "_quant", stored_name(id)));
    } else {
      made(id, append_for(id, QLinearMatMul{}, std::move(inputs), "_quant", stored_name(id)));
    }
    return true;
  }

  const Scheme& scheme_;
  const Graph& old_;
  const Calibration& calibration_;
  const ParametersOf& parameters_;
  const RewriteOptions& options_;
  Readers readers_;
  Rewriter rewriter_;
  Rewritten result_;
  std::map<ValueId, std::pair<ValueId, ValueId>> made_parameters_;
  // By values of the old graph.
  std::map<ValueId, Stored> stored_;
  std::map<ValueId, ValueId> dequantized_;
  std::set<ValueId> computed_in_integers_;  // their floats, where there are any, are not to be read
};

}  // namespace

Rewritten rewrite(const Scheme& scheme, const Calibration& calibration, const ParametersOf& parameters,
                  const RewriteOptions& options) {
  return Quantizing(scheme, calibration, parameters, options).run();
}

}  // namespace resnet::quantize
