// Files that nobody vouches for: what they ask for stays small, and what they leave out is named.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <onnx/defs/parser.h>
#include <onnx/onnx_pb.h>

#include <filesystem>
#include <limits>
#include <set>
#include <span>

#include "formats/onnx/lint.h"
#include "formats/onnx/read.h"
#include "lib/base/error.h"
#include "tests/support/temporary_folder.h"

namespace resnet::onnx {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

::onnx::ModelProto parse(const std::string& text) {
  ::onnx::ModelProto proto;
  const auto status = ::onnx::OnnxParser::Parse(proto, text.c_str());
  EXPECT_TRUE(status.IsOK()) << status.ErrorMessage();
  return proto;
}

Model read(const ::onnx::ModelProto& proto) {
  const std::string bytes = proto.SerializeAsString();
  return onnx::read(std::as_bytes(std::span(bytes)), "test", {});
}

std::string error_of(const ::onnx::ModelProto& proto) {
  try {
    read(proto);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Strangers, ABatchOfZeroIsAnySize) {
  const auto proto =
      parse(R"(<ir_version: 8, opset_import: ["": 17]> net (float[0,3,4,4] x) => (float[0,3,4,4] y) { y = Relu(x) })");
  const Model model = read(proto);
  EXPECT_THAT(print(model.graph), HasSubstr("%y = Relu(%x) : float x_dim0x3x4x4"));
  EXPECT_THAT(model.notes, ElementsAre("input 'x': has dimension 0 = 0: taken as any size"));
}

// Functions that call the next one twice each.
::onnx::ModelProto doubling(int depth) {
  std::string text =
      R"(<ir_version: 8, opset_import: ["": 17, "local": 1]> net (float[2] x) => (float[2] y) { y = local.F0(x) })";
  for (int i = 0; i <= depth; ++i) {
    const std::string next = "local.F" + std::to_string(i + 1);
    text += R"(<domain: "local", opset_import: ["": 17, "local": 1]> F)" + std::to_string(i) + " (a) => (b) { ";
    text += i == depth ? "b = Relu(a) }" : "m = " + next + "(a)  b = " + next + "(m) }";
  }
  return parse(text);
}

TEST(Strangers, CallsAreCountedBeforeTheyAreMade) {
  EXPECT_EQ(read(doubling(8)).graph.nodes().size(), 1u + 256u);
  for (const int depth : {20, 30})
    EXPECT_THAT(error_of(doubling(depth)), HasSubstr("node 'y' (local.F0): functions grow to more than "));
  EXPECT_THAT(error_of(doubling(40)), HasSubstr("functions call each other more than 32 deep"));
}

// A chain of calls that the graph begins at its end, so that most of it is known when its beginning is reached.
TEST(Strangers, ALongChainOfCallsIsRefusedFromAnyEnd) {
  std::string calls, functions;
  for (int i = 0; i < 40; ++i) {
    const std::string self = "F" + std::to_string(i);
    calls += (i == 0 ? "v0 = local.F0(x) " : "v" + std::to_string(i) + " = local." + self + "(v" + std::to_string(i - 1) + ") ");
    functions += R"(<domain: "local", opset_import: ["": 17, "local": 1]> )" + self +
                 " (a) => (b) { b = " + (i == 0 ? std::string("Relu") : "local.F" + std::to_string(i - 1)) + "(a) }";
  }
  EXPECT_THAT(error_of(parse(R"(<ir_version: 8, opset_import: ["": 17, "local": 1]> net (float[2] x) => (float[2] v39) { )" +
                             calls + "} " + functions)),
              HasSubstr("functions call each other more than 32 deep"));
}

TEST(Strangers, NamesOfCallsAreCutBeforeTheNamesInThem) {
  auto proto = doubling(6);
  proto.mutable_graph()->mutable_node(0)->set_name(std::string(100'000, 'p'));
  for (auto& function : *proto.mutable_functions()) {
    for (auto& node : *function.mutable_node()) {
      if (node.domain() == "local") node.set_name(std::string(100'000, 'c'));
    }
  }
  const Model model = read(proto);
  EXPECT_THAT(model.graph.nodes(), SizeIs(65));
  std::set<std::string> names;
  for (const Node& node : model.graph.nodes()) {
    EXPECT_LT(node.outputs[0].name.size(), 300u);
    names.insert(node.outputs[0].name);
  }
  EXPECT_THAT(names, SizeIs(65)) << "each value has a name of its own";
}

TEST(Strangers, CallsOfOneNameGiveValuesOfTheirOwn) {
  auto proto = parse(R"(<ir_version: 8, opset_import: ["": 17, "local": 1]>
      net (float[2] x) => (float[2] z) { y = local.F(x)  z = local.F(y) }
      <domain: "local", opset_import: ["": 17]> F (a) => (b) { t = Relu(a)  b = Relu(t) })");
  for (auto& node : *proto.mutable_graph()->mutable_node()) node.set_name("same");
  const Model model = read(proto);
  EXPECT_THAT(print(model.graph), AllOf(HasSubstr("%same/t = "), HasSubstr("%same/t_1 = ")));
}

TEST(Strangers, NotesOfOneSortAreSaidTwice) {
  auto proto = parse(R"(<ir_version: 8, opset_import: ["": 17]> net (float[2] x) => (float[2] y) { a = Relu(x)  y = Relu(a) })");
  for (int i = 0; i < 1000; ++i) {
    auto& attribute = *proto.mutable_graph()->mutable_node(i % 2)->add_attribute();
    attribute.set_name("u" + std::to_string(i));
    attribute.set_type(::onnx::AttributeProto::INT);
  }
  EXPECT_THAT(read(proto).notes, ElementsAre("node 'a' (Relu): attribute 'u0' is not known and was not read",
                                             "node 'a' (Relu): attribute 'u10' is not known and was not read",
                                             "and 998 more notes like the last one"));
}

TEST(Strangers, APreprocessingThatCannotBeUsedIsLeftOut) {
  const auto with = [](const std::string& key, const std::string& value) {
    auto proto = parse(R"(<ir_version: 8, opset_import: ["": 17]> net (float[1,3,4,4] x) => (float[1,3,4,4] y) { y = Relu(x) })");
    std::string json = R"({"name": "own", "resize": 8, "crop_size": 8, "interpolation": "bilinear", "channel_order": "rgb",
        "scale": 1.0, "mean": [0,0,0], "std": [1,1,1], "crop_mode": "border", "crop_corner": "down", "crop_pct": 0.8,
        "exif": false})";
    const std::size_t begin = json.find(':', json.find("\"" + key + "\"")) + 1;
    const std::size_t end = json[begin + 1] == '[' ? json.find(']', begin) + 1 : json.find_first_of(",}", begin);
    json.replace(begin, end - begin, value);
    auto& entry = *proto.add_metadata_props();
    entry.set_key("resnet-cli.preprocessing");
    entry.set_value(json);
    return proto;
  };
  EXPECT_TRUE(read(with("exif", "true")).preprocessing.has_value());
  EXPECT_TRUE(read(with("resize", "null")).preprocessing.has_value());
  const Preprocessing framed = read(with("exif", "true")).preprocessing.value();
  EXPECT_EQ(framed.crop_mode, CropMode::border);
  EXPECT_EQ(framed.crop_corner, CropCorner::down);
  EXPECT_EQ(framed.crop_pct, 0.8);
  const std::pair<const char*, const char*> bad[] = {{"std", "[0,1,1]"},
                                                     {"std", "[-1,1,1]"},
                                                     {"std", "[1e-45,1,1]"},
                                                     {"scale", "0"},
                                                     {"scale", "1e38"},
                                                     {"scale", "1e999"},
                                                     {"scale", "NaN"},
                                                     {"mean", "[1e38,0,0]"},
                                                     {"mean", "[0,0]"},
                                                     {"mean", "[0,0,0,0]"},
                                                     {"std", "[1,1,1,1]"},
                                                     {"crop_size", "0"},
                                                     {"crop_size", "-5"},
                                                     {"crop_size", "20000"},
                                                     {"crop_size", "8.7"},
                                                     {"resize", "2147483648"},
                                                     {"resize", "1e30"},
                                                     {"channel_order", "\"gbr\""},
                                                     {"interpolation", "\"nearest\""},
                                                     {"crop_mode", "\"fit\""},
                                                     {"crop_mode", "1"},
                                                     {"crop_corner", "\"up\""},
                                                     {"crop_pct", "0"},
                                                     {"crop_pct", "1.01"},
                                                     {"crop_pct", "\"all\""}};
  for (const auto& [key, value] : bad) {
    const auto proto = with(key, value);
    const Model model = read(proto);
    EXPECT_FALSE(model.preprocessing.has_value()) << key << " " << value;
    EXPECT_THAT(model.notes, ElementsAre(HasSubstr("the metadata 'resnet-cli.preprocessing' cannot be "))) << key << " " << value;
    const std::string bytes = proto.SerializeAsString();
    EXPECT_THAT(
        lint(std::as_bytes(std::span(bytes)), "test", {}),
        Contains(AllOf(Field("level", &Finding::level, Finding::Level::error), Field("rule", &Finding::rule, "metadata"))))
        << key << " " << value;
  }
  const auto note = [&](const std::string& key, const std::string& value) {
    const std::vector<std::string> notes = read(with(key, value)).notes;
    return notes.empty() ? "" : notes.front();
  };
  EXPECT_THAT(note("std", "[-1,1,1]"), HasSubstr("a standard deviation of 'own' is -1, expected "));
  for (const char* side : {"-5", "20000", "2147483648", "4294967520", "99999999999", "18446744073709551615"}) {
    EXPECT_THAT(note("crop_size", side), HasSubstr("the crop size of 'own' is " + std::string(side) + ", expected 1 to 16384"));
  }
  EXPECT_THAT(note("mean", "[0,0,0,0]"), HasSubstr("'mean' has 4 numbers, expected three, one for each channel"));
  EXPECT_THAT(note("std", "[1]"), HasSubstr("'std' has 1 number, expected three"));
}

class ExternalDataTest : public testing::Test {
 protected:
  // A model whose weight is in `location`, and what reading it through `name` says: the graph, or the error.
  static std::string model_at(const std::string& location, int dims = 2) {
    auto proto = parse(R"(<ir_version: 8, opset_import: ["": 17]>
        net (float[2] x) => (float[2] y) <float[2] w = {0, 0}> { y = Add(x, w) })");
    auto& tensor = *proto.mutable_graph()->mutable_initializer(0);
    tensor.clear_float_data();
    tensor.set_dims(0, dims);
    auto& entry = *tensor.add_external_data();
    entry.set_key("location");
    entry.set_value(location);
    tensor.set_data_location(::onnx::TensorProto::EXTERNAL);
    return proto.SerializeAsString();
  }
  static std::string outcome(const fs::path& file) {
    try {
      return print(onnx::read(file).graph);
    } catch (const Error& error) {
      return error.what();
    }
  }
  static std::string data(float first = 1.5f, float second = 2.5f) {
    const float values[2] = {first, second};
    return {reinterpret_cast<const char*>(values), sizeof values};
  }
  const char* const read_well = "%w = Constant() {float 2 [1.5, 2.5]}";

  test::TemporaryFolder folder;
};

TEST_F(ExternalDataTest, AMissingFileIsNamed) {
  const fs::path file = folder.write("net.onnx", model_at("net.onnx.data"));
  EXPECT_THAT(outcome(file), HasSubstr("net.onnx: initializer 'w': net.onnx.data is missing: it belongs beside net.onnx (PyTorch "
                                       "writes two files)"));
  fs::create_symlink("nowhere", folder.path() / "net.onnx.data");
  EXPECT_THAT(outcome(file), HasSubstr("net.onnx.data is missing"));
}

// As a Hugging Face cache has it.
TEST_F(ExternalDataTest, BesideALinkOrBesideItsTarget) {
  fs::create_directories(folder.path() / "blobs");
  fs::create_directories(folder.path() / "snapshots" / "1");
  folder.write("blobs/aaaa", model_at("net.onnx.data"));
  folder.write("blobs/bbbb", data());
  const fs::path link = folder.path() / "snapshots" / "1" / "net.onnx";
  fs::create_symlink("../../blobs/aaaa", link);
  EXPECT_THAT(outcome(link), HasSubstr("net.onnx.data is missing: it belongs beside net.onnx"));
  fs::create_symlink("../../blobs/bbbb", folder.path() / "snapshots" / "1" / "net.onnx.data");
  EXPECT_THAT(outcome(link), HasSubstr(read_well));
  EXPECT_THAT(onnx::read(link).data_files, ElementsAre("net.onnx.data"));
  EXPECT_THAT(lint(link), IsEmpty());
  // Only beside the target.
  fs::remove(folder.path() / "snapshots" / "1" / "net.onnx.data");
  folder.write("blobs/net.onnx.data", data());
  EXPECT_THAT(outcome(link), HasSubstr(read_well));
  EXPECT_THAT(onnx::read(link).data_files, ElementsAre((fs::canonical(folder.path()) / "blobs" / "net.onnx.data").string()));
}

TEST_F(ExternalDataTest, OutsideOfBothFoldersIsRefused) {
  fs::create_directories(folder.path() / "a");
  fs::create_directories(folder.path() / "b");
  fs::create_directories(folder.path() / "c");
  folder.write("a/net.onnx", model_at("net.data"));
  folder.write("c/secret", data());
  fs::create_symlink("../a/net.onnx", folder.path() / "b" / "net.onnx");
  for (const char* place : {"a", "b"}) {
    fs::create_symlink("../c/secret", folder.path() / place / "net.data");
    EXPECT_THAT(outcome(folder.path() / place / "net.onnx"), HasSubstr("is a link out of the model's folder"));
  }
}

TEST_F(ExternalDataTest, NamesThatAreNone) {
  folder.write("net.data", data());
  const auto with = [&](const std::string& location) { return outcome(folder.write("net.onnx", model_at(location))); };
  EXPECT_THAT(with("./net.data"), HasSubstr(read_well));
  EXPECT_THAT(with(std::string("net.data\0x", 10)), HasSubstr("a name with a NUL"));
  EXPECT_THAT(with(std::string(5000, 'n')), HasSubstr("cannot be opened"));
  EXPECT_THAT(with("."), HasSubstr("is a folder"));
  EXPECT_THAT(with("sub/../net.data"), HasSubstr("expected a path inside the model's folder"));
}

TEST_F(ExternalDataTest, IsExaminedFromAnyFolder) {
  folder.write("net.data", data());
  const fs::path file = folder.write("net.onnx", model_at("net.data"));
  EXPECT_THAT(lint(file), IsEmpty());
  folder.write("net.data", data(1, std::numeric_limits<float>::quiet_NaN()));
  EXPECT_THAT(lint(file), Contains(Field("message", &Finding::message,
                                         "constant 'w' holds 1 NaN and 0 infinite values, expected finite weights")));
  fs::remove(folder.path() / "net.data");
  EXPECT_THAT(lint(file), ElementsAre(Field("message", &Finding::message, HasSubstr("net.data is missing"))));
}

TEST(Strangers, AChainFromItsEndIsNoCycle) {
  std::string nodes;
  for (int i = 3000; i > 0; --i) nodes += "v" + std::to_string(i) + " = Relu(v" + std::to_string(i - 1) + ") ";
  const std::string bytes =
      parse(R"(<ir_version: 8, opset_import: ["": 17]> net (float[2] v0) => (float[2] v3000) { )" + nodes + "}")
          .SerializeAsString();
  const auto findings = lint(std::as_bytes(std::span(bytes)), "test", {});
  EXPECT_THAT(findings, Contains(Field("rule", &Finding::rule, "order")));
  EXPECT_THAT(findings, Not(Contains(Field("rule", &Finding::rule, "cycle"))));
}

TEST(Strangers, MoreNodesThanAnyNetworkHas) {
  auto proto = parse(R"(<ir_version: 8, opset_import: ["": 17]> net (float[2] x) => (float[2] y) { y = Relu(x) })");
  for (int i = 0; i < 150'000; ++i) proto.mutable_graph()->add_node()->set_op_type("Relu");
  EXPECT_EQ(error_of(proto), "test: the graph has 150001 nodes, expected at most 150000");
  const std::string bytes = proto.SerializeAsString();
  EXPECT_THAT(lint(std::as_bytes(std::span(bytes)), "test", {}),
              ElementsAre(Field("message", &Finding::message, "the graph has 150001 nodes, expected at most 150000")));
}

TEST(Strangers, ABatchOfZeroIsAFinding) {
  const std::string bytes =
      parse(R"(<ir_version: 8, opset_import: ["": 17]> net (float[0,3] x) => (float[0,3] y) { y = Relu(x) })")
          .SerializeAsString();
  EXPECT_THAT(
      lint(std::as_bytes(std::span(bytes)), "test", {}),
      ElementsAre(AllOf(Field("level", &Finding::level, Finding::Level::warning), Field("rule", &Finding::rule, "input-shape"))));
}

}  // namespace
}  // namespace resnet::onnx
