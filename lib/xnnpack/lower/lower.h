// From a node to its step: a line for each operator that has a fast way of its own; elementwise ones are chains
// (lower/elementwise.h) and need none. The file that defines it holds all of the operator:
// which element types and layouts it takes, what its step absorbs, and how that is emitted.
#pragma once

#include <memory>

#include "lib/graph/graph.h"
#include "lib/xnnpack/site.h"
#include "lib/xnnpack/step.h"

namespace resnet::xnnpack {

// Throws Error(unsupported) that lists every node that nothing here can run.
void refuse_what_cannot_run(const Graph& graph);
// Whether there is something to run: not for inputs and constants.
bool is_computed(const Node& node);

// The fastest step that computes exactly what the node means; lib/reference's where there is no faster one.
std::unique_ptr<Step> lower(const Site& site);

// Null where the operator as the node has it has no fast way.
std::unique_ptr<Step> lower(const ArgMax& op, const Site& site);
std::unique_ptr<Step> lower(const ArgMin& op, const Site& site);
std::unique_ptr<Step> lower(const AveragePool& op, const Site& site);
std::unique_ptr<Step> lower(const BatchNormalization& op, const Site& site);
std::unique_ptr<Step> lower(const Cast& op, const Site& site);
std::unique_ptr<Step> lower(const Concat& op, const Site& site);
std::unique_ptr<Step> lower(const Conv& op, const Site& site);
std::unique_ptr<Step> lower(const ConvInteger& op, const Site& site);
std::unique_ptr<Step> lower(const ConvTranspose& op, const Site& site);
std::unique_ptr<Step> lower(const DepthToSpace& op, const Site& site);
std::unique_ptr<Step> lower(const DequantizeLinear& op, const Site& site);
std::unique_ptr<Step> lower(const DynamicQuantizeLinear& op, const Site& site);
std::unique_ptr<Step> lower(const Expand& op, const Site& site);
std::unique_ptr<Step> lower(const Flatten& op, const Site& site);
std::unique_ptr<Step> lower(const Gather& op, const Site& site);
std::unique_ptr<Step> lower(const Gemm& op, const Site& site);
std::unique_ptr<Step> lower(const GlobalAveragePool& op, const Site& site);
std::unique_ptr<Step> lower(const GlobalLpPool& op, const Site& site);
std::unique_ptr<Step> lower(const GlobalMaxPool& op, const Site& site);
std::unique_ptr<Step> lower(const GroupNormalization& op, const Site& site);
std::unique_ptr<Step> lower(const Identity& op, const Site& site);
std::unique_ptr<Step> lower(const InstanceNormalization& op, const Site& site);
std::unique_ptr<Step> lower(const LRN& op, const Site& site);
std::unique_ptr<Step> lower(const LayerNormalization& op, const Site& site);
std::unique_ptr<Step> lower(const LogSoftmax& op, const Site& site);
std::unique_ptr<Step> lower(const LookupTable& op, const Site& site);
std::unique_ptr<Step> lower(const LpNormalization& op, const Site& site);
std::unique_ptr<Step> lower(const MatMul& op, const Site& site);
std::unique_ptr<Step> lower(const MatMulInteger& op, const Site& site);
std::unique_ptr<Step> lower(const MaxPool& op, const Site& site);
std::unique_ptr<Step> lower(const MeanVarianceNormalization& op, const Site& site);
std::unique_ptr<Step> lower(const Pad& op, const Site& site);
std::unique_ptr<Step> lower(const QGemm& op, const Site& site);
std::unique_ptr<Step> lower(const QLinearAdd& op, const Site& site);
std::unique_ptr<Step> lower(const QLinearAveragePool& op, const Site& site);
std::unique_ptr<Step> lower(const QLinearConv& op, const Site& site);
std::unique_ptr<Step> lower(const QLinearGlobalAveragePool& op, const Site& site);
std::unique_ptr<Step> lower(const QLinearMatMul& op, const Site& site);
std::unique_ptr<Step> lower(const QuantizeLinear& op, const Site& site);
std::unique_ptr<Step> lower(const ReduceL1& op, const Site& site);
std::unique_ptr<Step> lower(const ReduceL2& op, const Site& site);
std::unique_ptr<Step> lower(const ReduceLogSum& op, const Site& site);
std::unique_ptr<Step> lower(const ReduceMax& op, const Site& site);
std::unique_ptr<Step> lower(const ReduceMean& op, const Site& site);
std::unique_ptr<Step> lower(const ReduceMin& op, const Site& site);
std::unique_ptr<Step> lower(const ReduceProd& op, const Site& site);
std::unique_ptr<Step> lower(const ReduceSum& op, const Site& site);
std::unique_ptr<Step> lower(const ReduceSumSquare& op, const Site& site);
std::unique_ptr<Step> lower(const Reshape& op, const Site& site);
std::unique_ptr<Step> lower(const Resize& op, const Site& site);
std::unique_ptr<Step> lower(const Slice& op, const Site& site);
std::unique_ptr<Step> lower(const Softmax& op, const Site& site);
std::unique_ptr<Step> lower(const SpaceToDepth& op, const Site& site);
std::unique_ptr<Step> lower(const Split& op, const Site& site);
std::unique_ptr<Step> lower(const Squeeze& op, const Site& site);
std::unique_ptr<Step> lower(const Tile& op, const Site& site);
std::unique_ptr<Step> lower(const Transpose& op, const Site& site);
std::unique_ptr<Step> lower(const Unsqueeze& op, const Site& site);

}  // namespace resnet::xnnpack
