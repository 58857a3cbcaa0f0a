// A network of 16-bit floats, in float32 throughout.
#include <gmock/gmock.h>

#include "formats/onnx/read.h"
#include "lib/base/error.h"
#include "tests/passes/support.h"

namespace resnet {
namespace {

Graph network(const std::string& type, const std::string& head) {
  return onnx::read_text("<ir_version: 8, opset_import: [\"\": 17, \"elsewhere\": 1]> net (" + type +
                         "[N,2] x, int64[N,2] i) => (" + type + "[N,2] y, int64[N,2] j) { c = Cast<to = " +
                         (type == "float16" ? "10" : "16") + ">(i)  z = Add(x, c)  y = " + head + "(z)  j = Identity(i) }")
      .graph;
}

TEST(WidenFloats, InputsAndOutputsToo) {
  for (const std::string type : {"float16", "bfloat16"}) {
    PassLog log;
    const Graph wide = widen_floats(network(type, "Relu"), log);
    EXPECT_EQ(verify(wide), std::vector<std::string>{});
    EXPECT_EQ(wide.fact(wide.inputs()[0]).to_string(), "float Nx2");
    EXPECT_EQ(wide.fact(wide.inputs()[1]).dtype, DType::int64);
    EXPECT_EQ(wide.fact(wide.outputs()[0]).to_string(), "float Nx2");
    EXPECT_EQ(wide.fact(wide.outputs()[1]).dtype, DType::int64);
    EXPECT_EQ(log.done.size(), 1u);
    const auto y = reference::evaluate(
        wide, std::vector{Tensor::from<float>(Shape{1, 2}, {0.1f, -3}), Tensor::from<std::int64_t>(Shape{1, 2}, {1, 2})});
    EXPECT_EQ(y[0].values_as<float>(), (std::vector<float>{1.1f, 0}));
  }
}

TEST(WidenFloats, NotWhatNobodyKnows) {
  PassLog log;
  EXPECT_THROW(widen_floats(network("float16", "elsewhere.Frobnicate"), log), Error);
}

}  // namespace
}  // namespace resnet
