// Real networks against the outputs that other programs computed.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "formats/npy/npy.h"
#include "formats/onnx/read.h"
#include "lib/base/error.h"
#include "lib/passes/rewrite.h"
#include "tests/support/assets.h"
#include "tests/support/sanitized.h"
#include "tests/xnnpack/support.h"

namespace resnet {
namespace {

struct Case {
  const char* name;
  const char* model;
  const char* expected;
};

class ImageNet : public ::testing::TestWithParam<Case> {};

// Two correct programs differ by up to 4e-5 in these logits.
TEST_P(ImageNet, FirstFourPhotos) {
  RESNET_REQUIRE_ASSETS();
  const auto folder = *test::assets();
  const Tensor images = npy::read(folder / "expected" / "imagenet-inputs-4.npy");
  const Tensor expected = npy::read(folder / "expected" / GetParam().expected);
  const auto plan = xnnpack::Plan::make(onnx::read(folder / "models" / GetParam().model).graph);
  const std::size_t pixels = 3 * 224 * 224, classes = 1000;
#ifdef RESNET_SANITIZED
  const std::vector<std::size_t> batches = {3};
#else
  const std::vector<std::size_t> batches = {1, 3, 4};
#endif
  for (const std::size_t threads : {1, 2}) {
    ThreadPool pool(threads);
    xnnpack::Session session(plan, pool);
    for (const std::size_t batch : batches) {
      SCOPED_TRACE(::testing::Message() << batch << " images, " << threads << " threads");
      const Tensor part =
          Tensor::from(Shape{static_cast<std::int64_t>(batch), 3, 224, 224}, images.data<float>().first(batch * pixels));
      test::expect_close(
          session.run(std::span(&part, 1))[0],
          Tensor::from(Shape{static_cast<std::int64_t>(batch), 1000}, expected.data<float>().first(batch * classes)), 1e-3);
    }
  }
}

// For one choice of ways to convolve: whatever an image's place, the size of its batch and the number of threads.
TEST_P(ImageNet, AnImageHasTheSameBits) {
  RESNET_REQUIRE_ASSETS();
  using xnnpack::Convolutions;
  const auto folder = *test::assets();
  const Tensor images = npy::read(folder / "expected" / "imagenet-inputs-4.npy");
  const std::size_t pixels = 3 * 224 * 224, classes = 1000;
#ifdef RESNET_SANITIZED
  const std::vector<Convolutions> ways = {Convolutions::automatic};
#else
  const std::vector<Convolutions> ways = {Convolutions::automatic, Convolutions::direct, Convolutions::winograd};
#endif
  for (const Convolutions way : ways) {
    const auto plan = xnnpack::Plan::make(onnx::read(folder / "models" / GetParam().model).graph,
                                          {.job = {.convolutions = way, .batch = 4, .input_shapes = {images.shape()}}});
    ThreadPool two(2);
    xnnpack::Session session(plan, two);
    const Tensor all = session.run(std::span(&images, 1))[0];
    const auto same = [&](xnnpack::Session& other, const std::vector<std::size_t>& order) {
      Tensor part = Tensor::allocate(DType::float32, Shape{static_cast<std::int64_t>(order.size()), 3, 224, 224});
      for (std::size_t i = 0; i < order.size(); ++i) {
        const auto image = images.data<float>().subspan(order[i] * pixels, pixels);
        std::copy(image.begin(), image.end(), part.mutable_data<float>().begin() + static_cast<std::ptrdiff_t>(i * pixels));
      }
      const Tensor logits = other.run(std::span(&part, 1))[0];
      for (std::size_t i = 0; i < order.size(); ++i) {
        const auto expected = all.data<float>().subspan(order[i] * classes, classes);
        EXPECT_EQ(std::memcmp(logits.data<float>().subspan(i * classes).data(), expected.data(), expected.size_bytes()), 0)
            << "image " << order[i] << " at " << i << " of " << order.size();
      }
    };
    same(session, {2, 0, 3});
    same(session, {3});
    ThreadPool one(1);
    xnnpack::Session alone(plan, one);
    same(alone, {1, 2});
  }
}

INSTANTIATE_TEST_SUITE_P(Models, ImageNet,
                         ::testing::Values(Case{"resnet18", "imagenet-resnet18-torch-op17-bn.onnx", "imagenet-resnet18.npy"},
                                           Case{"resnet18_codebook", "imagenet-resnet18-codebook-op13.onnx",
                                                "imagenet-resnet18.npy"},
                                           Case{"resnet50", "imagenet-resnet50-torch-op13-bn.onnx", "imagenet-resnet50.npy"}),
                         [](const auto& tested) { return std::string(tested.param.name); });

// The CIFAR networks on noise, against lib/reference: slices, pads and shape arithmetic, NHWC, and int8.
class Cifar : public ::testing::TestWithParam<const char*> {};

TEST_P(Cifar, AsReference) {
  RESNET_REQUIRE_ASSETS();
  const Graph graph = onnx::read(*test::assets() / "models" / GetParam()).graph;
  const bool nhwc = (*graph.fact(graph.inputs()[0]).dims)[3].is(3);
  test::expect_as_reference(graph, {test::random_tensor(nhwc ? Shape{3, 32, 32, 3} : Shape{3, 3, 32, 32}, 1)}, 1e-3);
}

// The network on images whose mean is still to be subtracted, and which are still to be divided by their standard deviation.
Graph normalising(const Graph& graph, const Tensor& mean, const Tensor& deviation) {
  Rewriter rewriter(graph);
  return rewriter.run([&](NodeId id) {
    if (!holds_alternative<Input>(graph.node(id).op)) return false;
    const ValueId image = rewriter.copy(id);
    const ValueId subtracted = rewriter.graph().append(Sub{}, {image, rewriter.add_constant("mean", mean)}, "subtract");
    const ValueId divided = rewriter.graph().append(Div{}, {subtracted, rewriter.add_constant("deviation", deviation)}, "divide");
    rewriter.replace({id, 0}, divided);
    return true;
  });
}

// At each size of a batch: the layout of memory depends on it.
TEST_P(Cifar, NormalisedInTheGraph) {
  RESNET_REQUIRE_ASSETS();
  const Graph graph = onnx::read(*test::assets() / "models" / GetParam()).graph;
  const bool nhwc = (*graph.fact(graph.inputs()[0]).dims)[3].is(3);
  const Shape per_channel = nhwc ? Shape{3} : Shape{3, 1, 1};
  const std::vector<float> mean = {0.485f, 0.456f, 0.406f}, deviation = {0.229f, 0.224f, 0.225f};
  const auto plain = xnnpack::Plan::make(graph);
  const auto whole = xnnpack::Plan::make(
      normalising(graph, Tensor::from(per_channel, std::span(mean)), Tensor::from(per_channel, std::span(deviation))));
#ifdef RESNET_SANITIZED
  const std::vector<std::int64_t> batches = {1, 3};
#else
  const std::vector<std::int64_t> batches = {1, 3, 8, 100};
#endif
  for (const std::size_t threads : {1, 2}) {
    ThreadPool pool(threads);
    xnnpack::Session plain_session(plain, pool), whole_session(whole, pool);
    for (const std::int64_t batch : batches) {
      SCOPED_TRACE(::testing::Message() << batch << " images, " << threads << " threads");
      const Tensor images = test::random_tensor(nhwc ? Shape{batch, 32, 32, 3} : Shape{batch, 3, 32, 32}, 2);
      Tensor normalised = Tensor::allocate(DType::float32, images.shape());
      for (std::size_t i = 0; i < images.data<float>().size(); ++i) {
        const std::size_t channel = nhwc ? i % 3 : i / 1024 % 3;
        normalised.mutable_data<float>()[i] = (images.data<float>()[i] - mean[channel]) / deviation[channel];
      }
      test::expect_close(whole_session.run(std::span(&images, 1))[0], plain_session.run(std::span(&normalised, 1))[0], 1e-4);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Models, Cifar,
                         ::testing::Values("cifar10-resnet20-torch-op11.onnx", "cifar10-resnet56-torch-op16-bn.onnx",
                                           "cifar10-resnet8-nhwc-op11.onnx", "cifar10-resnet8-int8-qdq-op13.onnx"),
                         [](const auto& tested) {
                           std::string name = tested.param;
                           for (char& c : name)
                             if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
                           return name;
                         });

// Small networks whose buffers once lay over each other.
class Wrong : public ::testing::Test {
 protected:
  struct Network {
    std::string name;
    Graph graph;
    std::vector<Tensor> inputs;
  };

  // Those whose batch can be left open.
  static std::vector<Network> with_open_batch(const std::filesystem::path& folder) {
    std::vector<Network> networks;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      if (!std::filesystem::exists(entry.path() / "model.onnx")) continue;
      Network network{entry.path().filename().string(), onnx::read(entry.path() / "model.onnx").graph, {}};
      std::vector<Fact> facts;
      for (const ValueId input : network.graph.inputs()) {
        const std::string file = "input_" + std::to_string(facts.size()) + ".npy";
        network.inputs.push_back(npy::read(entry.path() / file));
        facts.push_back(network.graph.fact(input));
        (*facts.back().dims)[0] = 3 * network.inputs.back().shape()[0];
      }
      try {
        with_input_facts(network.graph, facts);
        for (Fact& fact : facts) (*fact.dims)[0] = Dim::symbol("batch");
        network.graph = with_input_facts(network.graph, facts);
        const Fact& output = network.graph.fact(network.graph.outputs()[0]);
        if (!output.has_rank() || output.rank() == 0 || !((*output.dims)[0] == Dim::symbol("batch"))) continue;
      } catch (const Error&) {
        continue;  // a Reshape to a certain batch
      }
      networks.push_back(std::move(network));
    }
    return networks;
  }
};

// Whatever is beside it in the batch, and whoever computes it.
TEST_F(Wrong, AnImageHasTheSameBits) {
  RESNET_REQUIRE_ASSETS();
  const auto folder = *test::assets() / "cases" / "wrong";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no " << folder;
  std::size_t compared = 0;
  for (const Network& network : with_open_batch(folder)) {
    SCOPED_TRACE(network.name);
    const auto plan = xnnpack::Plan::make(network.graph);
    ThreadPool one(1), two(2);
    xnnpack::Session alone(plan, one), together(plan, two);
    const std::vector<Tensor> expected = alone.run(network.inputs);
    // Three times as many, those of the file at the beginning and at the end, other ones between them.
    std::vector<Tensor> inputs;
    for (const Tensor& input : network.inputs) {
      std::vector<std::int64_t> dims(input.shape().dims().begin(), input.shape().dims().end());
      dims[0] *= 3;
      Tensor three = Tensor::allocate(input.dtype(), Shape(dims));
      const std::size_t size = input.size_bytes();
      for (std::size_t place = 0; place < 3; ++place)
        std::memcpy(three.mutable_bytes().data() + place * size, input.bytes().data(), size);
      std::memset(three.mutable_bytes().data() + size, 0, size);
      inputs.push_back(std::move(three));
    }
    const std::vector<Tensor> actual = together.run(inputs);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const std::size_t size = expected[i].size_bytes();
      if (actual[i].size_bytes() != 3 * size) continue;  // the batch is not its first axis
      EXPECT_EQ(std::memcmp(actual[i].bytes().data(), expected[i].bytes().data(), size), 0) << "output " << i << ", first";
      EXPECT_EQ(std::memcmp(actual[i].bytes().data() + 2 * size, expected[i].bytes().data(), size), 0)
          << "output " << i << ", last";
      ++compared;
    }
  }
  EXPECT_GT(compared, 20u);
}

}  // namespace
}  // namespace resnet
