// Packed weights that a plan is given are not trusted: XNNPACK would read as many bytes as it wants of however few there are.
#include "lib/xnnpack/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/error.h"
#include "tests/xnnpack/support.h"

namespace resnet::test {
namespace {

using testing::HasSubstr;
using xnnpack::PackedWeightsOf;
using xnnpack::Plan;

// Convolutions that XNNPACK packs (four outputs; groups), one that our own kernels do, a depthwise one, and a product.
Graph network() {
  Graph graph;
  const ValueId x = graph.add_input("x", float_fact(Shape{1, 3, 8, 8}));
  const auto conv = [&](ValueId from, Shape shape, std::int64_t group, const std::string& name) {
    const ValueId weight = graph.add_constant(name + ".weight", random_tensor(std::move(shape), 7));
    return graph.append(Conv{.pads = {1, 1, 1, 1}, .group = group}, {from, weight}, name, {name});
  };
  const ValueId few = conv(x, Shape{4, 3, 3, 3}, 1, "few");
  const ValueId groups = conv(few, Shape{4, 2, 3, 3}, 2, "groups");
  const ValueId deep = conv(groups, Shape{4, 1, 3, 3}, 4, "depthwise");
  const ValueId own = conv(deep, Shape{32, 4, 3, 3}, 1, "own");
  const ValueId pooled = graph.append(GlobalAveragePool{}, {own}, "pool", {"pooled"});
  const ValueId flat = graph.append(Flatten{}, {pooled}, "flat", {"flat"});
  const ValueId weight = graph.add_constant("fc.weight", random_tensor(Shape{5, 32}, 8));
  graph.set_outputs({graph.append(Gemm{.transB = true}, {flat, weight}, "fc", {"y"})});
  return graph;
}

std::string error_with(const Plan& plan, const PackedWeightsOf& packed) {
  try {
    Plan::make(plan.graph(), {.optimize = false, .job = {}, .packed = packed});
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::malformed);
    return error.what();
  }
  return "";
}

TEST(PackedWeights, OfTheSizeThatXnnpackWouldPackAreTaken) {
  const auto plan = Plan::make(network(), {});
  const PackedWeightsOf packed = plan->packed_weights().value();
  EXPECT_GE(packed.size(), 4u);
  EXPECT_EQ(error_with(*plan, packed), "");
}

TEST(PackedWeights, OfAnotherSizeAreRefused) {
  const auto plan = Plan::make(network(), {});
  const PackedWeightsOf packed = plan->packed_weights().value();
  for (const auto& [node, buffer] : packed) {
    SCOPED_TRACE(plan->graph().node(node).name);
    for (const std::size_t size : {std::size_t{0}, std::size_t{4}, buffer->bytes().size() - 4, buffer->bytes().size() + 64}) {
      PackedWeightsOf forged = packed;
      forged[node] = Buffer::allocate(size);
      EXPECT_THAT(error_with(*plan, forged),
                  HasSubstr("is given " + std::to_string(size) + " bytes of packed weights, expected " +
                            std::to_string(buffer->bytes().size())));
    }
  }
}

// XNNPACK packs a depthwise convolution's weights anew each time: from where there are none any more.
TEST(PackedWeights, ForWhatHasNoneAreRefused) {
  const auto plan = Plan::make(network(), {});
  PackedWeightsOf forged = plan->packed_weights().value();
  for (std::size_t id = 0; id < plan->graph().nodes().size(); ++id) {
    if (plan->graph().node(static_cast<NodeId>(id)).name == "depthwise") forged[static_cast<NodeId>(id)] = Buffer::allocate(64);
  }
  EXPECT_THAT(error_with(*plan, forged), HasSubstr("is given 64 bytes of packed weights, expected none"));
}

}  // namespace
}  // namespace resnet::test
