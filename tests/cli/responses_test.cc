// `responses`: the paper's Figure 7.
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/cli/fixture.h"
#include "tests/support/assets.h"

namespace resnet::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::StartsWith;
using ResponsesTest = CliTest;

TEST_F(ResponsesTest, EveryLayerInItsOrderWithItsRank) {
  const Finished finished = run({"responses", "resnet20", "plain20", "--random", "4", "--format", "json", "-q"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  const json rows = json::parse(finished.out);
  ASSERT_EQ(rows.size(), 2u * 19);  // the stem, and two layers in each of nine blocks
  EXPECT_EQ(rows[0]["name"], "conv1");
  EXPECT_EQ(rows[18]["name"], "layer3.2.conv2");
  EXPECT_EQ(rows[19]["model"], "plain20");
  std::vector<bool> ranks(20, false);
  for (std::size_t i = 0; i < 19; ++i) ranks.at(rows[i]["rank"].get<std::size_t>()) = true;
  EXPECT_EQ(std::count(ranks.begin(), ranks.end(), true), 19);
}

TEST_F(ResponsesTest, NoiseComesFromTheSeed) {
  const auto figures = [&](const std::string& seed) {
    return run({"responses", "resnet8", "--random", "3", "--seed", seed, "--format", "csv", "-q"}).out;
  };
  EXPECT_EQ(figures("1"), figures("1"));
  EXPECT_NE(figures("1"), figures("2"));
  EXPECT_THAT(figures("1"), StartsWith("model,layer,name,std,mean,rank,plain\nresnet8,1,conv1,"));
}

TEST_F(ResponsesTest, TheFigure) {
  const Finished finished = run({"responses", "resnet8", "--random", "2", "-o", "figure.svg", "-q"});
  EXPECT_EQ(finished.exit_code, 0);
  std::ifstream file(folder() / "figure.svg");
  const std::string svg{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  EXPECT_THAT(svg, StartsWith("<svg"));
  EXPECT_THAT(svg, HasSubstr("Sorted by magnitude"));
  EXPECT_THAT(svg, HasSubstr(">resnet8</text>"));
}

TEST_F(ResponsesTest, NamesInTheAnswerAndTheLegend) {
  ASSERT_EQ(run({"build", "plain20", "-o", "a.onnx", "-q"}).exit_code, 0);
  const std::string name = "a plain net of twenty layers, without shortcuts";
  const Finished finished = run({"responses", name + "=a.onnx", "-m", "deep=resnet8", "--random", "2", "--format", "json", "-q"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  const json rows = json::parse(finished.out);
  EXPECT_EQ(rows.back()["model"], name);
  EXPECT_EQ(rows.back()["plain"], true);  // whatever it is called
  EXPECT_EQ(rows.front()["model"], "deep");
  EXPECT_EQ(rows.front()["plain"], false);
  ASSERT_EQ(run({"responses", name + "=a.onnx", "--random", "2", "-o", "f.svg", "-q"}).exit_code, 0);
  EXPECT_THAT(read("f.svg"), HasSubstr(">" + name + "</text>"));
  EXPECT_THAT(read("f.svg"), HasSubstr("stroke-dasharray"));
  if (!has_browser()) return;
  write("f.html", "<body>" + read("f.svg") + "</body>");
  const Finished seen = browse("f.html", R"(
      const svg = document.querySelector('svg'), edge = svg.getBoundingClientRect().right;
      const over = [...svg.querySelectorAll('text')].filter(t => t.getBoundingClientRect().right > edge);
      document.body.append('outside ' + over.length);)");
  EXPECT_THAT(seen.out, HasSubstr("outside 0"));
}

TEST_F(ResponsesTest, TrainedNetworksOnRealPictures) {
  RESNET_REQUIRE_ASSETS();
  const auto models = *assets() / "models";
  const Finished finished = run({"responses", (models / "cifar10-resnet20-torch-op11.onnx").string(),
                                 (models / "cifar10-resnet56-torch-op16-bn.onnx").string(),
                                 (*assets() / "images" / "cifar10").string(), "-r", "--format", "json", "-q"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  const json rows = json::parse(finished.out);
  ASSERT_EQ(rows.size(), 19u + 55);
  // The deeper net changes its signal less in each layer (section 4.2).
  double shallow = 0, deep = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) (i < 19 ? shallow : deep) += rows[i]["std"].get<double>();
  EXPECT_LT(deep / 55, shallow / 19);
}

TEST_F(ResponsesTest, Mistakes) {
  expect_refused(run({"responses"}), 2, "no model");
  expect_refused(run({"responses", "resnet20", "-q"}), 2, "no images");
  expect_refused(run({"responses", "resnet20", "red.png", "--random", "3", "-q"}), 2,
                 "--random and images ('red.png') exclude each other");
  expect_refused(run({"responses", "rgb.onnx", "red.png", "-q"}), 4, "rgb.onnx: the network has no 3x3 convolution");
}

TEST_F(ResponsesTest, BadPhotosAreReportedAndTheRestGoOn) {
  write("grey.png", png(32, 32, {90, 90, 90}));
  const Finished finished = run({"responses", "resnet8", "grey.png", "missing.png", "--format", "csv", "-q"});
  EXPECT_EQ(finished.exit_code, 5);
  EXPECT_THAT(finished.err, HasSubstr("missing.png"));
  EXPECT_THAT(finished.out, HasSubstr("layer3.0.conv2"));
}

}  // namespace
}  // namespace resnet::test
