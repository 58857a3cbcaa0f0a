// A network in integers, without a process.
#include "cli/tasks/quantize/quantize.h"

#include <algorithm>

#include "cli/tasks/open/model.h"
#include "tests/cli/tasks/fixture.h"
#include "tests/support/assets.h"

namespace resnet::test {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class QuantizeTaskTest : public TaskTest {
 protected:
  // By the network that is built in, of pictures in many colours.
  cli::QuantizeRequest request(std::size_t photos = 9) {
    cli::QuantizeRequest asked;
    asked.model = "resnet20-cifar10";
    for (std::size_t i = 0; i < photos; ++i) {
      const auto shade = static_cast<std::uint8_t>(25 * i);
      asked.photos.push_back(picture("photo" + std::to_string(i) + ".png",
                                     {shade, static_cast<std::uint8_t>(255 - shade), static_cast<std::uint8_t>(i % 3 * 90)}));
    }
    asked.output = path("integers.onnx");
    return asked;
  }
  cli::QuantizeResult quantize(const cli::QuantizeRequest& asked) {
    const cli::TaskContext given = context();
    return cli::QuantizeTask(asked, given).run();
  }
  std::size_t count(const std::string& file, const std::string& op) {
    const Graph graph = cli::load_model(file, {}, heard).model.graph;
    return static_cast<std::size_t>(
        std::count_if(graph.nodes().begin(), graph.nodes().end(), [&](const Node& node) { return type_of(node.op) == op; }));
  }
};

TEST_F(QuantizeTaskTest, WritesBothFormsAndBothFormats) {
  cli::QuantizeRequest asked = request();
  const cli::QuantizeResult result = quantize(asked);
  EXPECT_EQ(result.photos, 9u);
  EXPECT_EQ(result.failed, 0u);
  EXPECT_EQ(result.layers, 19u + 9 + 1);  // convolutions, additions, the classifier; option A has no projections
  EXPECT_EQ(result.quantized, result.layers);
  EXPECT_EQ(result.bytes, fs::file_size(asked.output));
  EXPECT_LT(result.bytes, 400'000u);
  EXPECT_EQ(count(asked.output, "Relu"), 0u);
  EXPECT_EQ(count(asked.output, "Conv"), 19u);
  asked.form = quantize::Form::qoperator;
  quantize(asked);
  EXPECT_EQ(count(asked.output, "QLinearConv"), 19u);
  EXPECT_EQ(count(asked.output, "com.microsoft.QLinearAdd"), 9u);
  EXPECT_EQ(count(asked.output, "QuantizeLinear"), 1u);
  EXPECT_EQ(count(asked.output, "DequantizeLinear"), 0u);
  asked.output = path("integers.resnet");
  asked.native = true;
  quantize(asked);
  EXPECT_EQ(count(asked.output, "QLinearConv"), 19u);
  const cli::LoadedModel reread = cli::load_model(asked.output, {}, heard);
  EXPECT_THAT(reread.model.labels, SizeIs(10));
  EXPECT_TRUE(reread.model.preprocessing);
}

TEST_F(QuantizeTaskTest, TheSamePhotosGiveTheSameBytes) {
  cli::QuantizeRequest asked = request();
  quantize(asked);
  const std::string first = content(asked.output);
  asked.network.batch_size = 4;
  quantize(asked);
  EXPECT_EQ(content(asked.output).size(), first.size());
  asked.network.batch_size = 1;
  quantize(asked);
  EXPECT_TRUE(content(asked.output) == first);
}

TEST_F(QuantizeTaskTest, APhotoThatFailsIsToldOnce) {
  cli::QuantizeRequest asked = request(3);
  asked.photos.push_back(write("broken.png", "no picture"));
  asked.choose_layers = true;
  asked.most_loss = 100;
  const cli::QuantizeResult result = quantize(asked);
  EXPECT_EQ(result.failed, 1u);
  EXPECT_EQ(result.photos, 3u);
  EXPECT_THAT(heard.errors, ElementsAre(HasSubstr("broken.png: ")));
  EXPECT_THAT(heard.notes, Contains(HasSubstr("calibrated with 3 photos; some hundreds")));
  asked.photos = {asked.photos.back()};
  asked.output = path("none.onnx");
  const auto [fault, text] = error_of([&] { quantize(asked); });
  EXPECT_EQ(fault, Fault::unreadable);
  EXPECT_THAT(text, HasSubstr("no photo could be read to calibrate with"));
  EXPECT_FALSE(fs::exists(asked.output));
}

TEST_F(QuantizeTaskTest, ExcludedNodesStayInFloats) {
  cli::QuantizeRequest asked = request();
  asked.excluded = {"conv1", "layer2.*"};
  const cli::QuantizeResult result = quantize(asked);
  EXPECT_EQ(result.layers - result.quantized, 1u + 6 + 3);
  asked.excluded = {"conv_1"};
  const auto [fault, text] = error_of([&] { quantize(asked); });
  EXPECT_EQ(fault, Fault::invalid);
  EXPECT_THAT(text, HasSubstr("--exclude: the network has no node 'conv_1' once it is folded; the nearest are 'conv1'"));
  asked.excluded = {"*"};
  EXPECT_THAT(error_of([&] { quantize(asked); }).second, HasSubstr("--exclude leaves nothing to quantize"));
}

TEST_F(QuantizeTaskTest, AutoLeavesLayersInFloatsUntilTheLossIsSmall) {
  cli::QuantizeRequest asked = request();
  asked.choose_layers = true;
  asked.most_loss = 0;
  const cli::QuantizeResult result = quantize(asked);
  ASSERT_TRUE(result.loss);
  EXPECT_LE(*result.loss, 0);
  // An addition of what stays in floats does, too.
  EXPECT_GE(result.layers - result.quantized, result.chosen.size());
  EXPECT_TRUE(std::is_sorted(result.chosen.begin(), result.chosen.end(),
                             [](const auto& a, const auto& b) { return a.decibels < b.decibels; }));
}

TEST_F(QuantizeTaskTest, TheCheckSaysWhatIsLost) {
  cli::QuantizeRequest asked = request();
  asked.check = write("labels.csv", "photo0.png,3\nphoto1.png,5\nphoto2.png,0\n");
  const cli::QuantizeResult result = quantize(asked);
  ASSERT_TRUE(result.check);
  EXPECT_EQ(result.check->photos, 3);
  EXPECT_GT(result.check->before.milliseconds, 0);
  EXPECT_GT(result.check->after.milliseconds, 0);
  EXPECT_EQ(result.check->after.bytes, result.bytes);
  ASSERT_THAT(result.noise, SizeIs(result.quantized));
  EXPECT_TRUE(std::is_sorted(result.noise.begin(), result.noise.end(),
                             [](const auto& a, const auto& b) { return a.decibels < b.decibels; }));
  EXPECT_GT(result.noise.front().decibels, 0);
  EXPECT_GT(result.noise[result.noise.size() / 2].decibels, 3);  // three pictures of one colour each: far from what it learnt
}

TEST_F(QuantizeTaskTest, WhatIsQuantizedAlreadyIsRefused) {
  cli::QuantizeRequest asked = request();
  quantize(asked);
  asked.model = asked.output;
  asked.output = path("twice.onnx");
  const auto [fault, text] = error_of([&] { quantize(asked); });
  EXPECT_EQ(fault, Fault::invalid);
  EXPECT_THAT(text, HasSubstr("integers.onnx: is quantized already: node '"));
}

TEST_F(QuantizeTaskTest, ANetworkWithoutWeightsHasNothingToQuantize) {
  cli::QuantizeRequest asked = request();
  OnnxGraph graph;
  graph.inputs = {value("x", {0, 3, 4, 4})};
  graph.nodes = {node("GlobalAveragePool", {"x"}, {"p"}), node("Flatten", {"p"}, {"y"})};
  graph.outputs = {value("y", {0, 3})};
  asked.model = write("means.onnx", onnx_file(graph));
  EXPECT_THAT(error_of([&] { quantize(asked); }).second, HasSubstr("has no convolution or product with constant weights"));
}

TEST_F(QuantizeTaskTest, PhotosAreSpreadEvenly) {
  cli::QuantizeRequest asked = request(9);
  asked.most_photos = 3;
  EXPECT_EQ(quantize(asked).photos, 3u);
  const std::string some = content(asked.output);
  asked.photos = {asked.photos[0], asked.photos[3], asked.photos[6]};
  quantize(asked);
  EXPECT_TRUE(content(asked.output) == some);
  // Of a batch of pictures, too.
  std::string batch;
  for (int i = 0; i < 10; ++i) batch += std::string(1, static_cast<char>(i)) + std::string(3072, static_cast<char>(20 * i));
  asked.photos = {write("batch.bin", batch)};
  asked.most_photos = 4;
  EXPECT_EQ(quantize(asked).photos, 4u);
  asked.photos = {write("x.npy", npy({5, 3, 32, 32}, std::vector<float>(5 * 3 * 32 * 32, 0.5f)))};
  EXPECT_EQ(quantize(asked).photos, 4u);
}

TEST_F(QuantizeTaskTest, StopsWhereItIsAskedTo) {
  cli::QuantizeRequest asked = request();
  const cli::TaskContext given = context();
  cli::QuantizeTask task(asked, given);
  stop = true;
  EXPECT_EQ(error_of([&] { task.run(); }).first, Fault::interrupted);
  EXPECT_FALSE(fs::exists(asked.output));
}

}  // namespace
}  // namespace resnet::test
