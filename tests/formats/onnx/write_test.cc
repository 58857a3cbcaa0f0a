// What goes out: the same graph again, at every opset, in the same bytes.
#include "formats/onnx/write.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <onnx/checker.h>
#include <onnx/onnx_pb.h>
#include <onnx/shape_inference/implementation.h>

#include "formats/onnx/opset.h"
#include "formats/onnx/read.h"
#include "formats/onnx/text.h"
#include "lib/arch/build.h"
#include "lib/base/error.h"
#include "tests/formats/onnx/same_graph.h"
#include "tests/support/assets.h"
#include "tests/support/sanitized.h"
#include "tests/support/temporary_folder.h"

namespace resnet::onnx {
namespace {

using test::difference_of;

Model again(const Model& model, const WriteOptions& options = {}) {
  const std::string bytes = serialize(model, options);
  return read(std::as_bytes(std::span(bytes)), "again", {});
}

::onnx::ModelProto proto_of(const Model& model, const WriteOptions& options) {
  ::onnx::ModelProto proto;
  EXPECT_TRUE(proto.ParseFromString(serialize(model, options)));
  return proto;
}

Model network(const std::string& name) {
  Model model;
  model.graph = arch::build(*arch::find_spec(name), {.init = arch::Init::he, .seed = 7});
  return model;
}

// Option A's strided Slice is there since opset 10, and Pad's pads are an input since 11.
std::vector<std::string> networks(int opset) {
  return opset < 11 ? std::vector<std::string>{"resnet18"} : std::vector<std::string>{"resnet18", "resnet20"};
}

class AtOpset : public testing::TestWithParam<int> {};

TEST_P(AtOpset, OnnxsOwnCheckerAndShapeInferenceAgree) {
  for (const std::string& name : networks(GetParam())) {
    SCOPED_TRACE(name);
    const Model model = network(name);
    ::onnx::ModelProto proto = proto_of(model, {.opset = GetParam()});
    EXPECT_EQ(proto.opset_import(0).version(), GetParam());
    // The library describes no later one, and nothing of these networks has changed since.
    if (GetParam() > 22) {
      proto.mutable_opset_import(0)->set_version(22);
      proto.set_ir_version(10);
    }
    EXPECT_NO_THROW(::onnx::checker::check_model(proto, true, false, true));
    ::onnx::shape_inference::InferShapes(proto, ::onnx::OpSchemaRegistry::Instance(), {true, 1, false});
    const auto& output = proto.graph().output(0).type().tensor_type();
    EXPECT_EQ(output.shape().dim_size(), 2);
  }
}

TEST_P(AtOpset, TheSameGraphComesBack) {
  for (const std::string& name : networks(GetParam())) {
    SCOPED_TRACE(name);
    const Model model = network(name);
    EXPECT_EQ(difference_of(model.graph, again(model, {.opset = GetParam()}).graph), "");
  }
}

INSTANTIATE_TEST_SUITE_P(All, AtOpset, testing::Range(7, 26));

TEST(Write, TheBytesAreTheSameEachTime) {
  const Model model = network("resnet20");
  EXPECT_EQ(serialize(model), serialize(model));
  EXPECT_EQ(serialize(again(model)), serialize(again(again(model))));
}

TEST(Write, IrVersion3ListsInitializersAsInputs) {
  const Model model = network("resnet18");
  const ::onnx::ModelProto old = proto_of(model, {.opset = 8}), recent = proto_of(model, {.opset = 9});
  EXPECT_EQ(old.ir_version(), 3);
  EXPECT_EQ(old.graph().input_size(), 1 + old.graph().initializer_size());
  EXPECT_EQ(recent.graph().input_size(), 1);
}

TEST(Write, OpsetsThatCannotBeWrittenAreUsage) {
  for (const int opset : {0, 6, 26}) {
    try {
      serialize(network("resnet20"), {.opset = opset});
      FAIL() << opset;
    } catch (const Error& error) {
      EXPECT_EQ(error.fault(), Fault::invalid);
      EXPECT_THAT(error.what(), testing::HasSubstr("expected 7 to 25"));
    }
  }
}

TEST(Write, WhatAnOldOpsetLacksNamesTheNode) {
  const Model model = read_text(R"(<ir_version: 8, opset_import: ["": 17]>
    net (float[2,3] x, int64[2] s) => (float[a,b] y) { y = Expand(x, s) })");
  try {
    serialize(model, {.opset = 7});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::unsupported);
    EXPECT_THAT(error.what(), testing::HasSubstr("node 'y' (Expand)"));
    EXPECT_THAT(error.what(), testing::HasSubstr("8"));
  }
}

TEST(Write, NamesMetadataAndUnknownOperatorsAreKept) {
  Model model = read_text(R"(<ir_version: 10, opset_import: ["": 22, "com.example": 3],
      doc_string: "about", metadata_props: ["task": "guessing"]>
    net (float[2] x) => (float[2] y) { a = com.example.Guess<depth = 3, names = ["p", "q"]>(x)  y = Relu(a) })");
  const Model copy = again(model, {.opset = 22});
  EXPECT_EQ(difference_of(model.graph, copy.graph), "");
  EXPECT_EQ(copy.metadata.at("task"), "guessing");
  EXPECT_EQ(copy.provenance.doc_string, "about");
  EXPECT_EQ(copy.provenance.opsets.at("com.example"), 3);
}

TEST(Write, FilesAreThereWholeOrNotAtAll) {
  test::TemporaryFolder folder;
  const Model model = network("resnet20");
  write(model, folder.path() / "net.onnx");
  EXPECT_EQ(difference_of(model.graph, read(folder.path() / "net.onnx").graph), "");
  EXPECT_THROW(write(model, folder.path() / "nowhere" / "net.onnx"), Error);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

// Weights of more than one Protobuf message can hold go into a file of their own, asked for or not. They come from a sparse file,
// so that they take no memory; what is written does take its room on the disk.
TEST(Write, MoreThanTwoGibibytesGoIntoExternalData) {
  test::TemporaryFolder folder;
  constexpr std::int64_t rows = 5, columns = std::int64_t{110} << 20;  // 2,200 MiB
  folder.write("weights.bin", "");
  std::filesystem::resize_file(folder.path() / "weights.bin", static_cast<std::uintmax_t>(rows * columns * 4));
  Model model;
  const ValueId x = model.graph.add_input("x", Fact::of(DType::float32, {1, rows}));
  const ValueId w = model.graph.add_constant(
      "w", Tensor(DType::float32, Shape{rows, columns}, Buffer::map_file(folder.path() / "weights.bin")));
  model.graph.set_outputs({model.graph.append(MatMul{}, {x, w}, "product", {"y"})});
  EXPECT_THROW(serialize(model), Error);
  write(model, folder.path() / "net.onnx");
  EXPECT_LT(std::filesystem::file_size(folder.path() / "net.onnx"), 1000u);
  EXPECT_EQ(std::filesystem::file_size(folder.path() / "net.onnx.data"), static_cast<std::uintmax_t>(rows * columns * 4));
  const Model copy = read(folder.path() / "net.onnx");
  EXPECT_EQ(print(copy.graph), print(model.graph));
}

// The opsets that a file may be asked for.
#ifdef RESNET_SANITIZED
constexpr int opsets[] = {7, 13, 22};
#else
constexpr int opsets[] = {7, 9, 11, 13, 17, 18, 22};
#endif

// Out at each opset and in again: the same graph with the same bits of weights, past ONNX's checker with all that it can check.
// Below `lowest`, where something cannot be expressed, the node and an opset that can are named; or other operators express it.
void expect_round_trips(const Model& model, int lowest, bool by_others = false) {
  for (const int opset : opsets) {
    SCOPED_TRACE(opset);
    if (opset < lowest && !by_others) {
      try {
        serialize(model, {.opset = opset});
        ADD_FAILURE() << "was written";
      } catch (const Error& error) {
        EXPECT_EQ(error.fault(), Fault::unsupported);
        EXPECT_THAT(error.what(), testing::ContainsRegex("node '.*cannot be written at opset .*; the lowest opset that can is"));
      }
      continue;
    }
    const std::string bytes = serialize(model, {.opset = opset});
    const Graph again = read(std::as_bytes(std::span(bytes)), "again", {}).graph;
    if (opset >= lowest) {
      EXPECT_EQ(difference_of(model.graph, again), "");
    } else {
      EXPECT_GT(again.nodes().size(), model.graph.nodes().size());
    }
    ::onnx::ModelProto proto;
    ASSERT_TRUE(proto.ParseFromString(bytes));
    EXPECT_NO_THROW(::onnx::checker::check_model(proto, /*full_check=*/true));
  }
}

// What is asked for, the usual opset where that does, and the nearest that does.
TEST(WrittenOpset, IsTheNearestThatHasAll) {
  const auto opset_of = [](const std::string& body) {
    return written_opset(read_text("<ir_version: 8, opset_import: [\"\": 20]> g (float[1,4,3,3] x) => (y) { " + body + " }"));
  };
  EXPECT_EQ(opset_of("y = Relu(x)"), usual_opset);
  EXPECT_EQ(opset_of("y = Gelu(x)"), 20);
  Model grouped;
  grouped.graph = arch::build(*arch::find_spec("resnet50_gn"), {.init = arch::Init::zeros});
  EXPECT_EQ(written_opset(grouped), 21);
  EXPECT_EQ(written_opset(grouped, {.opset = 9}), 9);
  const Model old =
      read_text("<ir_version: 3, opset_import: [\"\": 9]> g (float[2,4,3,3] x) => (y) { y = Softmax<axis = 2>(x) }");
  const int highest = static_cast<int>(newest_opset_with_old_softmax);
  EXPECT_EQ(written_opset(old), highest);
  EXPECT_EQ(serialize(old), serialize(old, {.opset = highest}));
}

struct SharedFile {
  const char* name;
  int lowest;  // the lowest opset that has all that it needs
};

class WrittenFile : public testing::TestWithParam<SharedFile> {};

TEST_P(WrittenFile, TheSameGraphComesBackAtEachOpset) {
  RESNET_REQUIRE_ASSETS();
  expect_round_trips(read(*test::assets() / "models" / GetParam().name), GetParam().lowest);
}

INSTANTIATE_TEST_SUITE_P(Models, WrittenFile,
                         testing::Values(SharedFile{"imagenet-resnet18-torch-op17-bn.onnx", 7},
                                         SharedFile{"imagenet-resnet50-torch-op13-bn.onnx", 7},
                                         SharedFile{"imagenet-resnet18-codebook-op13.onnx", 7},
                                         // Slice's steps begin at 10, Pad's pads as an input at 11
                                         SharedFile{"cifar10-resnet20-torch-op11.onnx", 11},
                                         SharedFile{"cifar10-resnet56-torch-op16-bn.onnx", 11},
                                         SharedFile{"cifar10-resnet8-nhwc-op11.onnx", 7},
                                         SharedFile{"cifar10-resnet8-int8-qdq-op13.onnx", 13},  // a scale per axis
                                         SharedFile{"caffe2-light-resnet50.onnx", 9}),          // ConstantOfShape
                         [](const auto& tested) {
                           std::string name = tested.param.name;
                           for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
                           return name;
                         });

class BuiltNet : public testing::TestWithParam<std::string> {};

TEST_P(BuiltNet, TheSameGraphComesBackAtEachOpset) {
  arch::Spec spec = *arch::find_spec(GetParam());
  const bool grouped = spec.norm == arch::Norm::group;
  spec.first_channels = grouped ? 64 : 16;  // what there is to write differently does not depend on the width
  if (spec.block == arch::Block::single) spec.height = spec.width = 32;  // nor on the size, which fc6 does
  Model model;
  model.graph = arch::build(spec, {.seed = 3});
  if (grouped) return expect_round_trips(model, 21, true);                                          // a scale for each channel
  expect_round_trips(model, spec.shortcut == arch::Shortcut::A || spec.average_shortcut ? 10 : 7);  // steps, ceil_mode
}

INSTANTIATE_TEST_SUITE_P(All, BuiltNet, testing::ValuesIn(arch::names()), [](const auto& tested) { return tested.param; });

}  // namespace
}  // namespace resnet::onnx
