// For older_forms.cc: which nodes an opset has in another form only, and that form.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "formats/onnx/node_import.h"
#include "formats/onnx/older_forms.h"
#include "lib/graph/graph.h"

namespace resnet::onnx {

// Adds the nodes that stand for one to a new graph. Refers to all that it is given.
class Replacement {
 public:
  // `inputs` are the node's, in the new graph.
  Replacement(const Graph& graph, const Node& node, std::int64_t opset, Graph& result, Names& names, std::vector<ValueId> inputs)
      : graph_(graph), node_(node), opset_(opset), result_(result), names_(names), inputs_(std::move(inputs)) {}

  template <typename T>
  const T& op() const {
    return get<T>(node_.op);
  }
  std::int64_t opset() const { return opset_; }
  const Graph& graph() const { return graph_; }
  const Node& node() const { return node_; }
  const std::vector<ValueId>& inputs() const { return inputs_; }
  ValueId x() const { return inputs_[0]; }
  const Fact& fact(std::size_t index) const { return graph_.fact(node_.inputs[index]); }

  ValueId constant(Tensor value);
  ValueId integers(const std::vector<std::int64_t>& values);
  // Of x's element type, of the given shape.
  ValueId number(double value, Shape shape = {});
  // The shape of the node's first input, as a list.
  ValueId shape_of_x();
  ValueId add(Op op, std::vector<ValueId> inputs);
  // The last node, which has the old one's name and outputs.
  ValueId finish(Op op, std::vector<ValueId> inputs);

 private:
  const Graph& graph_;
  const Node& node_;
  std::int64_t opset_;
  Graph& result_;
  Names& names_;
  std::vector<ValueId> inputs_;
};

using Replace = ValueId (*)(Replacement& replacement);

// Null where the node stays as it is: the opset has it, or nothing else says the same.
Replace replacement_of(const Graph& graph, const Node& node, std::int64_t opset, OlderForms forms);

}  // namespace resnet::onnx
