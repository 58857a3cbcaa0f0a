// The file of ONNX's own backend tests: initializers as inputs, Sum, and a stored output.
#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>

#include <cmath>
#include <fstream>

#include "formats/onnx/read.h"
#include "formats/onnx/tensors.h"
#include "lib/xnnpack/session.h"
#include "tests/support/assets.h"

namespace resnet::onnx {
namespace {

TEST(Caffe2, TheStoredOutputWhateverTheInput) {
  RESNET_REQUIRE_ASSETS();
  ::onnx::TensorProto proto;
  std::ifstream file(*test::assets() / "expected" / "caffe2-light-resnet50.pb", std::ios::binary);
  ASSERT_TRUE(proto.ParseFromIstream(&file));
  const Tensor expected = import_tensor(proto, nullptr);
  const auto plan = xnnpack::Plan::make(read(*test::assets() / "models" / "caffe2-light-resnet50.onnx").graph);
  ThreadPool pool(2);
  xnnpack::Session session(plan, pool);
  for (const float scale : {0.0f, 0.01f, 1.0f}) {
    Tensor input = Tensor::allocate(DType::float32, Shape{1, 3, 224, 224});
    const auto values = input.mutable_data<float>();
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = scale * static_cast<float>(i % 255);
    const Tensor output = session.run(std::span(&input, 1))[0];
    ASSERT_EQ(output.shape(), expected.shape());
    double worst = 0;
    for (std::size_t i = 0; i < output.data<float>().size(); ++i) {
      worst = std::max(worst,
                       std::abs(static_cast<double>(output.data<float>()[i]) - static_cast<double>(expected.data<float>()[i])));
    }
    EXPECT_LT(worst, 1e-5) << scale;
  }
}

}  // namespace
}  // namespace resnet::onnx
