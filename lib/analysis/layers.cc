#include "lib/analysis/layers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "lib/base/checked.h"
#include "lib/base/error.h"
#include "lib/base/overloaded.h"

namespace resnet::analysis {

namespace {

// Nothing where it is not known.
std::optional<std::int64_t> bytes_of(const Fact& fact, const Node& node) {
  const auto shape = fact.shape();
  if (!shape || !fact.dtype) return std::nullopt;
  const auto bytes = checked_multiply(shape->elements(), static_cast<std::int64_t>(size_of(*fact.dtype)));
  if (!bytes) throw Error(Fault::malformed, Frame::node(describe(node)), "its size does not fit into 64 bits");
  return bytes;
}

void set_window(Layer& layer, const Window& window) {
  layer.kernel = window.kernel;
  layer.stride = window.strides;
  layer.dilations = window.dilations;
  layer.pads = window.pads_begin;
  layer.pads.insert(layer.pads.end(), window.pads_end.begin(), window.pads_end.end());
}

// Of the input; where it is not known, as many unknown ones as the weight or the kernel have.
Dims spatial_dims(const Graph& graph, const Node& node) {
  const Fact& x = graph.fact(node.inputs[0]);
  if (x.dims) return x.rank() < 3 ? Dims() : Dims(x.dims->begin() + 2, x.dims->end());
  std::size_t count = 0;
  if (const auto* max = get_if<MaxPool>(&node.op)) count = max->kernel_shape.size();
  if (const auto* average = get_if<AveragePool>(&node.op)) count = average->kernel_shape.size();
  if (holds_alternative<Conv>(node.op) && graph.fact(node.inputs[1]).has_rank())
    count = std::max<std::size_t>(graph.fact(node.inputs[1]).rank(), 2) - 2;
  return Dims(count, Dim::symbol("?"));
}

void set_attributes(Layer& layer, const Graph& graph, const Node& node) {
  if (node.inputs.empty() || node.inputs[0].is_none()) return;
  const Dims spatial = spatial_dims(graph, node);
  if (spatial.empty()) return;
  visit(
      Overloaded{[&](const Conv& conv) {
                   const auto weight = graph.fact(node.inputs[1]).shape();
                   layer.groups = conv.group;
                   if (!weight || weight->rank() != spatial.size() + 2) return;
                   set_window(layer, window_of(conv, {weight->dims().begin() + 2, weight->dims().end()}, spatial));
                 },
                 [&](const MaxPool& pool) { set_window(layer, window_of(pool, spatial)); },
                 [&](const AveragePool& pool) { set_window(layer, window_of(pool, spatial)); }, [](const auto&) {}},  // no window
      node.op);
}

}  // namespace

std::vector<bool> computed_from_image(const Graph& graph) {
  std::vector<bool> result(graph.nodes().size(), false);
  const NodeId image = graph.inputs().empty() ? -1 : graph.inputs()[0].node;
  for (std::size_t id = 0; id < result.size(); ++id) {
    const Node& node = graph.nodes()[id];
    if (static_cast<NodeId>(id) == image) result[id] = true;
    if (holds_alternative<ShapeOf>(node.op)) continue;
    for (const ValueId input : node.inputs) {
      if (!input.is_none() && result[static_cast<std::size_t>(input.node)]) result[id] = true;
    }
  }
  return result;
}

std::vector<Layer> layers_of(const Graph& graph) {
  const std::vector<bool> computed = computed_from_image(graph);
  const std::vector<Cost> costs = known_costs_of(graph);
  std::vector<Layer> layers;
  for (std::size_t id = 0; id < computed.size(); ++id) {
    const Node& node = graph.nodes()[id];
    if (!computed[id] || holds_alternative<Input>(node.op)) continue;
    Layer layer;
    layer.node = static_cast<NodeId>(id);
    layer.name = !node.name.empty() ? node.name : node.outputs[0].name;
    layer.op = type_of(node.op);
    for (const ValueId input : node.inputs) {
      if (!input.is_none() && computed[static_cast<std::size_t>(input.node)]) {
        layer.input_shapes.push_back(graph.fact(input).dims.value_or(Dims{}));
      }
    }
    for (const Value& value : node.outputs) layer.output_shapes.push_back(value.fact.dims.value_or(Dims{}));
    set_attributes(layer, graph, node);
    layer.cost = costs[id];
    layers.push_back(std::move(layer));
  }
  return layers;
}

Memory memory_of(const Graph& graph) {
  Memory memory;
  const std::vector<bool> computed = computed_from_image(graph);
  const std::size_t count = graph.nodes().size();
  std::vector<std::size_t> last_use(count, 0);
  for (std::size_t id = 0; id < count; ++id) {
    for (const ValueId input : graph.nodes()[id].inputs) {
      if (!input.is_none()) last_use[static_cast<std::size_t>(input.node)] = id;
    }
  }
  for (const ValueId output : graph.outputs()) last_use[static_cast<std::size_t>(output.node)] = count;
  std::vector<std::vector<std::size_t>> dropped(count + 1);
  std::vector<std::int64_t> bytes(count, 0);
  std::int64_t alive = 0;
  for (std::size_t id = 0; id < count; ++id) {
    const Node& node = graph.nodes()[id];
    if (const auto* constant = get_if<Constant>(&node.op)) {
      memory.weights += static_cast<std::int64_t>(constant->value.size_bytes());
      continue;
    }
    if (!computed[id]) continue;
    for (const Value& value : node.outputs) {
      if (const auto known = bytes_of(value.fact, node)) {
        bytes[id] += *known;
      } else {
        memory.complete = false;
      }
    }
    alive += bytes[id];
    dropped[std::max(last_use[id], id)].push_back(id);
    if (alive > memory.peak_activations) {
      memory.peak_activations = alive;
      memory.peak_node = !node.name.empty() ? node.name : node.outputs[0].name;
    }
    for (const std::size_t old : dropped[id]) alive -= bytes[old];
  }
  return memory;
}

void refuse_growth(const Graph& open, std::span<const Shape> inputs) {
  constexpr std::int64_t harmless = std::int64_t{512} << 20, most_times = 1000;
  std::vector<Fact> facts;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    facts.push_back(open.fact(open.inputs()[i]));
    facts.back().dims = Dims(inputs[i].dims().begin(), inputs[i].dims().end());
  }
  Graph graph;
  try {
    graph = with_input_facts(open, facts);
  } catch (const Error&) {
    return;  // that they do not fit is said where it is run
  }
  const Memory memory = memory_of(graph);
  std::int64_t given = memory.weights;
  for (const ValueId input : graph.inputs()) given += bytes_of(graph.fact(input), graph.node(input.node)).value_or(0);
  if (memory.peak_activations <= harmless || memory.peak_activations / most_times <= given) return;
  throw Error(Fault::unsupported,
              fmt::format("its activations grow to {} MiB at once (at '{}'), {} times its input and weights; expected at most {} "
                          "times, or {} MiB",
                          memory.peak_activations >> 20, memory.peak_node,
                          memory.peak_activations / std::max<std::int64_t>(given, 1), most_times, harmless >> 20));
}

namespace {

// Elements whose exponent has all its bits: NaN and the infinities.
template <typename Bits>
std::int64_t count_exponents(std::span<const std::byte> bytes, Bits exponent) {
  const std::span<const Bits> elements(reinterpret_cast<const Bits*>(bytes.data()), bytes.size() / sizeof(Bits));
  std::int64_t count = 0;
  for (const Bits element : elements) count += (element & exponent) == exponent ? 1 : 0;
  return count;
}

std::int64_t count_not_finite(const Tensor& tensor) {
  switch (tensor.dtype()) {
    case DType::float64: return count_exponents<std::uint64_t>(tensor.bytes(), 0x7ff0000000000000u);
    case DType::float32: return count_exponents<std::uint32_t>(tensor.bytes(), 0x7f800000u);
    case DType::float16: return count_exponents<std::uint16_t>(tensor.bytes(), 0x7c00u);
    case DType::bfloat16: return count_exponents<std::uint16_t>(tensor.bytes(), 0x7f80u);
    case DType::int8:
    case DType::int16:
    case DType::int32:
    case DType::int64:
    case DType::uint8:
    case DType::uint16:
    case DType::uint32:
    case DType::uint64:
    case DType::boolean: break;
  }
  return 0;
}

}  // namespace

std::vector<NotFinite> weights_not_finite(const Graph& graph) {
  std::vector<NotFinite> result;
  for (const Node& node : graph.nodes()) {
    const auto* constant = get_if<Constant>(&node.op);
    if (constant == nullptr || constant->value.elements() <= 1 || constant->value.is_released()) continue;
    if (const std::int64_t count = count_not_finite(constant->value); count > 0) result.push_back({node.outputs[0].name, count});
  }
  return result;
}

std::vector<WeightStatistics> weight_statistics(const Graph& graph) {
  std::vector<WeightStatistics> result;
  for (const Node& node : graph.nodes()) {
    const auto* constant = get_if<Constant>(&node.op);
    if (constant == nullptr || !is_floating_point(constant->value.dtype())) continue;
    WeightStatistics statistics;
    statistics.name = node.outputs[0].name;
    statistics.dtype = constant->value.dtype();
    statistics.shape = constant->value.shape();
    statistics.elements = constant->value.elements();
    double least = std::numeric_limits<double>::infinity(), most = -least, sum = 0;
    std::int64_t numbers = 0;
    const std::vector<double> values = constant->value.values_as<double>();
    for (const double value : values) {
      if (std::isnan(value)) {
        ++statistics.not_a_number;
        continue;
      }
      if (std::isinf(value)) {
        ++statistics.infinite;
        continue;
      }
      ++numbers;
      if (value == 0) ++statistics.zeros;
      least = std::min(least, value);
      most = std::max(most, value);
      sum += value;
    }
    if (numbers > 0) {
      statistics.min = least;
      statistics.max = most;
      statistics.mean = sum / static_cast<double>(numbers);
      double squares = 0;
      for (const double value : values) {
        if (std::isfinite(value)) squares += (value - statistics.mean) * (value - statistics.mean);
      }
      statistics.deviation = std::sqrt(squares / static_cast<double>(numbers));
    }
    result.push_back(std::move(statistics));
  }
  return result;
}

}  // namespace resnet::analysis
