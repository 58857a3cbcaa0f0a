// One small residual network as each exporter spells it: whatever the spelling, it is read, gives the same numbers, and is
// recognised as the same network.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <onnx/defs/parser.h>
#include <onnx/onnx_pb.h>

#include <cmath>
#include <map>
#include <random>

#include "formats/onnx/read.h"
#include "formats/onnx/tensors.h"
#include "lib/arch/recognize.h"
#include "lib/base/error.h"
#include "lib/reference/reference.h"
#include "lib/xnnpack/session.h"

namespace resnet::onnx {
namespace {

// The parameters that the texts below may name; each is the same in every text.
const std::map<std::string, Tensor>& parameters() {
  static const std::map<std::string, Tensor> made = [] {
    std::map<std::string, Tensor> result;
    std::mt19937 generator(5);
    const auto add = [&](const std::string& name, Shape shape, float least, float most) -> const Tensor& {
      Tensor tensor = Tensor::allocate(DType::float32, std::move(shape));
      std::uniform_real_distribution<float> uniform(least, most);
      for (float& value : tensor.mutable_data<float>()) value = uniform(generator);
      return result.emplace(name, std::move(tensor)).first->second;
    };
    add("w1", Shape{4, 3, 3, 3}, -0.4f, 0.4f);
    for (const char* name : {"w2", "w3"}) add(name, Shape{4, 4, 3, 3}, -0.4f, 0.4f);
    for (const char* n : {"1", "2", "3"}) {
      const Tensor &g = add(fmt::format("g{}", n), Shape{4}, 0.5f, 1.5f), &b = add(fmt::format("b{}", n), Shape{4}, -0.5f, 0.5f);
      const Tensor &m = add(fmt::format("m{}", n), Shape{4}, -0.5f, 0.5f), &v = add(fmt::format("v{}", n), Shape{4}, 0.5f, 1.5f);
      // The same as a factor and a summand per channel.
      Tensor scale = Tensor::allocate(DType::float32, Shape{4}), shift = Tensor::allocate(DType::float32, Shape{4});
      for (std::size_t i = 0; i < 4; ++i) {
        const float factor = g.data<float>()[i] / std::sqrt(v.data<float>()[i] + 1e-5f);
        scale.mutable_data<float>()[i] = factor;
        shift.mutable_data<float>()[i] = b.data<float>()[i] - m.data<float>()[i] * factor;
      }
      result.emplace(fmt::format("s{}", n), scale);
      result.emplace(fmt::format("t{}", n), shift);
      result.emplace(fmt::format("s{}c", n), scale.reshaped(Shape{4, 1, 1}));
      result.emplace(fmt::format("t{}c", n), shift.reshaped(Shape{4, 1, 1}));
    }
    const Tensor& fw = add("fw", Shape{5, 4}, -0.5f, 0.5f);
    add("fb", Shape{5}, -0.5f, 0.5f);
    Tensor turned = Tensor::allocate(DType::float32, Shape{4, 5});
    for (std::size_t i = 0; i < 4; ++i) {
      for (std::size_t j = 0; j < 5; ++j) turned.mutable_data<float>()[i * 5 + j] = fw.data<float>()[j * 4 + i];
    }
    result.emplace("fwT", turned);
    result.emplace("fwC", fw.reshaped(Shape{5, 4, 1, 1}));
    return result;
  }();
  return made;
}

template <typename T>
Tensor rounded(const Tensor& tensor) {
  Tensor result = Tensor::allocate(dtype_of<T>(), tensor.shape());
  for (std::size_t i = 0; i < result.data<T>().size(); ++i) result.mutable_data<T>()[i] = T(tensor.data<float>()[i]);
  return result;
}

// Weights of 8 bits whose scale is 0.01.
Tensor in_hundredths(const Tensor& tensor) {
  Tensor result = Tensor::allocate(DType::int8, tensor.shape());
  for (std::size_t i = 0; i < tensor.data<float>().size(); ++i)
    result.mutable_data<std::int8_t>()[i] = static_cast<std::int8_t>(std::lround(tensor.data<float>()[i] * 100));
  return result;
}

// The text's graph; inputs that are parameters become initializers of their values ("w1__float16": in that type).
::onnx::ModelProto parse(const std::string& text, bool initializers_are_inputs) {
  ::onnx::ModelProto proto;
  const auto status = ::onnx::OnnxParser::Parse(proto, text.c_str());
  if (!status.IsOK()) throw std::runtime_error(status.ErrorMessage());
  google::protobuf::RepeatedPtrField<::onnx::ValueInfoProto> inputs;
  for (const auto& input : proto.graph().input()) {
    const std::string& name = input.name();
    const std::size_t end = name.find("__");
    const auto found = parameters().find(name.substr(0, end));
    if (found != parameters().end()) {
      const std::string type = end == std::string::npos ? "" : name.substr(end + 2);
      const Tensor& value = found->second;
      export_tensor(type == "float16"    ? rounded<Float16>(value)
                    : type == "bfloat16" ? rounded<BFloat16>(value)
                    : type == "double"   ? rounded<double>(value)
                    : type == "int8"     ? in_hundredths(value)
                                         : value,
                    name, *proto.mutable_graph()->add_initializer());
      if (!initializers_are_inputs) continue;
    }
    *inputs.Add() = input;
  }
  *proto.mutable_graph()->mutable_input() = std::move(inputs);
  return proto;
}

Model read_proto(const ::onnx::ModelProto& proto) {
  const std::string bytes = proto.SerializeAsString();
  return read(std::as_bytes(std::span(bytes)), "net", {});
}

struct Style {
  const char* name;
  int opset;
  std::string body;  // from x to y
  std::string signature = "float[N,3,8,8] x";
  std::string parameters = "w1 w2 w3 g1 b1 m1 v1 g2 b2 m2 v2 g3 b3 m3 v3 fw fb";
  bool nhwc = false, softmax = false, initializers_are_inputs = false;
  double tolerance = 2e-6;
  std::string outputs = "float[N,5] y";
  std::string functions = {}, imports = {};
};

void PrintTo(const Style& style, std::ostream* stream) { *stream << style.name; }

std::string text_of(const Style& style) {
  std::string inputs = style.signature;
  std::istringstream names(style.parameters);
  for (std::string name; names >> name;) inputs += fmt::format(", float {}", name);
  return fmt::format("<ir_version: {}, opset_import: [\"\": {}{}]>\nnet ({}) => ({}) {{\n{}\n}}\n{}", style.opset < 9 ? 3 : 8,
                     style.opset, style.imports, inputs, style.outputs, style.body, style.functions);
}

const std::string stem = R"(
  c1 = Conv<pads = [1, 1, 1, 1]>(x, w1)
  n1 = BatchNormalization(c1, g1, b1, m1, v1)
  r1 = Relu(n1)
  p = MaxPool<kernel_shape = [3, 3], strides = [2, 2], pads = [1, 1, 1, 1]>(r1))";
const std::string block = R"(
  c2 = Conv<pads = [1, 1, 1, 1]>(p, w2)
  n2 = BatchNormalization(c2, g2, b2, m2, v2)
  r2 = Relu(n2)
  c3 = Conv<pads = [1, 1, 1, 1]>(r2, w3)
  n3 = BatchNormalization(c3, g3, b3, m3, v3)
  a = Add(n3, p)
  r = Relu(a))";
const std::string trunk = stem + block;
const std::string pooled = trunk + "\n  gap = GlobalAveragePool(r)";
const std::string flat = pooled + "\n  f = Flatten(gap)";
const std::string tail = "\n  y = Gemm<transB = 1>(f, fw, fb)";

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

const std::string old_norms =
    replaced(trunk, "BatchNormalization(", "BatchNormalization<is_test = 1, consumed_inputs = [0, 0, 0, 1, 1], spatial = 1>(");
const std::string parameters_without_fw = "w1 w2 w3 g1 b1 m1 v1 g2 b2 m2 v2 g3 b3 m3 v3 fb ";

// NHWC between all operators, as converters from TensorFlow that change nothing write it.
std::string turned(int number, const std::string& from, const std::string& op, const std::string& to) {
  return fmt::format("\n  h{0} = Transpose<perm = [0, 3, 1, 2]>({1})\n  i{0} = {2}\n  {3} = Transpose<perm = [0, 2, 3, 1]>(i{0})",
                     number, from, replaced(op, "$", fmt::format("h{}", number)), to);
}
const std::string nhwc_trunk = turned(1, "x", "Conv<auto_pad = \"SAME_UPPER\">($, w1)", "c1") +
                               turned(2, "c1", "BatchNormalization($, g1, b1, m1, v1)", "n1") + "\n  r1 = Relu(n1)" +
                               turned(3, "r1", "MaxPool<kernel_shape = [3, 3], strides = [2, 2], pads = [1, 1, 1, 1]>($)", "p") +
                               turned(4, "p", "Conv<auto_pad = \"SAME_UPPER\">($, w2)", "c2") +
                               turned(5, "c2", "BatchNormalization($, g2, b2, m2, v2)", "n2") +
                               "\n  r2a = Relu(n2)\n  r2b = Identity(r2a)\n  r2 = Identity(r2b)" +
                               turned(6, "r2", "Conv<auto_pad = \"SAME_LOWER\">($, w3)", "c3") +
                               turned(7, "c3", "BatchNormalization($, g3, b3, m3, v3)", "n3") +
                               "\n  a = Add(n3, p)\n  r = Relu(a)";

std::string cast_weights(const std::string& body, const std::string& type) {
  std::string result;
  for (const char* name : {"w1", "w2", "w3", "fw"}) result += fmt::format("\n  {0} = Cast<to = 1>({0}__{1})", name, type);
  return result + body;
}
std::string types_of(const std::string& names, const std::string& type) {
  std::string result = names;
  for (const char* name : {"w1", "w2", "w3", "fw"})
    result = replaced(" " + result + " ", fmt::format(" {} ", name), fmt::format(" {}__{} ", name, type));
  return result;
}

std::vector<Style> styles() {
  const std::string all = Style{}.parameters;
  std::vector<Style> list = {
      {"Plain", 17, flat + tail},
      {"TorchOpset7InitializersAsInputs", 7, pooled + R"(
  shape = Shape(gap)
  zero = Constant<value = int64 {0}>()
  n = Gather<axis = 0>(shape, zero)
  minus = Constant<value = int64[1] {-1}>()
  nu = Unsqueeze<axes = [0]>(n)
  to = Concat<axis = 0>(nu, minus)
  f = Reshape(gap, to))" + tail},
      {"TorchKeepInitializersAsInputs", 13, flat + tail},
      {"TorchViewStatic", 13, pooled + "\n  to = Constant<value = int64[2] {-1, 4}>()\n  f = Reshape(gap, to)" + tail},
      {"TorchViewDynamicOpset13", 13, pooled + R"(
  shape = Shape(gap)
  zero = Constant<value_int = 0>()
  n = Gather<axis = 0>(shape, zero)
  axes = Constant<value_ints = [0]>()
  nu = Unsqueeze(n, axes)
  minus = Constant<value_ints = [-1]>()
  to = Concat<axis = 0>(nu, minus)
  f = Reshape(gap, to))" + tail},
      {"TorchMean",
       13,
       trunk + "\n  f = ReduceMean<axes = [2, 3], keepdims = 0>(r)\n  l = MatMul(f, fwT)\n  y = Add(l, fb)",
       {},
       parameters_without_fw + "fwT"},
      {"TorchSqueezeTwice", 11, pooled + "\n  q = Squeeze<axes = [3]>(gap)\n  f = Squeeze<axes = [2]>(q)" + tail},
      {"TorchConvolutionAsClassifier",
       13,
       pooled + "\n  l = Conv(gap, fwC, fb)\n  y = Flatten(l)",
       {},
       parameters_without_fw + "fwC"},
      {"TorchPadAndAveragePool", 11, trunk + R"(
  none = Constant<value = int64[8] {0, 0, 0, 0, 0, 0, 0, 0}>()
  q = Pad(r, none)
  gap = AveragePool<kernel_shape = [4, 4]>(q)
  f = Flatten(gap))" + tail},
      {"TorchEqualParametersShared", 13,
       "\n  g2i = Identity(g2)\n  w2i = Identity(w2)" + replaced(replaced(flat, "g2, ", "g2i, "), "(p, w2)", "(p, w2i)") + tail},
      {"TorchTrainingExport", 13,
       replaced(replaced(replaced(flat, "n1 = ", "n1, nm1, nv1, sm1, sv1 = "), "n2 = ", "n2, nm2, nv2, sm2, sv2 = "),
                "n3 = ", "n3, nm3, nv3, sm3, sv3 = ") +
           tail},
      {"TorchDynamo", 18,
       trunk + R"(
  axes = Constant<value_ints = [2, 3]>()
  gap = ReduceMean<keepdims = 1, noop_with_empty_axes = 0>(r, axes)
  n = Shape<start = 0, end = 1>(gap)
  four = Constant<value_ints = [4]>()
  to = Concat<axis = 0>(n, four)
  f = Reshape<allowzero = 1>(gap, to))" +
           tail},
      {"TorchDynamoFunctions", 18, replaced(flat, "r1 = Relu(n1)", "r1 = pkg.onnxscript.torch_lib.aten_relu(n1)") + tail},
      {"Caffe2", 3, replaced(old_norms, "a = Add(n3, p)", "a = Sum(n3, p)") + R"(
  gap = AveragePool<kernel_shape = [4, 4]>(r)
  f = Reshape<shape = [1, 4]>(gap)
  l = Gemm<broadcast = 1, transB = 1>(f, fw, fb)
  y = Softmax(l))"},
      {"MxnetSpatial0", 8, replaced(flat, "BatchNormalization(", "BatchNormalization<spatial = 0>(") + tail},
      {"TensorFlowNhwc", 11, nhwc_trunk + R"(
  gap = ReduceMean<axes = [1, 2], keepdims = 0>(r)
  l = MatMul(gap, fwT)
  y = Add(l, fb)
  class = ArgMax<axis = 1, keepdims = 0>(y))"},
      {"KerasZeroPadding", 13,
       replaced(R"(
  pads = Constant<value = int64[8] {0, 0, 1, 1, 0, 0, 1, 1}>()
  zero = Constant<value = float {0}>()
  xp = Pad(x, pads, zero))" +
                    flat,
                "Conv<pads = [1, 1, 1, 1]>(x, w1)", "Conv<auto_pad = \"VALID\">(xp, w1)") +
           tail},
      {"PaddleCasts", 9, flat + "\n  fc = Cast<to = 1>(f)\n  y = Gemm<transB = 1>(fc, fw, fb)"},
      {"ChainerCountIncludePad", 7,
       trunk + "\n  gap = AveragePool<kernel_shape = [4, 4], count_include_pad = 1, pads = [0, 0, 0, 0]>(r)\n  f = Flatten(gap)" +
           tail},
      {"CaffeScaleLayers",
       6,
       replaced(replaced(replaced(flat, "n1 = BatchNormalization(c1, g1, b1, m1, v1)",
                                  "k1 = Mul<axis = 1, broadcast = 1>(c1, s1)\n  n1 = Add<axis = 1, broadcast = 1>(k1, t1)"),
                         "n2 = BatchNormalization(c2, g2, b2, m2, v2)",
                         "k2 = Mul<axis = 1, broadcast = 1>(c2, s2)\n  n2 = Add<axis = 1, broadcast = 1>(k2, t2)"),
                "n3 = BatchNormalization(c3, g3, b3, m3, v3)",
                "k3 = Mul<axis = 1, broadcast = 1>(c3, s3)\n  n3 = Add<axis = 1, broadcast = 1>(k3, t3)") +
           tail,
       {},
       "w1 w2 w3 s1 t1 s2 t2 s3 t3 fw fb"},
      {"ScaleLayersThatBroadcast",
       13,
       replaced(replaced(replaced(flat, "n1 = BatchNormalization(c1, g1, b1, m1, v1)", "k1 = Mul(c1, s1c)\n  n1 = Add(k1, t1c)"),
                         "n2 = BatchNormalization(c2, g2, b2, m2, v2)", "k2 = Mul(s2c, c2)\n  n2 = Add(t2c, k2)"),
                "n3 = BatchNormalization(c3, g3, b3, m3, v3)", "k3 = Mul(c3, s3c)\n  n3 = Add(k3, t3c)") +
           tail,
       {},
       "w1 w2 w3 s1c t1c s2c t2c s3c t3c fw fb"},
      {"WeightsInFloat16", 13, cast_weights(flat, "float16") + tail, {}, types_of(all, "float16")},
      {"WeightsInBfloat16", 13, cast_weights(flat, "bfloat16") + tail, {}, types_of(all, "bfloat16")},
      {"WeightsInDouble", 13, cast_weights(flat, "double") + tail, {}, types_of(all, "double")},
  };
  for (Style& style : list) {
    const std::string_view name = style.name;
    if (style.signature.empty()) style.signature = Style{}.signature;
    if (name == "TorchOpset7InitializersAsInputs" || name == "TorchKeepInitializersAsInputs")
      style.initializers_are_inputs = true;
    if (name == "Caffe2") {
      style.signature = "float[1,3,8,8] x";
      style.outputs = "float[1,5] y";
      style.softmax = true;
    }
    if (name == "TensorFlowNhwc") {
      style.signature = "float[N,8,8,3] x";
      style.nhwc = true;
      style.parameters = parameters_without_fw + "fwT";
      style.outputs = "float[N,5] y, int64[N] class";
    }
    if (name == "PaddleCasts") style.signature = "float[-1,3,8,8] x";
    if (name == "TorchDynamoFunctions") {
      style.imports = ", \"pkg.onnxscript.torch_lib\": 1";
      style.functions =
          R"(<domain: "pkg.onnxscript.torch_lib", opset_import: ["": 18]> aten_relu (self) => (result) { result = Relu(self) })";
    }
    // The weights are rounded, and the plain network's are not.
    if (name == "WeightsInFloat16") style.tolerance = 2e-3;
    if (name == "WeightsInBfloat16") style.tolerance = 2e-2;
  }
  return list;
}

Tensor image(bool nhwc) {
  Tensor plain = Tensor::allocate(DType::float32, Shape{1, 3, 8, 8});
  std::mt19937 generator(9);
  std::normal_distribution<float> normal;
  for (float& value : plain.mutable_data<float>()) value = normal(generator);
  if (!nhwc) return plain;
  Tensor turned = Tensor::allocate(DType::float32, Shape{1, 8, 8, 3});
  for (std::size_t c = 0; c < 3; ++c) {
    for (std::size_t i = 0; i < 64; ++i) turned.mutable_data<float>()[i * 3 + c] = plain.data<float>()[c * 64 + i];
  }
  return turned;
}

std::vector<double> logits_of_plain() {
  static const std::vector<double> logits = [] {
    const Model model = read_proto(parse(text_of(styles().front()), false));
    return reference::evaluate(model.graph, std::vector<Tensor>{image(false)})[0].values_as<double>();
  }();
  return logits;
}

class Exporter : public testing::TestWithParam<Style> {};

TEST_P(Exporter, GivesTheSameNumbers) {
  const Style& style = GetParam();
  const Model model = read_proto(parse(text_of(style), style.initializers_are_inputs));
  EXPECT_THAT(verify(model.graph), testing::IsEmpty());
  EXPECT_EQ(model.graph.inputs().size(), 1u);
  std::vector<double> expected = logits_of_plain();
  if (style.softmax) {
    double sum = 0;
    for (double& value : expected) sum += value = std::exp(value);
    for (double& value : expected) value /= sum;
  }
  const std::vector<Tensor> inputs = {image(style.nhwc)};
  ThreadPool pool(1);
  for (const auto& outputs :
       {reference::evaluate(model.graph, inputs), xnnpack::Session(xnnpack::Plan::make(model.graph), pool).run(inputs)}) {
    const auto actual = outputs[0].values_as<double>();
    ASSERT_EQ(actual.size(), expected.size());
    for (std::size_t i = 0; i < actual.size(); ++i) EXPECT_NEAR(actual[i], expected[i], style.tolerance) << i;
  }
}

TEST_P(Exporter, IsTheSameNetwork) {
  const Style& style = GetParam();
  const Model plain = read_proto(parse(text_of(styles().front()), false));
  const Model model = read_proto(parse(text_of(style), style.initializers_are_inputs));
  const arch::Recognition expected = arch::recognize(plain.graph), actual = arch::recognize(model.graph);
  EXPECT_EQ(actual.spec.name, expected.spec.name);
  EXPECT_EQ(arch::describe(actual.spec), arch::describe(expected.spec));
  EXPECT_EQ(actual.differences.size(), expected.differences.size());
}

INSTANTIATE_TEST_SUITE_P(All, Exporter, testing::ValuesIn(styles()), [](const auto& tested) { return tested.param.name; });

TEST(Exporters, WithoutParametersAllOfThemAreInputs) {
  ::onnx::ModelProto proto = parse(text_of(styles().front()), true);
  proto.mutable_graph()->clear_initializer();
  for (auto& input : *proto.mutable_graph()->mutable_input()) {
    const auto found = parameters().find(input.name());
    if (found == parameters().end()) continue;
    auto& shape = *input.mutable_type()->mutable_tensor_type()->mutable_shape();
    for (const std::int64_t dim : found->second.shape().dims()) shape.add_dim()->set_dim_value(dim);
  }
  const Model model = read_proto(proto);
  EXPECT_EQ(model.graph.inputs().size(), 18u);
  EXPECT_EQ(arch::recognize(model.graph).spec.name,
            arch::recognize(read_proto(parse(text_of(styles().front()), false)).graph).spec.name);
}

TEST(Exporters, ABiasOfTheWrongLengthIsNamed) {
  Style style = styles().front();
  style.body = replaced(style.body, "(x, w1)", "(x, w1, fb)");
  try {
    read_proto(parse(text_of(style), false));
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("node 'c1' (Conv): bias has 5 elements, expected 4"));
  }
}

// A whole graph in 16 bits: as exact as that.
TEST(Exporters, AGraphInFloat16) {
  Style style = styles().front();
  style.parameters = "";
  style.signature = "float16[N,3,8,8] x";
  for (const auto& [name, value] : parameters()) {
    const std::string plain = name;
    if (plain.size() == 2) style.signature += fmt::format(", float16 {}__float16", plain);
  }
  style.outputs = "float16[N,5] y";
  for (const auto& [name, value] : parameters()) {
    if (name.size() != 2) continue;
    for (const char* end : {")", ","}) style.body = replaced(style.body, " " + name + end, " " + name + "__float16" + end);
  }
  const Model model = read_proto(parse(text_of(style), false));
  const std::vector<Tensor> inputs = {rounded<Float16>(image(false))};
  ThreadPool pool(1);
  for (const auto& outputs :
       {reference::evaluate(model.graph, inputs), xnnpack::Session(xnnpack::Plan::make(model.graph), pool).run(inputs)}) {
    EXPECT_EQ(outputs[0].dtype(), DType::float16);
    const auto actual = outputs[0].values_as<double>();
    for (std::size_t i = 0; i < actual.size(); ++i) EXPECT_NEAR(actual[i], logits_of_plain()[i], 5e-3) << i;
  }
}

// ONNX Runtime's two ways to write a quantized network: operators on integers, or floats between pairs of QuantizeLinear and
// DequantizeLinear. In both each value is the same integer, but for sums that fall on a half.
TEST(Exporters, QuantizedOperatorsAndQuantizedValuesAgree) {
  const std::string constants = R"(
  xs = Constant<value_float = 0.03>()
  ys = Constant<value_float = 0.05>()
  os = Constant<value_float = 0.01>()
  ws = Constant<value_float = 0.01>()
  z = Constant<value = uint8 {128}>()
  wz = Constant<value = int8 {0}>()
  q = QuantizeLinear(x, xs, z))";
  Style style = styles().front();
  style.parameters = "w1__int8 w2__int8 fwT__int8";
  style.imports = ", \"com.microsoft\": 1";
  style.body = constants + R"(
  c1 = QLinearConv<pads = [1, 1, 1, 1]>(q, xs, z, w1__int8, ws, wz, ys, z)
  p = MaxPool<kernel_shape = [3, 3], strides = [2, 2]>(c1)
  c2 = QLinearConv<pads = [1, 1, 1, 1]>(p, ys, z, w2__int8, ws, wz, ys, z)
  a = com.microsoft.QLinearAdd(c2, ys, z, p, ys, z, ys, z)
  gap = com.microsoft.QLinearGlobalAveragePool(a, ys, z, ys, z)
  f = Flatten(gap)
  l = QLinearMatMul(f, ys, z, fwT__int8, ws, wz, os, z)
  y = DequantizeLinear(l, os, z))";
  const Model operators = read_proto(parse(text_of(style), false));
  style.body = constants + R"(
  d = DequantizeLinear(q, xs, z)
  w1 = DequantizeLinear(w1__int8, ws, wz)
  w2 = DequantizeLinear(w2__int8, ws, wz)
  fw = DequantizeLinear(fwT__int8, ws, wz)
  c1 = Conv<pads = [1, 1, 1, 1]>(d, w1)
  c1q = QuantizeLinear(c1, ys, z)
  c1d = DequantizeLinear(c1q, ys, z)
  p = MaxPool<kernel_shape = [3, 3], strides = [2, 2]>(c1d)
  c2 = Conv<pads = [1, 1, 1, 1]>(p, w2)
  c2q = QuantizeLinear(c2, ys, z)
  c2d = DequantizeLinear(c2q, ys, z)
  a = Add(c2d, p)
  aq = QuantizeLinear(a, ys, z)
  ad = DequantizeLinear(aq, ys, z)
  gap = GlobalAveragePool(ad)
  gq = QuantizeLinear(gap, ys, z)
  gd = DequantizeLinear(gq, ys, z)
  f = Flatten(gd)
  l = MatMul(f, fw)
  lq = QuantizeLinear(l, os, z)
  y = DequantizeLinear(lq, os, z))";
  const Model values = read_proto(parse(text_of(style), false));
  const std::vector<Tensor> inputs = {image(false)};
  ThreadPool pool(1);
  const auto run = [&](const Model& model) { return xnnpack::Session(xnnpack::Plan::make(model.graph), pool).run(inputs)[0]; };
  const auto a = run(operators).values_as<double>(), e = run(values).values_as<double>();
  EXPECT_EQ(a, reference::evaluate(operators.graph, inputs)[0].values_as<double>());
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], e[i], 0.0101) << i;
  EXPECT_GT(*std::max_element(a.begin(), a.end()), *std::min_element(a.begin(), a.end()) + 0.1);
  // Both are told as what they stand for.
  EXPECT_EQ(arch::describe(arch::recognize(operators.graph).spec), arch::describe(arch::recognize(values.graph).spec));
}

// Quantized as it runs: near to the floats.
TEST(Exporters, DynamicallyQuantizedConvolution) {
  Style style = styles().front();
  style.parameters = "w1__int8";
  style.outputs = "float[N,4,8,8] y";
  style.body = R"(
  q, xs, xz = DynamicQuantizeLinear(x)
  sums = ConvInteger<pads = [1, 1, 1, 1]>(q, w1__int8, xz)
  real = Cast<to = 1>(sums)
  ws = Constant<value_float = 0.01>()
  scale = Mul(xs, ws)
  y = Mul(real, scale))";
  const Model quantized = read_proto(parse(text_of(style), false));
  style.parameters = "w1";
  style.body = "y = Conv<pads = [1, 1, 1, 1]>(x, w1)";
  const Model plain = read_proto(parse(text_of(style), false));
  const std::vector<Tensor> inputs = {image(false)};
  ThreadPool pool(1);
  const auto run = [&](const Model& model) { return xnnpack::Session(xnnpack::Plan::make(model.graph), pool).run(inputs)[0]; };
  const auto a = run(quantized).values_as<double>(), e = run(plain).values_as<double>();
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], e[i], 0.15) << i;
}

}  // namespace
}  // namespace resnet::onnx
