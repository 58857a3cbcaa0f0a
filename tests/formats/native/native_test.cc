// .resnet files: what goes in comes out; what is damaged is found, whatever and wherever it is.
#include "formats/native/native.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cctype>
#include <fstream>

#include "formats/native/header.h"
#include "formats/onnx/read.h"
#include "lib/arch/build.h"
#include "lib/base/error.h"
#include "tests/formats/onnx/same_graph.h"
#include "tests/support/assets.h"
#include "tests/support/temporary_folder.h"

namespace resnet::native {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class NativeTest : public testing::Test {
 protected:
  fs::path file() const { return folder.path() / "net.resnet"; }
  std::string bytes() const {
    std::ifstream stream(file(), std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  }
  // "" where it can be read; else the error, which is one of an invalid model.
  std::string error_of(const std::string& content, bool verify = true) const {
    const fs::path damaged = folder.write("damaged.resnet", content);
    try {
      read(damaged, {.verify = verify});
    } catch (const Error& error) {
      EXPECT_EQ(error.fault(), Fault::malformed) << error.what();
      EXPECT_THAT(error.what(), HasSubstr("damaged.resnet: "));
      return error.what();
    }
    return "";
  }
  test::TemporaryFolder folder;
};

Model small_model() {
  Model model;
  model.graph = arch::build(*arch::find_spec("resnet8"), {.seed = 5});
  model.labels = {"a", "b\xff"};
  model.preprocessing = find_preprocessing("caffe");
  model.preprocessing->crop_size = std::nullopt;
  model.metadata = {{"task", "tests"}, {"empty", ""}};
  model.provenance.format = "ONNX";
  model.provenance.producer_name = "somebody";
  model.provenance.opsets = {{"", 17}, {"com.example", 2}};
  return model;
}

TEST_F(NativeTest, EverythingComesBack) {
  const Model model = small_model();
  write(model, file());
  const Model copy = read(file());
  EXPECT_EQ(test::difference_of(model.graph, copy.graph), "");
  EXPECT_EQ(copy.labels, model.labels);
  EXPECT_EQ(copy.preprocessing, model.preprocessing);
  EXPECT_EQ(copy.metadata, model.metadata);
  EXPECT_EQ(copy.provenance.producer_name, "somebody");
  EXPECT_EQ(copy.provenance.opsets, model.provenance.opsets);
}

TEST_F(NativeTest, EveryWayToCropComesBack) {
  Model model = small_model();
  for (const CropMode mode : {CropMode::center, CropMode::squash, CropMode::border}) {
    model.preprocessing->crop_mode = mode;
    for (const CropCorner corner : {CropCorner::half_to_even, CropCorner::down}) {
      model.preprocessing->crop_corner = corner;
      model.preprocessing->crop_pct = mode == CropMode::center ? std::nullopt : std::optional(0.95);
      write(model, file());
      EXPECT_EQ(read(file()).preprocessing, model.preprocessing);
    }
  }
  model.preprocessing->crop_pct = 7;
  write(model, file());
  EXPECT_THAT(error_of(bytes()), HasSubstr("its preprocessing cannot be used: the crop of 'caffe' is 7 of what is resized"));
}

TEST_F(NativeTest, TheSameModelGivesTheSameBytes) {
  write(small_model(), file());
  const std::string first = bytes();
  write(read(file()), file());
  EXPECT_EQ(bytes(), first);
}

TEST_F(NativeTest, WeightsAreUsedWhereTheyLie) {
  write(small_model(), file());
  const Model model = read(file());
  for (const Node& node : model.graph.nodes()) {
    const auto* constant = get_if<Constant>(&node.op);
    if (constant == nullptr) continue;
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(constant->value.bytes().data()) % alignment, 0u);
  }
  const std::string content = bytes();
  EXPECT_EQ(content.substr(content.size() - tail), std::string(tail, '\0'));
}

TEST_F(NativeTest, EveryOperatorWithItsAttributes) {
  // What ONNX's text can say in a few lines: attributes of all types, an unknown operator, names, an output that is not wanted.
  const Model model = onnx::read_text(R"(<ir_version: 10, opset_import: ["": 22, "com.example": 1]>
    net (float[N,3,h,w] x) => (float[a,b] y)
    {
      p, mask = com.example.Guess<depth = 3, rate = 0.5, names = ["p", "q"], list = [1, 2], floats = [0.5, 1.5], text = "t",
                                  value = float[2] {1, 2}>(x)
      q = MaxPool<kernel_shape = [3, 3], ceil_mode = 1, strides = [2, 2], auto_pad = "SAME_UPPER">(x)
      r = Clip(q)
      s = GlobalAveragePool(r)
      t = Flatten<axis = -3>(s)
      y = LogSoftmax(t)
    })");
  write(model, file());
  EXPECT_EQ(test::difference_of(model.graph, read(file()).graph), "");
}

TEST_F(NativeTest, OldSoftmaxKeepsItsMeaning) {
  const Model model = onnx::read_text(R"(<ir_version: 7, opset_import: ["": 11]>
    net (float[2,3,4] x) => (float[2,3,4] y) { y = Softmax(x) })");
  write(model, file());
  EXPECT_EQ(test::difference_of(model.graph, read(file()).graph), "");
}

TEST_F(NativeTest, AFileThatIsCutIsFoundWhereverItIsCut) {
  write(small_model(), file());
  const std::string whole = bytes();
  for (int part = 0; part < 64; ++part) {
    const std::string cut = whole.substr(0, whole.size() * static_cast<std::size_t>(part) / 64);
    for (const bool verify : {true, false}) {
      const std::string error = error_of(cut, verify);
      EXPECT_NE(error, "") << part;
      EXPECT_THAT(error, HasSubstr(part > 0 ? "is cut short" : "is empty")) << part;
    }
  }
}

TEST_F(NativeTest, AHeaderWithAWrongByteIsRefused) {
  write(small_model(), file());
  const std::string whole = bytes();
  for (std::size_t at = 0; at < header_size; ++at) {
    for (const int flip : {0x01, 0x80, 0xff}) {
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ flip);
      EXPECT_NE(error_of(damaged), "") << at;
      // Without the checksum: the size of the header and the checksum itself are not looked at; everything else is.
      const bool unread = (at >= 12 && at < 16) || at >= Header::checksum_offset;
      EXPECT_EQ(error_of(damaged, false) == "", unread) << at;
    }
  }
}

TEST_F(NativeTest, AnyWrongByteBehindTheHeaderIsFoundByTheChecksum) {
  write(small_model(), file());
  const std::string whole = bytes();
  for (std::size_t at = header_size; at < whole.size(); at += whole.size() / 97) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    EXPECT_THAT(error_of(damaged), HasSubstr("checksum mismatch: the file is damaged")) << at;
    error_of(damaged, false);  // and without it nothing crashes
  }
}

TEST_F(NativeTest, ALaterVersionSaysSo) {
  write(small_model(), file());
  std::string later = bytes();
  later[8] = 7;
  EXPECT_THAT(error_of(later), HasSubstr("was written by a later version (format 7), this program reads up to 1"));
}

TEST_F(NativeTest, WhatIsNoSuchFile) {
  EXPECT_THAT(error_of(""), HasSubstr("is empty"));
  EXPECT_THAT(error_of("<html>"), HasSubstr("is not a .resnet file"));
  EXPECT_THAT(error_of(std::string(magic) + "short"), HasSubstr("is cut short: 13 bytes, expected a header of 64"));
  EXPECT_THROW(read(folder.path() / "missing.resnet"), Error);
}

class RealFile : public testing::TestWithParam<const char*> {};

TEST_P(RealFile, ComesBackBitByBit) {
  RESNET_REQUIRE_ASSETS();
  const Model model = onnx::read(*test::assets() / "models" / GetParam());
  const test::TemporaryFolder folder;
  write(model, folder.path() / "net.resnet");
  EXPECT_EQ(test::difference_of(model.graph, read(folder.path() / "net.resnet").graph), "");
}

INSTANTIATE_TEST_SUITE_P(Models, RealFile,
                         testing::Values("imagenet-resnet18-torch-op17-bn.onnx", "imagenet-resnet50-torch-op13-bn.onnx",
                                         "imagenet-resnet18-codebook-op13.onnx", "cifar10-resnet20-torch-op11.onnx",
                                         "cifar10-resnet56-torch-op16-bn.onnx", "cifar10-resnet8-nhwc-op11.onnx",
                                         "cifar10-resnet8-int8-qdq-op13.onnx", "caffe2-light-resnet50.onnx"),
                         [](const auto& tested) {
                           std::string name = tested.param;
                           for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
                           return name;
                         });

class BuiltNet : public testing::TestWithParam<std::string> {};

TEST_P(BuiltNet, ComesBackBitByBit) {
  Model model;
  model.spec = arch::find_spec(GetParam());
  if (model.spec->block == arch::Block::single) model.spec->height = model.spec->width = 32;  // fc6 has 400 MB at 224x224
  model.graph = arch::build(*model.spec, {.seed = 3});
  const test::TemporaryFolder folder;
  write(model, folder.path() / "net.resnet");
  const Model copy = read(folder.path() / "net.resnet");
  EXPECT_EQ(test::difference_of(model.graph, copy.graph), "");
  EXPECT_EQ(copy.spec, model.spec);
}

INSTANTIATE_TEST_SUITE_P(All, BuiltNet, testing::ValuesIn(arch::names()), [](const auto& tested) { return tested.param; });

TEST(Native, WhatIsStatedOfUnknownOperatorsValuesIsKept) {
  test::TemporaryFolder folder;
  const Model model = onnx::read_text(R"(<ir_version: 8, opset_import: ["": 17, "elsewhere": 1]>
    net (float[N,2] x) => (float[N,2] y) <float[N,2] odd> { odd = elsewhere.Frobnicate(x)  y = Relu(odd) })");
  write(model, folder.path() / "odd.resnet");
  const Model copy = read(folder.path() / "odd.resnet");
  EXPECT_EQ(copy.graph.fact(copy.graph.outputs()[0]).to_string(), "float Nx2");
}

}  // namespace
}  // namespace resnet::native
