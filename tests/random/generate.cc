#include "tests/random/generate.h"

#include <algorithm>
#include <set>

#include "lib/base/error.h"
#include "tests/random/judge.h"
#include "tests/random/recipes.h"

namespace resnet::random {

namespace {

constexpr std::int64_t most_elements = 5000;  // of a value, per image

std::vector<const Recipe*> recipes_by_weight(const GenerateOptions& options) {
  std::vector<const Recipe*> all;
  for (const auto& table : {arithmetic_recipes(), window_recipes(), movement_recipes(), matrix_recipes(), type_recipes(),
                            quantized_recipes(), pattern_recipes(), function_recipes(), family_recipes()}) {
    for (const Recipe& recipe : table) {
      if (recipe.portable || !options.portable) all.insert(all.end(), static_cast<std::size_t>(recipe.weight), &recipe);
    }
  }
  return all;
}

// Channels: often those that fill vectors, and those beside them.
std::int64_t draw_channels(Maker& m) {
  return m.draw.chance(45) ? m.draw.one_of<std::int64_t>({15, 16, 17, 20, 24, 32}) : m.draw.between(1, 9);
}

void add_inputs(Maker& m) {
  const std::int64_t height = m.draw.between(1, 12), width = m.draw.between(1, 12), channels = draw_channels(m);
  if (m.draw.chance(12)) {
    // An image as bytes, as cameras give it.
    const ValueId image = m.input(DType::uint8, {m.batch, height, width, 3});
    ValueId x = m.add(Cast{DType::float32}, {image});
    if (m.draw.chance(60)) x = m.add(Sub{}, {x, m.constant({3}, 100, 130)});
    x = m.add(Div{}, {x, m.draw.chance(50) ? m.constant({3}, 50, 60) : m.scalar(57.5f)});
    m.offer(m.draw.chance(80) ? m.add(Transpose{{0, 3, 1, 2}}, {x}) : x);
  } else {
    m.offer(m.input(DType::float32, {m.batch, channels, height, width}));
  }
  if (m.draw.chance(25)) m.offer(m.input(DType::float32, m.sizes(m.values.front())));
  if (m.draw.chance(12)) m.offer(m.input(DType::float32, {m.batch, m.draw.between(1, 40)}));
  if (m.draw.chance(10)) m.offer(m.input(DType::float32, {m.batch, m.draw.between(2, 8), m.draw.between(2, 20)}));
  if (m.draw.chance(6)) {
    Sizes sizes = {m.batch};
    for (std::int64_t i = m.draw.between(4, 5); i > 0; --i) sizes.push_back(m.draw.between(1, 4));
    m.offer(m.input(DType::float32, sizes));
  }
}

void apply(Maker& m, const Recipe& recipe, ValueId x) {
  const std::size_t offered = m.values.size();
  try {
    recipe.make(m, x);
  } catch (const Error&) {
    // It drew what does not fit x.
  }
  // What became too large, or empty, goes no further.
  const auto unfit = [&](ValueId value) {
    return m.elements(value) == 0 || m.elements(value) > most_elements * m.batch || m.rank(value) > 6;
  };
  m.values.erase(std::remove_if(m.values.begin() + static_cast<std::ptrdiff_t>(offered), m.values.end(), unfit), m.values.end());
}

// What nothing reads, some of what is read, and now and then an input.
void choose_outputs(Maker& m) {
  std::set<ValueId> read;
  for (const Node& node : m.graph.nodes()) read.insert(node.inputs.begin(), node.inputs.end());
  std::vector<ValueId> outputs;
  const auto take = [&](ValueId value) {
    if (std::find(outputs.begin(), outputs.end(), value) == outputs.end()) outputs.push_back(value);
  };
  for (ValueId value : m.values) {
    const bool is_input = holds_alternative<Input>(m.graph.node(value.node).op);
    if (is_input ? m.draw.chance(4) : (!read.contains(value) || m.draw.chance(8))) take(value);
  }
  for (ValueId value : m.left) {
    if (m.draw.chance(50)) take(value);
  }
  if (outputs.empty()) take(m.values.back());
  m.graph.set_outputs(std::move(outputs));
}

}  // namespace

Graph generate(std::uint64_t seed, const Settings& settings, const GenerateOptions& options) {
  static const std::vector<const Recipe*> whole = recipes_by_weight({.portable = false});
  static const std::vector<const Recipe*> portable = recipes_by_weight({.portable = true});
  const auto& recipes = options.portable ? portable : whole;
  Maker m(seed, settings, options.portable);
  m.graph.name = "seed_" + std::to_string(seed);
  add_inputs(m);
  const std::int64_t steps = m.draw.chance(60) ? m.draw.between(2, 6) : m.draw.between(7, 14);
  for (std::int64_t i = 0; i < steps; ++i) apply(m, *m.draw.one_of(recipes), m.any());
  if (m.draw.chance(60)) {
    // An operator that wants a layout of its own, at the end of the chain.
    const auto ends = m.draw.chance(60) ? window_recipes() : matrix_recipes();
    const Recipe& end = ends[static_cast<std::size_t>(m.draw.between(0, static_cast<std::int64_t>(ends.size()) - 1))];
    if (end.portable || !options.portable) apply(m, end, m.values.back());
  }
  choose_outputs(m);
  return prune(m.graph);
}

std::vector<Tensor> make_inputs(const Graph& graph, std::int64_t batch, std::uint64_t seed) {
  std::vector<Tensor> inputs;
  for (ValueId id : graph.inputs()) {
    const Value& value = graph.value(id);
    Sizes sizes;
    for (const Dim& dim : *value.fact.dims) sizes.push_back(dim.is_number() ? dim.number() : batch);
    Tensor tensor = Tensor::allocate(*value.fact.dtype, Shape(sizes));
    Draw draw(seed, value.name);
    dispatch(tensor.dtype(), [&](auto zero) {
      using T = decltype(zero);
      for (T& element : tensor.mutable_data<T>()) {
        if constexpr (std::is_same_v<T, std::int64_t> || std::is_same_v<T, std::int32_t>) {
          element = static_cast<T>(draw.between(-1, 0));
        } else if constexpr (std::is_same_v<T, bool>) {
          element = draw.chance(50);
        } else if constexpr (std::is_integral_v<T>) {
          element = static_cast<T>(std::is_signed_v<T> ? draw.between(-100, 100) : draw.between(0, 255));
        } else {
          element = T(static_cast<decltype(to_number(T{}))>(draw.uniform(-1, 1)));
        }
      }
    });
    inputs.push_back(std::move(tensor));
  }
  return inputs;
}

Graph prune(const Graph& graph) {
  std::vector<bool> needed(graph.nodes().size(), false);
  std::vector<ValueId> outputs(graph.outputs().begin(), graph.outputs().end());
  const auto need = [&](ValueId id) {
    if (!id.is_none()) needed[static_cast<std::size_t>(id.node)] = true;
  };
  for (ValueId output : outputs) need(output);
  for (std::size_t id = needed.size(); id-- > 0;) {
    if (!needed[id]) continue;
    for (ValueId input : graph.nodes()[id].inputs) need(input);
  }
  for (ValueId anchor : anchors(graph)) {
    const bool there = std::find(outputs.begin(), outputs.end(), anchor) != outputs.end();
    if (needed[static_cast<std::size_t>(anchor.node)] && !there) outputs.push_back(anchor);
  }
  Graph result;
  result.name = graph.name;
  std::vector<NodeId> moved(graph.nodes().size(), -1);
  const auto map = [&](ValueId id) { return id.is_none() ? id : ValueId{moved[static_cast<std::size_t>(id.node)], id.slot}; };
  for (std::size_t id = 0; id < needed.size(); ++id) {
    if (!needed[id]) continue;
    const Node& node = graph.nodes()[id];
    if (holds_alternative<Input>(node.op)) {
      moved[id] = result.add_input(node.outputs[0].name, node.outputs[0].fact).node;
    } else if (const auto* constant = get_if<Constant>(&node.op)) {
      moved[id] = result.add_constant(node.outputs[0].name, constant->value).node;
    } else {
      std::vector<ValueId> inputs;
      for (ValueId input : node.inputs) inputs.push_back(map(input));
      std::vector<std::string> names;
      for (const Value& value : node.outputs) names.push_back(value.name);
      moved[id] = result.append(node.op, std::move(inputs), node.name, std::move(names)).node;
    }
  }
  for (ValueId& output : outputs) output = map(output);
  result.set_outputs(std::move(outputs));
  return result;
}

}  // namespace resnet::random
