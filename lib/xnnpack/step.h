// What a plan holds for each node that runs: how it is computed, decided once.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>

#include "lib/graph/graph.h"
#include "lib/xnnpack/plan.h"

namespace resnet::xnnpack {

class Emitter;
class Site;

// The weights that a step keeps.
struct Weights {
  std::shared_ptr<const Buffer> packed;  // null where XNNPACK packs them again for each operator
  std::size_t bytes = 0;
};

// Computes a node, and those after it that it has absorbed. Immutable once the plan is made, and shared by all its sessions. Each
// operator has a file in lower/ with all that is known of its steps; what only one of them needs is a member of that one.
class Step {
 public:
  explicit Step(const Site& site);
  virtual ~Step();
  Step(const Step&) = delete;
  Step& operator=(const Step&) = delete;

  NodeId node() const { return node_; }       // that the step was made for
  ValueId output() const { return output_; }  // of that node, or of the last one that was absorbed
  DType dtype() const { return dtype_; }      // of the output's elements
  bool has_absorbed() const { return output_.node != node_; }

  // For reports and profiles: "convolution", "fallback". These texts, and those of method(), are never freed.
  virtual std::string_view kind() const = 0;
  // How, where there are several ways: "winograd F(4x4,3x3)".
  virtual std::string_view method() const { return {}; }
  // The layout in which its first operand is to come, where that is an input of the graph.
  virtual Layout wants() const { return Layout::as_graph; }
  // `reader` alone reads the output, as its operand number `operand`: whether this step does its work, too. What is absorbed has
  // one output. A reader with other operands that are computed moves the step to its place, where they all are known.
  virtual bool absorb(const Site& /*reader*/, std::size_t /*operand*/) { return false; }
  // Nothing where it has none, and lib/reference could compute the node from its operands.
  virtual std::optional<Weights> weights() const { return std::nullopt; }
  // Whether emit() knows what to do where an operand or the output has no elements.
  virtual bool takes_empty() const { return false; }
  // Demands operands, allocates buffers and adds calls for one set of shapes.
  virtual void emit(Emitter& emitter) const = 0;

  // For the plan, after absorb(): the output of what was absorbed.
  void stand_for(const Site& reader);

 private:
  NodeId node_;
  ValueId output_;
  DType dtype_;
};

}  // namespace resnet::xnnpack
