// The likeliest classes of photos, asked for without a process.
#include <nlohmann/json.hpp>

#include "formats/npy/npy.h"
#include "tests/cli/tasks/fixture.h"

namespace resnet::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

using PredictTaskTest = TaskTest;

std::vector<nlohmann::json> lines_of(const std::string& text) {
  std::vector<nlohmann::json> lines;
  for (std::size_t begin = 0; begin < text.size(); begin = text.find('\n', begin) + 1)
    lines.push_back(nlohmann::json::parse(text.substr(begin, text.find('\n', begin) - begin)));
  return lines;
}

TEST_F(PredictTaskTest, AnswersAreInTheOrderOfTheInputs) {
  const std::string red = picture("red.png", {255, 0, 0}), blue = picture("a_blue.png", {0, 0, 200});
  const cli::PredictResult result = predict(request({red, blue}), context());
  EXPECT_EQ(result.inputs, 2u);
  EXPECT_EQ(result.failed, 0u);
  const auto lines = lines_of(written[""].bytes);
  ASSERT_THAT(lines, SizeIs(2));
  EXPECT_EQ(lines[0]["input"], red);
  EXPECT_EQ(lines[0]["predictions"][0]["label"], "red");
  EXPECT_EQ(lines[0]["predictions"][0]["logit"], 255.0);
  EXPECT_EQ(lines[1]["input"], blue);
  EXPECT_EQ(lines[1]["predictions"][0]["label"], "blue");
  EXPECT_TRUE(written[""].whole);
  EXPECT_THAT(heard.errors, IsEmpty());
  EXPECT_THAT(heard.lines, testing::Not(IsEmpty()));
}

TEST_F(PredictTaskTest, TheBuiltInNetworkNeedsNoFile) {
  cli::PredictRequest asked = request({picture("red.png", {255, 0, 0})});
  asked.models = {"resnet20-cifar10"};
  asked.network = {};
  EXPECT_EQ(predict(asked, context()).failed, 0u);
  const auto lines = lines_of(written[""].bytes);
  ASSERT_THAT(lines, SizeIs(1));
  EXPECT_THAT(lines[0]["predictions"], SizeIs(5));
}

TEST_F(PredictTaskTest, WhatIsShownOfAnAnswer) {
  cli::PredictRequest asked = request({picture("red.png", {255, 0, 0})});
  asked.format = answers::Format::csv;
  asked.min_probability = 0.5;
  predict(asked, context());
  EXPECT_EQ(written[""].bytes, "input,rank,index,label,probability,logit\n" + asked.images[0] + ",1,0,red,1,255\n");
  asked.format = answers::Format::text;
  asked.logits = true;
  asked.min_probability = 0;
  asked.top_k = 2;
  asked.output = "text";
  predict(asked, context());
  EXPECT_EQ(written["text"].bytes, asked.images[0] + "\n   255.0000  0  red\n     0.0000  1  green\n");
}

TEST_F(PredictTaskTest, AnInputThatFailsIsToldAndTheRestGoOn) {
  const std::string red = picture("red.png", {255, 0, 0}), broken = write("broken.png", "no picture");
  cli::PredictRequest asked = request({broken, red, path("nowhere.png")});
  const cli::PredictResult result = predict(asked, context());
  EXPECT_EQ(result.inputs, 3u);
  EXPECT_EQ(result.failed, 2u);
  const auto lines = lines_of(written[""].bytes);
  ASSERT_THAT(lines, SizeIs(3));
  EXPECT_TRUE(lines[0].contains("error"));
  EXPECT_EQ(lines[1]["input"], red);
  EXPECT_THAT(heard.errors, ElementsAre(HasSubstr("broken.png: "), HasSubstr("nowhere.png: ")));
  asked.fail_fast = true;
  asked.output = "fast";
  const auto [kind, text] = error_of([&] { predict(asked, context()); });
  EXPECT_EQ(kind, Fault::unreadable);
  EXPECT_THAT(text, HasSubstr("broken.png: "));
  EXPECT_FALSE(written["fast"].whole);
}

TEST_F(PredictTaskTest, FeaturesAreRows) {
  cli::PredictRequest asked =
      request({picture("red.png", {255, 0, 0}), write("broken.png", "no picture"), picture("blue.png", {0, 0, 200})});
  asked.features = path("features.npy");
  EXPECT_EQ(predict(asked, context()).failed, 1u);
  const Tensor rows = npy::read(asked.features);
  ASSERT_EQ(rows.shape(), (Shape{3, 3}));
  const auto data = rows.data<float>();
  EXPECT_EQ(data[0], 255);
  EXPECT_NE(data[3], data[3]);
  EXPECT_EQ(data[8], 200);
  EXPECT_EQ(written[""].bytes, "");
}

TEST_F(PredictTaskTest, AnOutputAsItIs) {
  cli::PredictRequest asked =
      request({write("broken.png", "no picture"), picture("red.png", {255, 0, 0}), picture("blue.png", {0, 0, 200})});
  asked.features = path("vector.npy");
  asked.network.vector = true;
  EXPECT_EQ(predict(asked, context()).failed, 1u);
  const Tensor rows = npy::read(asked.features);
  ASSERT_EQ(rows.shape(), (Shape{3, 3}));
  const auto data = rows.data<float>();
  EXPECT_NE(data[0], data[0]);
  EXPECT_EQ(data[3], 255);
  EXPECT_EQ(data[8], 200);
  asked.network.output_name = "nowhere";
  EXPECT_THAT(error_of([&] { predict(asked, context()); }).second, HasSubstr("has no output 'nowhere'"));
}

TEST_F(PredictTaskTest, TheReportAndMaps) {
  cli::PredictRequest asked = request({picture("red.png", {255, 0, 0})});
  asked.report = "page";
  asked.activation_maps = path("maps");
  predict(asked, context());
  EXPECT_TRUE(written["page"].whole);
  EXPECT_THAT(written["page"].bytes, HasSubstr("What 1 photo is"));
  EXPECT_THAT(names_in(asked.activation_maps), ElementsAre("000001_red.png"));
}

TEST_F(PredictTaskTest, InputsAreToldBeforeAnythingIsWritten) {
  const std::string red = picture("red.png", {255, 0, 0});
  cli::TaskContext given = context();
  std::vector<std::string> told;
  given.before_reading = [&](const std::filesystem::path& file) {
    told.push_back(file.string());
    throw Error(Fault::invalid, "not this one");
  };
  EXPECT_EQ(error_of([&] { predict(request({red}), given); }).second, "not this one");
  EXPECT_THAT(told, ElementsAre(red));
  EXPECT_THAT(written, IsEmpty());
}

TEST_F(PredictTaskTest, StopsWhereItIsAskedTo) {
  stop = true;
  EXPECT_EQ(error_of([&] { predict(request({picture("red.png", {255, 0, 0})}), context()); }).first, Fault::interrupted);
  EXPECT_FALSE(written[""].whole);
}

TEST_F(PredictTaskTest, SeveralNetworksAreAveraged) {
  write("gbr.onnx", onnx_file(mean_classifier(4, {{0, 1, 0}, {0, 0, 1}, {1, 0, 0}}, {0, 0, 0})));
  cli::PredictRequest asked = request({picture("red.png", {255, 0, 0})});
  asked.models.push_back(path("gbr.onnx"));
  predict(asked, context());
  const auto lines = lines_of(written[""].bytes);
  EXPECT_EQ(lines.at(0)["predictions"][0]["probability"], 0.5);
  EXPECT_EQ(lines.at(0)["predictions"][1]["probability"], 0.5);
}

TEST_F(PredictTaskTest, WhatANetworkCannotGiveIsRefusedByName) {
  cli::PredictRequest asked = request({picture("red.png", {255, 0, 0})});
  asked.models = {path("nowhere.onnx")};
  EXPECT_EQ(error_of([&] { predict(asked, context()); }).first, Fault::unreadable);
  EXPECT_FALSE(written[""].whole);
}

}  // namespace
}  // namespace resnet::test
