// What the analysis says of a batch against what the plain evaluator gives when its other images change.
#include <gtest/gtest.h>

#include <cstring>

#include "lib/analysis/batch_axis.h"
#include "lib/base/error.h"
#include "lib/reference/reference.h"
#include "tests/random/draw.h"
#include "tests/random/generate.h"
#include "tests/random/settings.h"

namespace resnet::random {
namespace {

// The bytes of image `index` in a tensor whose first axis is the batch.
std::span<const std::byte> image_of(const Tensor& tensor, std::int64_t index) {
  const std::size_t size = tensor.size_bytes() / static_cast<std::size_t>(std::max<std::int64_t>(1, tensor.shape()[0]));
  return tensor.bytes().subspan(static_cast<std::size_t>(index) * size, size);
}

// Whether the first image's rows of some output are others where the other images of the first input are.
bool depends_on_others(const Graph& graph, std::int64_t batch, std::uint64_t seed) {
  std::vector<Tensor> inputs = make_inputs(graph, batch, seed);
  const std::vector<Tensor> before = reference::evaluate(graph, inputs);
  const Tensor changed = make_inputs(graph, batch, seed + 1'000'000)[0];
  Tensor mixed = Tensor::allocate(changed.dtype(), changed.shape());
  const std::span<const std::byte> own = image_of(inputs[0], 0);
  std::memcpy(mixed.mutable_bytes().data(), changed.bytes().data(), changed.size_bytes());
  std::memcpy(mixed.mutable_bytes().data(), own.data(), own.size());
  inputs[0] = mixed;
  const std::vector<Tensor> after = reference::evaluate(graph, inputs);
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (before[i].shape().rank() == 0 || before[i].shape()[0] != batch) {
      if (std::memcmp(before[i].bytes().data(), after[i].bytes().data(), before[i].size_bytes()) != 0) return true;
      continue;
    }
    const auto a = image_of(before[i], 0), b = image_of(after[i], 0);
    if (!a.empty() && std::memcmp(a.data(), b.data(), a.size()) != 0) return true;
  }
  return false;
}

TEST(RandomBatches, WhatIsSaidToKeepImagesApartDoes) {
  std::size_t apart = 0, together = 0, confirmed = 0;
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
    Settings settings = draw_settings(seed);
    settings.batch = 2 + static_cast<std::int64_t>(seed % 2);
    settings.open_batch = false;
    const Graph graph = generate(seed, settings);
    const auto& dims = graph.fact(graph.inputs()[0]).dims;
    if (!dims || dims->empty() || !dims->front().is(settings.batch)) continue;
    const auto found = analysis::find_batch_mixing(graph, graph.outputs());
    const bool depends = depends_on_others(graph, settings.batch, seed);
    if (!found) {
      ++apart;
      EXPECT_FALSE(depends) << "seed " << seed << "\n" << print(graph);
    } else {
      ++together;
      confirmed += depends ? 1 : 0;
    }
  }
  EXPECT_GT(apart, 50u);
  EXPECT_GT(together, 50u);
  // Others turn a batch about, which this change does not show, or saturate.
  EXPECT_GT(3 * confirmed, 2 * together) << confirmed << " of " << together << ", apart " << apart;
  RecordProperty("apart", static_cast<int>(apart));
}

// Graphs that are made to keep images apart.
TEST(RandomBatches, WhatKeepsImagesApartIsSaidTo) {
  std::size_t unknown = 0, seen = 0;
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
    Settings settings = draw_settings(seed);
    settings.open_batch = true;
    const Graph graph = generate(seed, settings);
    const auto& dims = graph.fact(graph.inputs()[0]).dims;
    if (!dims || dims->empty() || dims->front().is_number()) continue;
    ++seen;
    const auto found = analysis::find_batch_mixing(graph, graph.outputs());
    if (!found) continue;
    EXPECT_NE(found->kind, analysis::BatchMixing::Kind::mixed) << "seed " << seed << ": " << found->to_string() << "\n"
                                                               << print(graph);
    ++unknown;
  }
  EXPECT_GT(seen, 300u);
  EXPECT_LT(20 * unknown, seen) << unknown << " of " << seen;
}

}  // namespace
}  // namespace resnet::random
