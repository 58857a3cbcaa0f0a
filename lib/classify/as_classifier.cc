#include "lib/classify/as_classifier.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "lib/base/error.h"
#include "lib/classify/endpoints.h"
#include "lib/passes/rewrite.h"

namespace resnet {

namespace {

// ---- the input ----

// How many channels the convolution that first sees the input multiplies; nothing where none does, as far as that can be
// followed.
std::optional<std::int64_t> channels_of_first_convolution(const Graph& graph) {
  for (const Node& node : graph.nodes()) {
    const auto* conv = get_if<Conv>(&node.op);
    if (conv == nullptr || node.inputs.size() < 2 || node.inputs[1].is_none()) continue;
    const auto weight = graph.fact(node.inputs[1]).shape();
    if (weight && weight->rank() == 4) return (*weight)[1] * conv->group;
    return std::nullopt;
  }
  return std::nullopt;
}

bool has_repeated_symbol(const Dims& dims) {
  std::set<std::string> seen;
  return std::any_of(dims.begin(), dims.end(),
                     [&](const Dim& dim) { return !dim.is_number() && !seen.insert(dim.to_string()).second; });
}

// The dims of a batch of images, with what is open in the declared ones named; nothing where they are not images.
std::optional<Dims> image_dims(const Graph& graph, const std::optional<Dims>& declared) {
  const std::array<Dim, 4> open = {Dim::symbol("batch"), Dim(0), Dim::symbol("height"), Dim::symbol("width")};
  if (!declared) {
    const auto channels = channels_of_first_convolution(graph);
    return channels ? std::optional(Dims{open[0], *channels, open[2], open[3]}) : std::nullopt;
  }
  Dims dims = *declared;
  if (dims.size() == 3) dims.insert(dims.begin(), Dim(1));
  if (dims.size() != 4) return std::nullopt;
  const bool channels_last = has_channels_last(dims);
  const std::size_t channel = channels_last ? 3 : 1;
  const bool names_again = has_repeated_symbol(dims) || !dims[channel].is_number();
  if (!dims[channel].is_number()) {
    const auto channels = channels_of_first_convolution(graph);
    dims[channel] = channels && counts_channels(Dim(*channels)) ? *channels : 3;
  }
  if (!names_again) return dims;
  const std::array<std::size_t, 3> others =
      channels_last ? std::array<std::size_t, 3>{0, 1, 2} : std::array<std::size_t, 3>{0, 2, 3};
  for (const auto& [axis, name] : {std::pair(others[0], 0), std::pair(others[1], 2), std::pair(others[2], 3)}) {
    if (!dims[axis].is_number()) dims[axis] = open[static_cast<std::size_t>(name)];
  }
  return dims;
}

// The type that a photo becomes on its way to an input of this type.
std::optional<DType> fed_as(DType dtype) {
  if (is_floating_point(dtype)) return DType::float32;
  if (dtype == DType::uint8 || dtype == DType::int32 || dtype == DType::int64) return DType::uint8;
  return std::nullopt;
}

// The graph with `fact` for its input, and what makes the declared input out of it.
Graph with_input(const Graph& graph, const Fact& fact) {
  const ValueId input = graph.inputs()[0];
  const Fact& declared = graph.fact(input);
  const bool one_image = declared.has_rank() && declared.rank() + 1 == fact.rank();
  const bool converted = declared.dtype && declared.dtype != fact.dtype;
  if (!one_image && !converted) return with_input_facts(graph, std::span(&fact, 1));
  Rewriter rewriter(graph);
  return rewriter.run([&](NodeId id) {
    if (id != input.node) return false;
    Graph& result = rewriter.graph();
    const std::string& name = graph.value(input).name;
    ValueId value = result.add_input(name, fact);
    if (one_image) {
      const ValueId axes = rewriter.add_constant(name + ".batch", Tensor::from<std::int64_t>(Shape{1}, {0}));
      value = result.append(Squeeze{}, {value, axes}, name + ".image", {name + ".image"});
    }
    if (converted) value = result.append(Cast{.to = *declared.dtype}, {value}, name + ".converted", {name + ".converted"});
    rewriter.replace(input, value);
    return true;
  });
}

Graph with_image_input(const Graph& graph) {
  if (graph.inputs().size() != 1) return graph;  // which is refused by find_image_input()
  const Fact& declared = graph.fact(graph.inputs()[0]);
  const std::optional<Dims> dims = image_dims(graph, declared.dims);
  const std::optional<DType> dtype = fed_as(declared.dtype.value_or(DType::float32));
  if (!dims || !dtype) return graph;
  const Fact fact = Fact::of(*dtype, *dims);
  if (fact.dims == declared.dims && (!declared.dtype || declared.dtype == dtype)) return graph;
  return with_input(graph, fact);
}

// ---- the output ----

// What made a value, leaving out what only changes its form; none where there is nothing.
ValueId maker(const Graph& graph, ValueId id) {
  while (!id.is_none()) {
    const Node& node = graph.node(id.node);
    if (!only_changes_form(node.op) || node.inputs.empty()) return id;
    id = node.inputs[0];
  }
  return id;
}

// By what a network decides whose output is the class itself, or the best ones.
ValueId before_decision(const Graph& graph, ValueId output) {
  const ValueId made = maker(graph, output);
  if (made.is_none()) return output;
  const Node& node = graph.node(made.node);
  const std::string type = type_of(node.op);
  if ((type != "ArgMax" && type != "TopK") || node.inputs.empty() || node.inputs[0].is_none()) return output;
  // A class for each pixel is not the answer for a photo.
  const Fact& scores = graph.fact(node.inputs[0]);
  const bool one_list = !scores.has_rank() || std::count_if(scores.dims->begin(), scores.dims->end(),
                                                            [](const Dim& dim) { return dim.is_number() && !dim.is(1); }) <= 2;
  return one_list ? node.inputs[0] : output;
}

// By what an output is more than a change of form and of scores to probabilities: what it is computed from by these alone.
ValueId without_softmax(const Graph& graph, ValueId id) {
  ValueId same = maker(graph, id);
  while (!same.is_none() && holds_alternative<Softmax>(graph.node(same.node).op))
    same = maker(graph, graph.node(same.node).inputs[0]);
  return same;
}

// Those from which no other is computed by more than that. Each node is visited once, the last one first: it hands on to what it
// reads which of the values are computed from it. Two of them say as much as all.
std::vector<ValueId> not_used(const Graph& graph, const std::vector<ValueId>& values) {
  std::map<NodeId, std::vector<ValueId>> values_of;
  for (const ValueId id : values) values_of[id.node].push_back(id);
  std::vector<std::set<ValueId>> later(graph.nodes().size());
  const auto hand_on = [&](ValueId same, NodeId to) {
    std::set<ValueId>& own = later[static_cast<std::size_t>(to)];
    if (own.size() < 2) own.insert(same);
  };
  std::set<ValueId> used;
  for (auto node = static_cast<NodeId>(later.size()); node-- > 0;) {
    std::set<ValueId>& own = later[static_cast<std::size_t>(node)];
    if (const auto found = values_of.find(node); found != values_of.end()) {
      for (const ValueId id : found->second) {
        const ValueId made = maker(graph, id);
        if (std::any_of(own.begin(), own.end(), [&](ValueId same) { return same != made; })) used.insert(id);
      }
      for (const ValueId id : found->second) hand_on(without_softmax(graph, id), node);
    }
    for (const ValueId input : graph.node(node).inputs) {
      if (input.is_none()) continue;
      for (const ValueId same : own) hand_on(same, input.node);
    }
    own.clear();
  }
  std::vector<ValueId> result;
  std::copy_if(values.begin(), values.end(), std::back_inserter(result), [&](ValueId id) { return !used.contains(id); });
  return result;
}

std::optional<std::int64_t> classes_of(const Graph& graph, ValueId id) {
  const Fact& fact = graph.fact(id);
  if (!fact.has_rank() || fact.rank() != 2 || !(*fact.dims)[1].is_number()) return std::nullopt;
  return (*fact.dims)[1].number();
}

// Of several outputs those that look most like scores, without those from which others of them are computed.
std::vector<ValueId> likeliest_scores(const Graph& graph, const std::vector<ValueId>& outputs) {
  std::vector<ValueId> best;
  std::optional<int> least;
  for (const ValueId id : outputs) {
    const std::optional<int> found = unlikeness_to_scores(graph.fact(id));
    if (!found || (least && *found > *least)) continue;
    if (!least || *found < *least) best.clear();
    least = found;
    best.push_back(id);
  }
  return not_used(graph, best);
}

// An output, or any other value of that name.
ValueId named_value(const Graph& graph, std::string_view name) {
  for (const ValueId id : graph.outputs()) {
    if (graph.value(id).name == name) return id;
  }
  for (std::size_t id = 0; id < graph.nodes().size(); ++id) {
    const Node& node = graph.nodes()[id];
    for (std::size_t slot = 0; slot < node.outputs.size(); ++slot) {
      if (node.outputs[slot].name == name) return {static_cast<NodeId>(id), static_cast<std::int32_t>(slot)};
    }
  }
  std::string names;
  for (const ValueId id : graph.outputs()) names += fmt::format("{}'{}'", names.empty() ? "" : ", ", graph.value(id).name);
  throw Error(Fault::invalid, fmt::format("the model has no output '{}', expected one of its own: {}", name, names));
}

// The scores that are asked for by name.
ValueId named_scores(const Graph& graph, std::string_view name) {
  const ValueId named = named_value(graph, name), chosen = before_decision(graph, named);
  if (chosen != named || is_output(graph, named)) return chosen;
  // An output may be a map of scores; of what is inside nobody says that.
  constexpr int list_of_classes = 1;
  const std::optional<int> unlikeness = unlikeness_to_scores(graph.fact(named));
  if (holds_alternative<Input>(graph.node(named.node).op) || !unlikeness || *unlikeness > list_of_classes)
    throw Error(Fault::unsupported, fmt::format("'{}' ({}) does not score classes", name, graph.fact(named).to_string()));
  return named;
}

// The scores among the outputs; none where nothing looks like them.
ValueId scores_of(const Graph& graph) {
  std::vector<ValueId> outputs;
  for (const ValueId id : graph.outputs()) outputs.push_back(before_decision(graph, id));
  const std::vector<ValueId> likely = likeliest_scores(graph, outputs);
  if (likely.empty()) return ValueId::none();
  const ValueId chosen = likely.front();
  for (const ValueId other : likely) {
    const auto own = classes_of(graph, chosen), others = classes_of(graph, other);
    if (!own || !others || own == others) continue;
    throw Error(Fault::unsupported,
                fmt::format("the model gives scores twice, '{}' ({}) and '{}' ({}), expected to be told which is meant",
                            graph.value(chosen).name, graph.fact(chosen).to_string(), graph.value(other).name,
                            graph.fact(other).to_string()));
  }
  return chosen;
}

Graph with_score_output(const Graph& graph, std::string_view output_name) {
  const ValueId chosen = output_name.empty() ? scores_of(graph) : named_scores(graph, output_name);
  if (chosen.is_none()) return graph;  // which is refused by find_score_output()
  if (graph.outputs().size() == 1 && graph.outputs()[0] == chosen) return graph;
  Graph result = graph;
  result.set_outputs({chosen});
  return result;
}

// ---- what the scores are ----

bool is_average(const Op& op) {
  return holds_alternative<GlobalAveragePool>(op) || holds_alternative<AveragePool>(op) || holds_alternative<ReduceMean>(op);
}

bool is_constant(const Graph& graph, ValueId id) { return !id.is_none() && graph.fact(id).value.has_value(); }

// Whether a map ends as a block of a residual or densely connected network does, and not as a classifier does.
bool ends_a_block(const Graph& graph, ValueId id, bool relu_alone) {
  ValueId made = maker(graph, id);
  bool rectified = false;
  while (!made.is_none() &&
         (holds_alternative<Relu>(graph.node(made.node).op) || holds_alternative<Clip>(graph.node(made.node).op))) {
    rectified = true;
    made = maker(graph, graph.node(made.node).inputs[0]);
  }
  if (made.is_none()) return false;
  const Node& node = graph.node(made.node);
  if (holds_alternative<Concat>(node.op)) return true;
  const bool sum = holds_alternative<Add>(node.op) || holds_alternative<Sum>(node.op);
  if (sum && std::none_of(node.inputs.begin(), node.inputs.end(), [&](ValueId x) { return is_constant(graph, x); })) return true;
  if (holds_alternative<BatchNormalization>(node.op)) return ends_a_block(graph, node.inputs[0], relu_alone);
  return rectified && relu_alone;
}

}  // namespace

Graph as_classifier(const Graph& graph, std::string_view output_name) {
  return with_score_output(with_image_input(graph), output_name);
}

Graph as_extractor(const Graph& graph, std::string_view output_name) {
  Graph result = with_image_input(graph);
  if (output_name.empty() && result.outputs().size() > 1) {
    throw Error(Fault::unsupported,
                fmt::format("the model has {} outputs, expected to be told which is meant", result.outputs().size()));
  }
  const ValueId whole = output_name.empty() ? result.outputs()[0] : named_value(result, output_name);
  const std::string name = result.value(whole).name;
  ValueId row = whole;
  const auto append = [&](Op op, const char* part, std::optional<Tensor> axes = std::nullopt) {
    std::vector<ValueId> inputs = {row};
    const std::string own = fmt::format("{}.{}", name, part);
    if (axes) inputs.push_back(result.add_constant(own + ".axes", *axes));
    row = result.append(std::move(op), std::move(inputs), own, {own});
  };
  // One image's own dims, without a batch before them.
  const auto& dims = result.fact(whole).dims;
  const Fact& images = result.fact(result.inputs()[0]);
  const bool one_image = images.has_rank() && images.dims->front().is(1);
  if (one_image && dims && (dims->empty() || !dims->front().is(1)))
    append(Unsqueeze{}, "batch", Tensor::from<std::int64_t>(Shape{1}, {0}));
  append(Flatten{}, "row");
  if (result.fact(row).dtype != DType::float32) append(Cast{.to = DType::float32}, "float");
  result.set_outputs({row, whole});
  return result;
}

std::optional<std::string> what_but_scores(const Graph& graph) {
  const ValueId scores = graph.outputs()[find_score_output(graph).index];
  const ValueId made = maker(graph, scores);
  if (made.is_none()) return std::nullopt;
  const Fact& fact = graph.fact(made);
  const Node& node = graph.node(made.node);
  if (is_average(node.op) && ends_a_block(graph, node.inputs[0], false)) return "features, the averages of the last maps";
  if (fact.has_rank() && fact.rank() == 4 && ends_a_block(graph, made, true)) return "feature maps, those of the last block";
  const std::string type = type_of(node.op);
  if (type == "LpNormalization") return "an embedding, normalised to length 1";
  if (type == "BatchNormalization" && fact.has_rank() && fact.rank() == 2)
    return "an embedding, normalised by its running statistics";
  if (type == "Div" && node.inputs.size() == 2) {
    // x / max(norm, eps), the norm perhaps expanded.
    ValueId divisor = node.inputs[1];
    for (int step = 0; step < 4 && !divisor.is_none(); ++step) {
      const Node& by = graph.node(divisor.node);
      if (type_of(by.op) == "ReduceL2") return "an embedding, normalised to length 1";
      if (by.inputs.empty()) break;
      divisor = by.inputs[0];
    }
  }
  return std::nullopt;
}

}  // namespace resnet
