// What comes out of a file, and what is said of files that contradict themselves.
#include "formats/onnx/read.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <onnx/defs/parser.h>
#include <onnx/onnx_pb.h>

#include <cstring>
#include <fstream>

#include "formats/onnx/write.h"
#include "lib/base/error.h"
#include "tests/support/temporary_folder.h"

namespace resnet::onnx {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Model graph_of(const std::string& text, int opset = 17) {
  return read_text("<ir_version: 8, opset_import: [\"\": " + std::to_string(opset) + ", \"com.example\": 1]>\n" + text);
}

// "" where the text can be read.
std::string error_of(const std::string& text, int opset = 17) {
  try {
    graph_of(text, opset);
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::malformed) << error.what();
    return error.what();
  }
  return "";
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

TEST(Read, AGraphWithEveryShapeKnown) {
  const Model model = graph_of(R"(net (float[N,3,8,8] x) => (float[N,2] y)
    <float[2,3,3,3] w = {0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0}>
    {
      c = Conv<strides = [2, 2], pads = [1, 1, 1, 1]>(x, w)
      r = Relu(c)
      p = GlobalAveragePool(r)
      y = Flatten(p)
    })");
  EXPECT_EQ(model.graph.name, "net");
  EXPECT_EQ(model.provenance.opsets.at(""), 17);
  EXPECT_EQ(print(model.graph),
            "%x = Input() : float Nx3x8x8\n"
            "%w = Constant() {float 2x3x3x3} : float 2x3x3x3\n"
            "%c = Conv(%x, %w) {pads=[1,1,1,1], strides=[2,2]} : float Nx2x4x4\n"
            "%r = Relu(%c) : float Nx2x4x4\n"
            "%p = GlobalAveragePool(%r) : float Nx2x1x1\n"
            "%y = Flatten(%p) : float Nx2\n"
            "return %y\n");
}

TEST(Read, NodesMayStandInAnyOrder) {
  const Model model = graph_of("net (float[2] x) => (float[2] z) { z = Relu(y)  y = Sigmoid(x) }");
  EXPECT_EQ(print(model.graph), "%x = Input() : float 2\n%y = Sigmoid(%x) : float 2\n%z = Relu(%y) : float 2\nreturn %z\n");
}

TEST(Read, ACycleIsNamedFromItsFirstNode) {
  EXPECT_THAT(error_of("net (float[2] x) => (float[2] z) { a = Add(x, c)  b = Relu(a)  c = Sigmoid(b)  z = Relu(c) }"),
              HasSubstr("cycle through node 'a' (Add), node 'b' (Relu), node 'c' (Sigmoid)"));
}

TEST(Read, WhatContradictsItselfIsNamedWithItsNode) {
  EXPECT_THAT(error_of("net (float[2] x) => (float[2] y) { y = Add(x, missing) }"),
              HasSubstr("node 'y' (Add): input 'missing' is produced by no node, initializer or graph input"));
  EXPECT_THAT(error_of("net (float[2] x) => (float[2] z) { y = Relu(x) }"),
              HasSubstr("graph output 'z' is produced by no node, initializer or graph input"));
  EXPECT_THAT(error_of("net (float[2] x) => (float[2] y) { y = Relu(x)  y = Sigmoid(x) }"),
              HasSubstr("value 'y' is produced twice, also by node 'y' (Relu)"));
  EXPECT_THAT(error_of("net (float[2] x, float[3] z) => (float[2] y) { y = Add(x, z) }"),
              HasSubstr("node 'y' (Add): cannot broadcast 2 with 3"));
  EXPECT_THAT(error_of("net (float[1,4,8,8] x, float[2,3,3,3] w) => (float[1,2,6,6] y) { y = Conv(x, w) }"),
              HasSubstr("node 'y' (Conv): "));
  EXPECT_THAT(error_of("net (float[1,3,2,2] x, float[2,3,3,3] w) => (float[1,2,1,1] y) { y = Conv(x, w) }"),
              HasSubstr("a window of 3 does not fit into 2"));
  EXPECT_THAT(error_of("net (float[2,6] x) => (float[5,5] y) <int64[2] s = {5, 5}> { y = Reshape(x, s) }"),
              HasSubstr("cannot reshape 2x6 to 5x5"));
  EXPECT_THAT(error_of("net (float[2] x) => (float[2] y) { y = Relu(x, x) }"), HasSubstr("expected 1"));
  EXPECT_THAT(error_of("net (float[1,1,4,4] x) => (float[1,1,2,2] y) { y = MaxPool<kernel_shape = [0, 2]>(x) }"),
              HasSubstr("kernel_shape holds 0, expected at least 1"));
  EXPECT_THAT(error_of("net (float[1,1,4,4] x) => (float[1,1,2,2] y) { y = MaxPool(x) }"), HasSubstr("kernel_shape"));
  EXPECT_THAT(error_of("net (float[2] x) => (float[2] y) { y = Cast<to = \"float\">(x) }"), HasSubstr("attribute 'to'"));
}

TEST(Read, InitializersMustHaveTheDataOfTheirShape) {
  EXPECT_THAT(error_of("net (float[3] x) => (float[3] y) <float[3] b = {1, 2}> { y = Add(x, b) }"),
              HasSubstr("initializer 'b': 2 elements of data, expected 3 for float 3"));
}

TEST(Read, AttributesThatAreNotKnownAreReported) {
  const Model model = graph_of("net (float[2] x) => (float[2] y) { y = Relu<flavour = 3>(x) }");
  EXPECT_THAT(model.notes, ElementsAre(HasSubstr("attribute 'flavour' is not known and was not read")));
}

TEST(Read, UnknownOperatorsAreKeptByName) {
  const Model model = graph_of("net (float[2] x) => (float[2] y) { a = com.example.Guess<depth = 3>(x)  y = Relu(a) }");
  EXPECT_EQ(print(model.graph),
            "%x = Input() : float 2\n%a = com.example.Guess(%x) {depth=3} : ? ?\n%y = Relu(%a) : float 2\nreturn %y\n");
}

TEST(Read, ValuesThatNobodyReadsAreLeftOut) {
  const Model model = graph_of("net (float[2] x) => (float[2] y) <float[2] extra = {1, 2}> { y = Relu(x) }");
  EXPECT_EQ(model.graph.nodes().size(), 2u);
  EXPECT_THAT(model.notes, ElementsAre(HasSubstr("initializer 'extra'")));
}

TEST(Read, OldVersionsTakeTheNewestForm) {
  // Attributes that became inputs, in the versions before.
  const Model old = graph_of(
      "net (float[1,2,1,1] x) => (float[2] y) { a = Squeeze<axes = [0, 2, 3]>(x)  y = Clip<min = 0.0, max = 6.0>(a) }", 10);
  EXPECT_THAT(lines_of(print(old.graph)),
              ElementsAre("%x = Input() : float 1x2x1x1", "%a.axes = Constant() {int64 3 [0, 2, 3]} : int64 3",
                          "%a = Squeeze(%x, %a.axes) : float 2", "%y.min = Constant() {float scalar [0]} : float scalar",
                          "%y.max = Constant() {float scalar [6]} : float scalar", "%y = Clip(%a, %y.min, %y.max) : float 2",
                          "return %y"));
  // Before version 13 Softmax takes everything from the axis on as one row.
  EXPECT_THAT(print(graph_of("net (float[2,3,4] x) => (float[2,3,4] y) { y = Softmax(x) }", 11).graph),
              HasSubstr("%y = Softmax(%x) {axis=1, coerce_to_2d=true}"));
}

TEST(Read, FunctionsOfTheModelTakeTheirCallsPlaces) {
  const Model model = read_text(R"(<ir_version: 8, opset_import: ["": 17, "local": 1]>
    net (float[2] x) => (float[2] y) { y = local.Twice<times = 2>(x) }
    <domain: "local", opset_import: ["": 17]>
    Twice <times> (a) => (b) { n = Identity(a)  b = Add(n, n) })");
  EXPECT_EQ(print(model.graph),
            "%x = Input() : float 2\n%y/n = Identity(%x) : float 2\n%y = Add(%y/n, %y/n) : float 2\nreturn %y\n");
}

TEST(Read, InputShapesReplaceTheFiles) {
  test::TemporaryFolder folder;
  const Model model = graph_of("net (float[N,3] x) => (float[N,3] y) { y = Relu(x) }");
  EXPECT_EQ(model.graph.fact(model.graph.inputs()[0]).to_string(), "float Nx3");
}

TEST(Read, ExternalDataStaysInsideTheModelsFolder) {
  test::TemporaryFolder folder;
  const auto with = [&](const std::string& location, const std::string& extra = "") {
    // A model whose weight is in another file, as bytes: graph { node, name, initializer, input, output }.
    const auto field = [](int number, const std::string& bytes) {
      std::string out;
      out += static_cast<char>(number << 3 | 2);
      std::size_t size = bytes.size();
      for (; size >= 128; size >>= 7) out += static_cast<char>((size & 127) | 128);
      return out + static_cast<char>(size) + bytes;
    };
    const auto entry = [&](const std::string& key, const std::string& value) {
      return field(13, field(1, key) + field(2, value));
    };
    const std::string tensor =
        std::string("\x08\x02\x10\x01", 4) + field(8, "w") + entry("location", location) + extra + std::string("\x70\x01", 2);
    const std::string type = field(2, field(1, std::string("\x08\x01", 2) + field(2, field(1, std::string("\x08\x02", 2)))));
    const std::string graph = field(1, field(1, "x") + field(1, "w") + field(2, "y") + field(4, "Add")) + field(2, "net") +
                              field(5, tensor) + field(11, field(1, "x") + type) + field(12, field(1, "y") + type);
    folder.write("model.onnx", std::string("\x08\x08", 2) + field(7, graph) + field(8, std::string("\x10\x11", 2)));
    try {
      const Model model = read(folder.path() / "model.onnx");
      return print(model.graph);
    } catch (const Error& error) {
      return std::string(error.what());
    }
  };
  const float values[2] = {1.5f, 2.5f};
  folder.write("weights.bin", std::string_view(reinterpret_cast<const char*>(values), sizeof values));
  // dims comes first in the message above: 08 is field 1 (dims), 10 is field 2 (data_type).
  EXPECT_THAT(with("weights.bin"), HasSubstr("%w = Constant() {float 2 [1.5, 2.5]} : float 2"));
  EXPECT_THAT(with("../weights.bin"), HasSubstr("initializer 'w': external data is in '../weights.bin', expected a path inside"));
  EXPECT_THAT(with("/etc/passwd"), HasSubstr("expected a path inside the model's folder"));
  EXPECT_THAT(with("missing.bin"), HasSubstr("missing.bin"));
  folder.write("weights.bin", "abc");
  EXPECT_THAT(with("weights.bin"), HasSubstr("external data 'weights.bin' has 3 bytes, expected 8 at offset 0"));
  std::filesystem::create_symlink("/etc/hostname", folder.path() / "link.bin");
  EXPECT_THAT(with("link.bin"), HasSubstr("is a link out of the model's folder"));
}

// An offset beyond 4 GiB, in a file that takes no room on the disk.
TEST(Read, ExternalDataBeyondTwoGibibytes) {
  test::TemporaryFolder folder;
  constexpr std::int64_t offset = (std::int64_t{4} << 30) + 64;
  const float values[2] = {1.5f, -2.5f};
  {
    std::ofstream file(folder.path() / "big.data", std::ios::binary);
    file.seekp(offset);
    file.write(reinterpret_cast<const char*>(values), sizeof values);
  }
  ::onnx::ModelProto proto;
  ASSERT_TRUE(::onnx::OnnxParser::Parse(proto, R"(<ir_version: 8, opset_import: ["": 17]>
    net (float[2] x) => (float[2] y) <float[2] w = {0, 0}, float[2] v = {0, 0}> { a = Add(x, w)  y = Mul(a, v) })")
                  .IsOK());
  const auto move_out = [&](int index, const std::string& location, std::int64_t at) {
    auto& tensor = *proto.mutable_graph()->mutable_initializer(index);
    tensor.clear_float_data();
    tensor.set_data_location(::onnx::TensorProto::EXTERNAL);
    for (const auto& [key, value] :
         {std::pair<std::string, std::string>{"location", location}, {"offset", std::to_string(at)}, {"length", "8"}}) {
      auto& entry = *tensor.add_external_data();
      entry.set_key(key);
      entry.set_value(value);
    }
  };
  move_out(0, "big.data", offset);
  move_out(1, "small.data", 4);
  folder.write("small.data", std::string(4, 'x') + std::string(reinterpret_cast<const char*>(values), sizeof values));
  const auto text_of_model = [&] {
    folder.write("model.onnx", proto.SerializeAsString());
    try {
      return print(read(folder.path() / "model.onnx").graph);
    } catch (const Error& error) {
      return std::string(error.what());
    }
  };
  EXPECT_THAT(text_of_model(), HasSubstr("%w = Constant() {float 2 [1.5, -2.5]}"));
  EXPECT_THAT(text_of_model(), HasSubstr("%v = Constant() {float 2 [1.5, -2.5]}"));
  // Past the end, and an offset that is not a number or would overflow.
  auto& where = *proto.mutable_graph()->mutable_initializer(0)->mutable_external_data(1)->mutable_value();
  where = std::to_string(offset + 1);
  EXPECT_THAT(text_of_model(),
              HasSubstr("initializer 'w': external data 'big.data' has 4294967368 bytes, expected 8 at offset 4294967361"));
  for (const char* bad : {"-8", "18446744073709551615", "9223372036854775807", "ten", "1e3", ""}) {
    where = bad;
    EXPECT_THAT(text_of_model(), HasSubstr("initializer 'w': ")) << bad;
  }
}

TEST(Read, AFunctionThatCallsItself) {
  for (const char* body : {"b = local.Again(a)", "c = local.Other(a)  b = Relu(c)"}) {
    try {
      read_text(std::string(R"(<ir_version: 8, opset_import: ["": 17, "local": 1]>
        net (float[2] x) => (float[2] y) { y = local.Again(x) }
        <domain: "local", opset_import: ["": 17, "local": 1]> Again (a) => (b) { )") +
                body + R"( }
        <domain: "local", opset_import: ["": 17, "local": 1]> Other (a) => (b) { b = local.Again(a) })");
      ADD_FAILURE() << body;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("function local.Again calls itself"));
    }
  }
}

// Large weights go past Protobuf when a file is read, and through it when bytes are: the same model, or the same words, come of
// both.
TEST(Read, AFileGivesWhatItsBytesGive) {
  test::TemporaryFolder folder;
  const auto outcome = [&](bool from_file, const std::string& bytes) {
    try {
      const Model model = from_file ? read(folder.write("net.onnx", bytes))
                                    : read(std::as_bytes(std::span(bytes)), (folder.path() / "net.onnx").string(), folder.path());
      std::string all = print(model.graph);
      for (const Node& node : model.graph.nodes()) {
        const auto* constant = get_if<Constant>(&node.op);
        if (constant == nullptr) continue;
        const auto content = constant->value.bytes();
        all.append(reinterpret_cast<const char*>(content.data()), content.size());
      }
      return all;
    } catch (const Error& error) {
      return std::string(error.what());
    }
  };
  const auto compare = [&](const std::string& bytes) {
    const std::string from_file = outcome(true, bytes), from_bytes = outcome(false, bytes);
    EXPECT_TRUE(from_file == from_bytes) << from_file.substr(0, 200) << "\nand\n" << from_bytes.substr(0, 200);
    return from_file;
  };
  const std::string many(8000, '\x3e');  // 2,000 floats
  ::onnx::ModelProto proto;
  const auto status = ::onnx::OnnxParser::Parse(proto, R"(<ir_version: 8, opset_import: ["": 17]>
    net (float[2000] x) => (float[2000] y) <float[2000] w> {
      a = Add(x, few)
      b = Add(a, w)
      c = Mul(b, listed)
      d = Cast<to = 1>(flags)
      e = Slice(d, begin, end)
      y = Add(c, e)
    })");
  ASSERT_TRUE(status.IsOK()) << status.ErrorMessage();
  auto& graph = *proto.mutable_graph();
  graph.clear_initializer();
  const auto add = [&](const std::string& name, std::int32_t type, std::int64_t count, const std::string& raw) {
    auto& tensor = *graph.add_initializer();
    tensor.set_name(name);
    tensor.set_data_type(type);
    tensor.add_dims(count);
    if (!raw.empty()) tensor.set_raw_data(raw);
    return &tensor;
  };
  using ::onnx::TensorProto;
  add("few", TensorProto::FLOAT, 1, many.substr(0, 4));
  add("unused", TensorProto::FLOAT, 2000, many);
  auto* listed = add("listed", TensorProto::FLOAT, 2000, "");
  for (int i = 0; i < 2000; ++i) listed->add_float_data(static_cast<float>(i));
  auto* weight = add("w", TensorProto::FLOAT, 2000, many);
  add("flags", TensorProto::BOOL, 8000, many);  // bytes that are neither 0 nor 1
  add("begin", TensorProto::INT64, 1, std::string(8, '\0'));
  add("end", TensorProto::INT64, 1, std::string("\xd0\x07\0\0\0\0\0\0", 8));
  const std::string whole = proto.SerializeAsString();
  EXPECT_THAT(compare(whole), HasSubstr("%b = Add(%a, %w)"));
  for (std::size_t i = 1; i < 64; ++i) compare(whole.substr(0, whole.size() * i / 64));
  for (std::size_t at = 0; at < whole.size(); at += at < 200 ? 1 : 41) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x15);
    compare(damaged);
  }
  // A field that comes twice: the last one counts. Two graphs are one.
  compare(whole + whole);
  const auto field = [](int number, const std::string& bytes) {
    std::string out(1, static_cast<char>(number << 3 | 2));
    std::size_t size = bytes.size();
    for (; size >= 128; size >>= 7) out += static_cast<char>((size & 127) | 128);
    return out + static_cast<char>(size) + bytes;
  };
  ::onnx::ModelProto rest = proto;
  rest.mutable_graph()->mutable_initializer()->DeleteSubrange(3, 1);  // w
  const std::string twice = weight->SerializeAsString() + field(9, std::string(8000, '\x3d'));
  EXPECT_THAT(compare(rest.SerializeAsString() + field(7, field(5, twice))), HasSubstr("%b = Add(%a, %w)"));
  EXPECT_THAT(compare(rest.SerializeAsString() + field(7, field(5, twice + field(9, "1234")))),
              HasSubstr("initializer 'w': 4 bytes of data, expected 8000"));
  weight->set_raw_data(many.substr(0, 7996));
  EXPECT_THAT(compare(proto.SerializeAsString()), HasSubstr("initializer 'w': 7996 bytes of data, expected 8000"));
  weight->set_raw_data(many);
  weight->set_data_location(TensorProto::EXTERNAL);
  EXPECT_THAT(compare(proto.SerializeAsString()), HasSubstr("initializer 'w': external data without a location"));
}

TEST(Read, WhatIsNoModelIsNamedAsWhatItIs) {
  test::TemporaryFolder folder;
  const auto error_of_bytes = [&](std::string_view bytes) {
    try {
      read(folder.write("file.onnx", bytes));
    } catch (const Error& error) {
      EXPECT_EQ(error.fault(), Fault::malformed);
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(error_of_bytes(""), HasSubstr("file.onnx: is empty"));
  EXPECT_THAT(error_of_bytes("<html><body>404"), HasSubstr("is a web page"));
  EXPECT_THAT(error_of_bytes("\xff\xd8\xff\xe0 a photo"), HasSubstr("is a JPEG picture"));
  EXPECT_THAT(error_of_bytes("PK\x03\x04 torch"), HasSubstr("is a zip archive (a PyTorch checkpoint?)"));
  EXPECT_THAT(error_of_bytes(std::string("\x08\x08\x3a\x90\x4e", 5)), HasSubstr("is truncated: its graph has 10000 bytes"));
  EXPECT_THAT(error_of_bytes("plain words"), HasSubstr("is not an ONNX model"));
}

TEST(Read, WhatTheFileStatesOfUnknownOperatorsValues) {
  const std::string head = R"(<ir_version: 8, opset_import: ["": 17, "elsewhere": 1]> net (float[N,2] x) => (float[N,3] y) <)";
  const std::string nodes =
      R"(float[2,3] w = {1, 2, 3, 4, 5, 6}> { odd = elsewhere.Frobnicate(x)  p = MatMul(odd, w)  y = Relu(p) })";
  const Model stated = read_text(head + "float[N,2] odd, " + nodes);
  EXPECT_EQ(stated.graph.fact(stated.graph.outputs()[0]).to_string(), "float Nx3");
  // Of a value after it, too.
  const Model later = read_text(head + "float[N,3] p, " + nodes);
  EXPECT_EQ(later.graph.fact(later.graph.outputs()[0]).to_string(), "float Nx3");
  // The files that are written have it, too.
  const std::string bytes = serialize(stated, {.opset = 17});
  const Model again = read(std::as_bytes(std::span(bytes)), "again", {});
  EXPECT_EQ(again.graph.fact(again.graph.outputs()[0]).to_string(), "float Nx3");
  // What cannot be is not believed.
  const Model wrong = read_text(head + "float[N,7] odd, " + nodes);
  EXPECT_FALSE(wrong.graph.fact(wrong.graph.outputs()[0]).has_rank());
  EXPECT_THAT(wrong.notes, testing::Contains(HasSubstr("contradict the graph: left out")));
}

TEST(Read, NamesInTheMetadataAreLabels) {
  const auto labels = [](const std::string& names) {
    return read_text(R"(<ir_version: 8, opset_import: ["": 17], metadata_props: ["names": ")" + names +
                     R"("]> net (float[N,2] x) => (float[N,2] y) { y = Relu(x) })")
        .labels;
  };
  EXPECT_THAT(labels("{0: 'person', 1: 'bicycle'}"), ElementsAre("person", "bicycle"));
  EXPECT_THAT(labels("['person', 'bicycle']"), ElementsAre("person", "bicycle"));
  EXPECT_THAT(labels("Ada, Grace"), testing::IsEmpty());
  EXPECT_THAT(labels("{0: 'person', 7: 'bicycle'}"), testing::IsEmpty());
}

}  // namespace
}  // namespace resnet::onnx
