// Real networks against the outputs that other programs computed.

#include <gtest/gtest.h>

#include "formats/npy/npy.h"
#include "formats/onnx/read.h"
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

INSTANTIATE_TEST_SUITE_P(Models, Cifar,
                         ::testing::Values("cifar10-resnet20-torch-op11.onnx", "cifar10-resnet56-torch-op16-bn.onnx",
                                           "cifar10-resnet8-nhwc-op11.onnx", "cifar10-resnet8-int8-qdq-op13.onnx"),
                         [](const auto& tested) {
                           std::string name = tested.param;
                           for (char& c : name)
                             if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
                           return name;
                         });

}  // namespace
}  // namespace resnet
