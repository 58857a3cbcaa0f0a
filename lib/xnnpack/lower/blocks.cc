// DepthToSpace and SpaceToDepth, of any element type.
#include <array>
#include <utility>
#include <vector>

#include "lib/xnnpack/faults.h"
#include "lib/xnnpack/lower/lower.h"
#include "lib/xnnpack/lower/mapping.h"

namespace resnet::xnnpack {

namespace {

// Elements that the source has between neighbours along each axis of the graph.
std::array<std::int64_t, 4> strides_of(const Shape& shape, const Order& order) {
  const auto in_memory = physical(shape, order).strides();
  std::array<std::int64_t, 4> strides{};
  for (std::size_t i = 0; i < order.size(); ++i) strides[order[i]] = in_memory[i];
  return strides;
}

class DepthToSpaceStep final : public Step {
 public:
  DepthToSpaceStep(const DepthToSpace& op, const Site& site) : Step(site), op_(op) {}
  std::string_view kind() const override { return "depth_to_space"; }

  void emit(Emitter& e) const override {
    const ValueId x = e.node().inputs[0];
    const Shape &shape = e.shape(x), &result = e.shape(output());
    const Order order = e.home(x).order;
    const auto strides = strides_of(shape, order);
    const std::int64_t block = op_.blocksize, channels = result[1];
    const bool channel_last = (op_.mode == DepthToSpace::Mode::dcr) != has_fault(PlantedFault::blocks_misread);
    // Of the operand's channels: how far apart are those of the result, a block's rows, and its columns.
    const std::int64_t channel = (channel_last ? 1 : block * block) * strides[1];
    const std::int64_t row = (channel_last ? channels * block : block) * strides[1];
    const std::int64_t column = (channel_last ? channels : 1) * strides[1];
    std::vector<Sources> sources;
    for (const std::size_t axis : order) {
      if (axis == 0) sources.push_back(Sources::steps(shape[0], strides[0]));
      if (axis == 1) sources.push_back(Sources::steps(channels, channel));
      if (axis < 2) continue;
      sources.push_back(Sources::steps(shape[axis], strides[axis]));
      sources.push_back(Sources::steps(block, axis == 2 ? row : column));
    }
    const int from = e.demand(x, order);
    add_mapping(e, from, e.produce(output(), order), sources, size_of(dtype()));
  }

 private:
  DepthToSpace op_;
};

class SpaceToDepthStep final : public Step {
 public:
  SpaceToDepthStep(const SpaceToDepth& op, const Site& site) : Step(site), op_(op) {}
  std::string_view kind() const override { return "space_to_depth"; }

  void emit(Emitter& e) const override {
    const ValueId x = e.node().inputs[0];
    const Shape& shape = e.shape(x);
    const Order order = e.home(x).order;
    const auto strides = strides_of(shape, order);
    const std::int64_t block = op_.blocksize;
    std::vector<Sources> sources;
    for (const std::size_t axis : order) {
      if (axis == 0) sources.push_back(Sources::steps(shape[0], strides[0]));
      if (axis >= 2) sources.push_back(Sources::steps(shape[axis] / block, strides[axis] * block));
      if (axis != 1) continue;
      const std::size_t slower = has_fault(PlantedFault::blocks_misread) ? 3 : 2;
      sources.push_back(Sources::steps(block, strides[slower]));
      sources.push_back(Sources::steps(block, strides[5 - slower]));
      sources.push_back(Sources::steps(shape[1], strides[1]));
    }
    const int from = e.demand(x, order);
    add_mapping(e, from, e.produce(output(), order), sources, size_of(dtype()));
  }

 private:
  SpaceToDepth op_;
};

}  // namespace

std::unique_ptr<Step> lower(const DepthToSpace& op, const Site& site) {
  return site.dtype() && site.has_rank(0, 4) ? std::make_unique<DepthToSpaceStep>(op, site) : nullptr;
}

std::unique_ptr<Step> lower(const SpaceToDepth& op, const Site& site) {
  return site.dtype() && site.has_rank(0, 4) ? std::make_unique<SpaceToDepthStep>(op, site) : nullptr;
}

}  // namespace resnet::xnnpack
