// A network in which values lie as NHWC.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "tests/xnnpack/support.h"

namespace resnet::test {

// Every set of the axes of a map but none, each second axis counted from the end.
inline std::vector<std::vector<std::int64_t>> sets_of_axes() {
  std::vector<std::vector<std::int64_t>> sets;
  for (std::size_t set = 1; set < 16; ++set) {
    sets.emplace_back();
    for (std::int64_t axis = 0; axis < 4; ++axis) {
      if ((set >> axis & 1) != 0) sets.back().push_back(axis - (axis % 2 == 0 ? 0 : 4));
    }
  }
  return sets;
}

// A graph that begins with an image of 3 channels, and convolutions of 3x3 over it: what they give lies as NHWC.
struct Network {
  Graph graph;
  ValueId image = graph.add_input("image", float_fact({2, 3, 9, 8}));

  ValueId constant(Tensor value) {
    return graph.add_constant("constant" + std::to_string(graph.nodes().size()), std::move(value));
  }
  ValueId append(Op op, std::vector<ValueId> inputs) {
    return graph.append(std::move(op), std::move(inputs), "node" + std::to_string(graph.nodes().size()));
  }
  ValueId convolution(ValueId from, std::int64_t outputs) {
    const std::int64_t channels = (*graph.fact(from).dims)[1].number();
    return append(Conv{.pads = {1, 1, 1, 1}}, {from, constant(random_tensor({outputs, channels, 3, 3}, 5))});
  }
  // The kinds of what runs, transposes between layouts included.
  std::vector<std::string> run(ValueId output) {
    graph.set_outputs({output});
    ThreadPool pool(1);
    xnnpack::Session session(xnnpack::Plan::make(graph), pool);
    session.reshape(std::vector<Shape>{{2, 3, 9, 8}});
    std::vector<std::string> kinds;
    for (std::size_t i = 0; i < session.step_count(); ++i) kinds.push_back(session.step_info(i).kind);
    expect_as_reference(graph, {random_tensor({2, 3, 9, 8}, 1)});
    return kinds;
  }
};

// The graph of one operator over float inputs, then constants.
inline Graph graph_of(Op op, const std::vector<Shape>& inputs, const std::vector<Tensor>& constants = {},
                      std::size_t outputs = 1) {
  Graph graph;
  std::vector<ValueId> arguments, results;
  for (const Shape& shape : inputs)
    arguments.push_back(graph.add_input("x" + std::to_string(arguments.size()), float_fact(shape)));
  for (const Tensor& value : constants) arguments.push_back(graph.add_constant("c" + std::to_string(arguments.size()), value));
  std::vector<std::string> names;
  for (std::size_t i = 0; i < outputs; ++i) names.push_back("y" + std::to_string(i));
  const ValueId first = graph.append(std::move(op), arguments, "node", names);
  for (std::size_t i = 0; i < outputs; ++i) results.push_back({first.node, static_cast<std::int32_t>(i)});
  graph.set_outputs(results);
  return graph;
}

// One operator in the graph's own order of axes, computed by this kind of step.
inline void check_kind(const std::string& kind, const Op& op, const Shape& x, const std::vector<Tensor>& constants = {},
                       std::size_t outputs = 1, double tolerance = 1e-5) {
  const Graph graph = graph_of(op, {x}, constants, outputs);
  EXPECT_EQ(kinds(*xnnpack::Plan::make(graph, {.optimize = false})), std::vector<std::string>{kind});
  expect_as_reference(graph, {random_tensor(x, 11)}, tolerance);
}

// One operator over 2 x `channels` x 9 x 8 as a convolution gives them, computed by this kind of step, and never brought into
// another order before it.
inline void check_after_convolution(const std::string& kind, const Op& op, const std::vector<Tensor>& constants = {},
                                    std::int64_t channels = 6) {
  Network n;
  std::vector<ValueId> inputs = {n.convolution(n.image, channels)};
  for (const Tensor& constant : constants) inputs.push_back(n.constant(constant));
  auto found = n.run(n.append(op, inputs));
  if (found.back() == "transpose") found.pop_back();
  // Some convolutions copy the image first, and some steps have more calls than one.
  found.erase(std::unique(found.begin(), found.end()), found.end());
  EXPECT_EQ(found, (std::vector<std::string>{"convolution", kind}));
}

}  // namespace resnet::test
