// Where the images of a batch are in the values of a graph, and what the operators' common rules make of it: the part of
// batch_axis that knows no single operator.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <vector>

#include "lib/analysis/batch_axis.h"

namespace resnet::analysis {

// Where the images are in a value.
struct Rows {
  enum class Where : std::uint8_t {
    nowhere,    // the value is the same whatever the images are
    axis,       // along one axis: before * batch * after elements
    scattered,  // one after the other in memory, `before` batches of them, and no axis begins a new one with each
    lost,
  };
  Where where = Where::nowhere;
  std::size_t axis = 0;
  std::int64_t before = 1, after = 1;
  std::optional<BatchMixing> mixing = {};  // why they are scattered or lost; else of a range

  bool is_along_axis() const { return where == Where::axis; }
  bool is_nowhere() const { return where == Where::nowhere; }
  bool same_place(const Rows& other) const { return axis == other.axis && before == other.before && after == other.after; }
};

// The worse of two.
const std::optional<BatchMixing>& worse(const std::optional<BatchMixing>& a, const std::optional<BatchMixing>& b);

// One node after the other, with what is known of its inputs.
class BatchRules {
 protected:
  BatchRules(const Graph& graph, std::int64_t batch) : graph_(graph), batch_(batch) {}
  void go_to(NodeId id) { id_ = id, node_ = &graph_.node(id); }

  // Of the node's input `index`; nowhere for one that is left out.
  const Rows& rows(std::size_t index) const;
  // Null for one that is left out; of dims also where they are not known.
  const Fact* fact(std::size_t index) const;
  const Dims* dims(std::size_t index) const { return fact(index) && fact(index)->dims ? &*fact(index)->dims : nullptr; }
  std::size_t rank(std::size_t index) const { return dims(index) ? dims(index)->size() : 0; }
  const Dims& output_dims() const { return *node_->outputs[0].fact.dims; }
  // Empty for one that is left out, nothing where they are not known.
  std::optional<std::vector<std::int64_t>> integers(std::size_t index) const;

  Rows lost(BatchMixing::Kind kind, const char* what) const;
  Rows mixed(const char* what) const { return lost(BatchMixing::Kind::mixed, what); }
  Rows unlike() const { return mixed("treats the places of the batch differently"); }
  static Rows moved(const Rows& rows, std::size_t axis) { return {Rows::Where::axis, axis, rows.before, rows.after}; }

  // Whether only these inputs hold images.
  bool only(std::initializer_list<std::size_t> indices) const;
  // Whether all inputs but the first are one number each, which no image changes.
  bool others_are_single() const;
  // Whether an input that holds no images has the same values for each of them along `axis`. What is not constant is made of
  // sizes.
  bool is_same_for_all(std::size_t index, std::int64_t axis, const Rows& images) const;

  // `index`: which input it is, where it is one.
  struct Operand {
    Rows rows;
    std::size_t rank;
    std::optional<std::size_t> index;
  };
  Operand operand(std::size_t index) const { return {rows(index), rank(index), index}; }
  // Broadcast against each other; without operands: all inputs.
  Rows elementwise(const std::vector<Operand>& operands) const;
  Rows elementwise() const;
  // The same elements in the same order.
  Rows reshaped() const;
  // A product of the inputs, summed over the indices that the output lacks: which index each of their axes has.
  Rows contracted(const std::vector<std::vector<std::size_t>>& inputs, const std::vector<std::size_t>& output) const;
  // Of matrices (or stacks of them, or vectors); as many axes as the output has are `rank`.
  Rows product(const Operand& a, const Operand& b, std::size_t rank) const;

  const Graph& graph_;
  std::int64_t batch_;
  NodeId id_ = -1;
  const Node* node_ = nullptr;
  std::vector<std::vector<Rows>> rows_;  // by node and slot
};

std::int64_t times(std::int64_t a, std::int64_t b);  // the largest number where it does not fit

}  // namespace resnet::analysis
