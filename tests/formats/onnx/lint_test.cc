// Broken files: every finding at once.
#include "formats/onnx/lint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <onnx/defs/parser.h>
#include <onnx/onnx_pb.h>

#include <functional>

#include "tests/support/assets.h"

namespace resnet::onnx {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

using Level = Finding::Level;

std::vector<Finding> lint_of(const std::string& graph, const std::function<void(::onnx::ModelProto&)>& change = {},
                             int opset = 17) {
  ::onnx::ModelProto proto;
  const std::string text = "<ir_version: 8, opset_import: [\"\": " + std::to_string(opset) + "]>\n" + graph;
  const auto status = ::onnx::OnnxParser::Parse(proto, text.c_str());
  EXPECT_TRUE(status.IsOK()) << status.ErrorMessage();
  if (change) change(proto);
  const std::string bytes = proto.SerializeAsString();
  return lint(std::as_bytes(std::span(bytes)), "test", {});
}

auto finding(Level level, const std::string& rule, const std::string& node, const std::string& message) {
  return AllOf(Field("level", &Finding::level, level), Field("rule", &Finding::rule, rule), Field("node", &Finding::node, node),
               Field("message", &Finding::message, HasSubstr(message)));
}

std::vector<std::string> errors_of(const std::vector<Finding>& findings) {
  std::vector<std::string> errors;
  for (const Finding& found : findings) {
    if (found.level == Level::error) errors.push_back(found.rule + ": " + found.node + ": " + found.message);
  }
  return errors;
}

const char* const sound = R"(net (float[N,3,4,4] x) => (float[N,2,1,1] y)
    <float[2,3,1,1] w = {1,2,3,4,5,6}, float[2] b = {0,0}>
    { c = Conv(x, w, b)  y = GlobalAveragePool(c) })";

TEST(Lint, ASoundFileHasNoFindings) { EXPECT_THAT(lint_of(sound), IsEmpty()); }

TEST(Lint, LabelsThatDoNotFitTheClasses) {
  const auto with = [](const std::string& labels, const char* graph) {
    return lint_of(graph, [&](::onnx::ModelProto& proto) {
      auto& entry = *proto.add_metadata_props();
      entry.set_key("resnet-cli.labels");
      entry.set_value(labels);
    });
  };
  EXPECT_THAT(
      with(R"(["one"])", sound),
      ElementsAre(finding(Level::warning, "labels", "", "the file's own 1 label does not fit its 2 classes, and is left out")));
  EXPECT_THAT(with(R"(["a", "b", "c"])", sound), ElementsAre(finding(Level::warning, "labels", "", "own 3 labels do not fit")));
  EXPECT_THAT(with(R"(["a", "b"])", sound), IsEmpty());
  // Where it is not known how many there are.
  EXPECT_THAT(with(R"(["a"])", "net (float[N,C] x) => (float[N,C] y) { y = Relu(x) }"), IsEmpty());
}

TEST(Lint, AnInputOfAnInitializersName) {
  const auto declared = [](const std::string& shape) {
    return lint_of("net (float[N,3] x, float[" + shape +
                   "] w) => (float[N,2] y) <float[3,2] w = {1,2,3,4,5,6}> { y = MatMul(x, w) }");
  };
  EXPECT_THAT(declared("5,2"), Contains(finding(Level::warning, "input-shape", "",
                                                "input 'w': is declared as 5x2, but the initializer of that name, which is "
                                                "taken, is 3x2")));
  EXPECT_THAT(declared("6"), Contains(finding(Level::warning, "input-shape", "", "is declared as 6, but")));
  EXPECT_THAT(declared("3,2"), IsEmpty());
  EXPECT_THAT(declared("K,2"), IsEmpty());
}

TEST(Lint, ADanglingInput) {
  EXPECT_THAT(lint_of("net (float[2] x) => (float[2] y) { y = Add(x, missing) }"),
              Contains(finding(Level::error, "dangling-input", "y", "input 'missing' is produced by no node")));
}

TEST(Lint, ACycle) {
  EXPECT_THAT(lint_of("net (float[2] x) => (float[2] y) { a = Add(x, y)  y = Relu(a) }"),
              Contains(finding(Level::error, "cycle", "a", "2 nodes wait for each other in a cycle: 'a', 'y'")));
}

TEST(Lint, DuplicateNames) {
  const auto findings = lint_of("net (float[2] x) => (float[2] y) { y = Relu(x)  y = Sigmoid(x) }", [](auto& proto) {
    for (auto& node : *proto.mutable_graph()->mutable_node()) node.set_name("same");
  });
  EXPECT_THAT(findings, Contains(finding(Level::error, "duplicate-value", "same", "value 'y' is also made by node 'same'")));
  EXPECT_THAT(findings, Contains(finding(Level::warning, "duplicate-node", "same", "two nodes are named 'same'")));
}

TEST(Lint, UnknownOperators) {
  EXPECT_THAT(lint_of("net (float[2] x) => (float[2] y) { y = Guess(x) }"),
              Contains(finding(Level::error, "unknown-operator", "y", "ONNX opset 17 has no operator Guess")));
}

TEST(Lint, WhatNobodyUses) {
  const auto findings = lint_of("net (float[2] x) => (float[2] y) <float[2] extra = {1, 2}> { y = Relu(x)  z = Sigmoid(x) }");
  EXPECT_THAT(findings,
              Contains(finding(Level::warning, "unused-initializer", "", "initializer 'extra' (2) is used by no node")));
  EXPECT_THAT(findings, Contains(finding(Level::warning, "unused-node", "z", "no output of this Sigmoid is used")));
}

TEST(Lint, InitializersOfAnotherSize) {
  const auto findings = lint_of(sound, [](auto& proto) { proto.mutable_graph()->mutable_initializer(0)->set_dims(0, 4); });
  EXPECT_THAT(findings, Contains(finding(Level::error, "initializer-size", "", "initializer 'w'")));
}

TEST(Lint, WeightsThatAreNoNumbers) {
  const auto findings = lint_of(sound, [](auto& proto) {
    proto.mutable_graph()->mutable_initializer(0)->set_float_data(2, std::numeric_limits<float>::quiet_NaN());
  });
  EXPECT_THAT(findings, Contains(finding(Level::error, "non-finite", "", "initializer 'w'")));
}

TEST(Lint, AnIrVersionAndAnOpsetOfTheFuture) {
  const auto findings = lint_of(
      sound, [](auto& proto) { proto.set_ir_version(14); }, 26);
  EXPECT_THAT(findings, Contains(finding(Level::warning, "ir-version", "", "IR version 14 is newer than 13")));
  EXPECT_THAT(findings, Contains(finding(Level::note, "opset", "", "opset 26 is newer than 25")));
}

TEST(Lint, OpsetsThatTheLibraryDoesNotDescribe) {
  const auto findings = lint_of(
      sound, [](auto& proto) { proto.set_ir_version(12); }, 25);
  EXPECT_THAT(errors_of(findings), IsEmpty());
  EXPECT_THAT(findings, ElementsAre(finding(Level::note, "onnx-checker", "",
                                            "IR version 12 and this opset: it was asked about a copy "
                                            "lowered to 10 and opset 22")));
  const char* const swish = R"(net (float[N,3] x) => (float[N,3] y) { y = Swish(x) })";
  EXPECT_THAT(errors_of(lint_of(swish, {}, 24)), IsEmpty());
  EXPECT_THAT(errors_of(lint_of(swish, {}, 23)), Contains(HasSubstr("ONNX opset 23 has no operator Swish")));
}

TEST(Lint, ABiasOfAnotherLength) {
  const auto findings = lint_of(R"(net (float[N,3,4,4] x) => (float[N,2,4,4] y)
      <float[2,3,1,1] w = {1,2,3,4,5,6}, float[3] b = {0,0,0}> { y = Conv(x, w, b) })");
  EXPECT_THAT(findings, Contains(finding(Level::error, "bias-length", "y", "3")));
}

TEST(Lint, ANegativeVariance) {
  const auto findings = lint_of(R"(net (float[1,2,1,1] x) => (float[1,2,1,1] y)
      <float[2] s = {1, 1}, float[2] b = {0, 0}, float[2] m = {0, 0}, float[2] v = {1, -1}>
      { y = BatchNormalization(x, s, b, m, v) })");
  EXPECT_THAT(findings, Contains(finding(Level::error, "negative-variance", "y", "-1")));
}

TEST(Lint, ABiasThatIsBroughtIntoAShapeIsNoResidual) {
  EXPECT_THAT(lint_of(R"(net (float[N,2,4,4] x) => (float[N,2,4,4] y)
      <float[2] b = {1, 2}, int64[4] s = {1, -1, 1, 1}> { c = Reshape(b, s)  y = Add(x, c) })"),
              IsEmpty());
  EXPECT_THAT(lint_of(R"(net (float[N,2,4,4] x, float[N,2,1,1] z) => (float[N,2,4,4] y) { y = Add(x, z) })"),
              Contains(finding(Level::warning, "add-shapes", "", "Nx2x1x1")));
}

// A convolution of dequantized values, with this in place of what is right.
std::vector<Finding> lint_of_quantized(const std::string& x_scale, const std::string& axis, const std::string& bias) {
  return lint_of(R"(net (uint8[N,2,4,4] x) => (float[N,2,4,4] y)
      <uint8 z = {3}, int8[2,2,1,1] w = {1, 2, 3, 4}, float[2] ws = {0.5, 0.25}, int32[2] b = {1, 2}, float[2] bs = {0.05, 0.025},
       float[2] other = {0.05, 0.05}, float[2] real = {0, 1}, float xs = {)" +
                 x_scale + R"(}>
      { d = DequantizeLinear(x, xs, z)  v = DequantizeLinear<axis = )" +
                 axis + R"(>(w, ws)
        c = )" + bias +
                 R"(  y = Conv(d, v, c) })");
}

TEST(Lint, QuantizedNetworks) {
  const std::string bias = "DequantizeLinear<axis = 0>(b, bs)";
  const auto of_rule = [](const std::string& rule) { return Contains(Field("rule", &Finding::rule, rule)); };
  EXPECT_THAT(lint_of_quantized("0.1", "0", bias), Not(of_rule("quantization-bias")));
  EXPECT_THAT(lint_of_quantized("0.1", "0", bias), Not(of_rule("quantization-axis")));
  EXPECT_THAT(lint_of_quantized("0.1", "0", bias), Not(of_rule("quantization-scale")));
  EXPECT_THAT(lint_of_quantized("0.0", "0", bias), Contains(finding(Level::warning, "quantization-scale", "d", "'xs' has 0")));
  EXPECT_THAT(lint_of_quantized("0.1", "1", bias), Contains(finding(Level::warning, "quantization-axis", "y", "axis 1")));
  EXPECT_THAT(lint_of_quantized("0.1", "0", "DequantizeLinear<axis = 0>(b, other)"),
              Contains(finding(Level::warning, "quantization-bias", "y", "scale 0.05 at channel 1, expected 0.025")));
  EXPECT_THAT(lint_of(R"(net (uint8[N,2,4,4] x) => (float[N,2,4,4] y)
      <uint8 z = {3}, int8[2,2,1,1] w = {1, 2, 3, 4}, float s = {0.5}, float[2] b = {0, 1}>
      { d = DequantizeLinear(x, s, z)  v = DequantizeLinear(w, s)  y = Conv(d, v, b) })"),
              Contains(finding(Level::warning, "quantization-bias", "y", "is not quantized")));
}

// Of weights of which one channel is 0, the step may be any; of all of them it may not.
TEST(Lint, AScaleOfAChannelWithoutWeights) {
  const auto with_scales = [](const std::string& scales) {
    return lint_of("net (uint8[N,2,4,4] x) => (float[N,2,4,4] y) <uint8 z = {3}, float s = {0.5}, float[2] ws = {" + scales +
                   R"(},
        int8[2,2,1,1] w = {1, 2, 0, 0}> { d = DequantizeLinear(x, s, z)  v = DequantizeLinear<axis = 0>(w, ws)  y = Conv(d, v) })");
  };
  const auto of_rule = Contains(Field("rule", &Finding::rule, "quantization-scale"));
  EXPECT_THAT(with_scales("0.5, 1e-20"), Not(of_rule));
  EXPECT_THAT(with_scales("0.5, 0.0"), of_rule);
  EXPECT_THAT(with_scales("1e-20, 1e-20"), of_rule);
}

// ONNX Runtime's operators run here.
TEST(Lint, KnownOperatorsOfOtherDomains) {
  const auto with_domain = [](const std::string& type) {
    return lint_of("net (float[2] x) => (float[2] y) { y = com.microsoft." + type + "(x) }", [](::onnx::ModelProto& proto) {
      auto& import = *proto.add_opset_import();
      import.set_domain("com.microsoft");
      import.set_version(1);
    });
  };
  EXPECT_THAT(with_domain("Gelu"), Not(Contains(Field("rule", &Finding::rule, "unknown-operator"))));
  EXPECT_THAT(with_domain("Guess"), Contains(finding(Level::warning, "unknown-operator", "y", "Guess")));
}

TEST(Lint, ManyFindingsAtOnce) {
  const auto errors =
      errors_of(lint_of("net (float[2] x) => (float[2] y) { a = Add(x, missing)  b = Guess(a)  y = Relu(other) }"));
  EXPECT_THAT(errors, Contains(HasSubstr("'missing'")));
  EXPECT_THAT(errors, Contains(HasSubstr("'other'")));
  EXPECT_THAT(errors, Contains(HasSubstr("Guess")));
}

TEST(Lint, WhatIsNoModelIsOneFinding) {
  const std::string page = "<html></html>";
  const auto findings = lint(std::as_bytes(std::span(page)), "page.onnx", {});
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_THAT(findings, Contains(finding(Level::error, "file", "", "is a web page")));
}

class LintedFile : public testing::TestWithParam<const char*> {};

TEST_P(LintedFile, HasNoErrors) {
  RESNET_REQUIRE_ASSETS();
  EXPECT_THAT(errors_of(lint(*test::assets() / "models" / GetParam())), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Models, LintedFile,
                         testing::Values("imagenet-resnet18-torch-op17-bn.onnx", "imagenet-resnet18-codebook-op13.onnx",
                                         "cifar10-resnet20-torch-op11.onnx", "cifar10-resnet8-nhwc-op11.onnx",
                                         "cifar10-resnet8-int8-qdq-op13.onnx", "caffe2-light-resnet50.onnx"));

}  // namespace
}  // namespace resnet::onnx
