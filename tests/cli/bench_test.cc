// `bench`, and `inspect --plan`.
#include <nlohmann/json.hpp>

#include "tests/cli/fixture.h"
#include "tests/support/assets.h"

namespace resnet::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class BenchTest : public CliTest {
 protected:
  json bench(std::vector<std::string> words) const {
    words.insert(words.begin(), "bench");
    words.insert(words.end(), {"--format", "json", "--warmup", "1", "--iterations", "3", "-q"});
    const Finished finished = run(words);
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
    return json::parse(finished.out, nullptr, false);
  }
};

TEST_F(BenchTest, EachCombinationHasItsFigures) {
  const json found = bench({"resnet20", "rgb.onnx", "--batch-size", "1,2", "--threads", "1,2"});
  EXPECT_FALSE(found["machine"]["processor"].get<std::string>().empty());
  EXPECT_GE(found["machine"]["cores"], 1);
  ASSERT_EQ(found["results"].size(), 8u);
  for (const json& result : found["results"]) {
    EXPECT_GT(result["load_ms"], 0);
    EXPECT_GT(result["first_ms"], 0);
    double before = 0;
    for (const char* key : {"min_ms", "median_ms", "p90_ms", "p95_ms", "p99_ms"}) {
      EXPECT_GE(result[key].get<double>(), before) << key;
      before = result[key];
    }
    EXPECT_GE(result["mean_ms"], result["min_ms"]);
    EXPECT_GT(result["peak_rss_mib"], 1);
    EXPECT_EQ(result["iterations"], 3);
    EXPECT_NEAR(result["images_per_second"].get<double>(),
                1000 * result["batch_size"].get<double>() / result["median_ms"].get<double>(), 1e-6);
  }
  EXPECT_EQ(found["results"][3]["model"], "resnet20");
  EXPECT_EQ(found["results"][3]["batch_size"], 2);
  EXPECT_EQ(found["results"][3]["threads"], 2);
}

TEST_F(BenchTest, ClientsSideBySide) {
  const json found = bench({"resnet20", "--threads", "2", "--clients", "1,2,3"});
  ASSERT_EQ(found["results"].size(), 3u);
  for (int i = 0; i < 3; ++i) {
    const json& row = found["results"][i];
    EXPECT_EQ(row["clients"], i + 1);
    EXPECT_EQ(row["threads"], 2);
    EXPECT_NEAR(row["images_per_second"].get<double>() * row["median_ms"].get<double>(), 1e3 * (i + 1), 1);
  }
  EXPECT_THAT(run({"bench", "resnet20", "--duration", "0.05", "--clients", "2", "--format", "csv"}).out,
              testing::HasSubstr(",clients\n"));
  const std::string together = "--profile and --pipeline are of one client";
  expect_refused(run({"bench", "resnet20", "--clients", "1,2", "--profile"}), 2, together);
  expect_refused(run({"bench", "resnet20", "--clients", "2", "--pipeline", "."}), 2, together);
  expect_refused(run({"bench", "resnet20", "--clients", "0"}), 2, "--clients: expected numbers from 1 to 256");
}

TEST_F(BenchTest, ProfilesLayers) {
  const json found = bench({"resnet20", "--profile", "--threads", "1"});
  const json& result = found["results"][0];
  EXPECT_GT(result["peak_gflops"], 0);
  std::int64_t macs = 0;
  for (const json& layer : result["layers"]) {
    EXPECT_GE(layer["ms"], 0);
    EXPECT_GE(layer["limit_ms"], 0);
    EXPECT_GE(layer["limit_ms"], 0);
    macs += layer["macs"].get<std::int64_t>();
  }
  EXPECT_EQ(macs, 40'551'040);  // of ResNet-20, option A
}

TEST_F(BenchTest, IntegersBesideTheirOwnPeak) {
  RESNET_REQUIRE_ASSETS();
  const std::string model = (*assets() / "models/int8/cifar10-resnet20-qoperator.onnx").string();
  const json found = bench({model, "--profile", "--threads", "1"})["results"][0];
  EXPECT_GT(found["peak_int8_gops"].get<double>(), 0);
  int count = 0;
  for (const json& layer : found["layers"]) {
    if (!layer["integers"].get<bool>()) continue;
    ++count;
    EXPECT_GT(layer["limit_ms"].get<double>(), 0);
    EXPECT_NEAR(layer["gflops"].get<double>(), 2e-6 * layer["macs"].get<double>() / layer["ms"].get<double>(), 1e-3);
  }
  EXPECT_GE(count, 20);
  EXPECT_FALSE(bench({"resnet20", "--profile", "--threads", "1"})["results"][0].contains("peak_int8_gops"));
}

TEST_F(BenchTest, PhotosFromTheirFiles) {
  write("photos/a.png", png(4, 4, {255, 0, 0}));
  write("photos/b.png", png(4, 4, {0, 255, 0}));
  write("photos/c.jpg", "no photo");
  const json found = bench({"rgb.onnx", "--pipeline", "photos", "--preprocess", "raw"});
  const json& pipeline = found["results"][0]["pipeline"];
  EXPECT_EQ(pipeline["photos"], 3);
  EXPECT_EQ(pipeline["failed"], 1);
  EXPECT_GT(pipeline["images_per_second"], 0);
  EXPECT_GT(pipeline["share_of_sum"], 0);
}

TEST_F(BenchTest, Tables) {
  const Finished text = run({"bench", "rgb.onnx", "--iterations", "2", "--profile", "-q"});
  EXPECT_THAT(text.out, HasSubstr("median_ms"));
  EXPECT_THAT(text.out, HasSubstr("of_peak_%"));
  EXPECT_THAT(run({"bench", "rgb.onnx", "--iterations", "2", "-q", "--format", "csv"}).out,
              testing::StartsWith("model,batch_size,threads,load_ms"));
}

TEST_F(BenchTest, Mistakes) {
  expect_refused(run({"bench"}), 2, "no model");
  expect_refused(run({"bench", "rgb.onnx", "--batch-size", "1,x"}), 2, "--batch-size: expected numbers");
  expect_refused(run({"bench", "rgb.onnx", "--threads", "0"}), 2, "--threads: expected numbers");
  expect_refused(run({"bench", "missing.onnx"}), 3, "missing.onnx");
  expect_refused(run({"bench", "rgb.onnx", "--pipeline", "missing", "--iterations", "1", "-q"}), 5,
                 "missing: no such file or folder");
}

TEST_F(BenchTest, ThePlanNamesWhatComputes) {
  const Finished automatic = run({"inspect", "resnet18", "--plan", "--batch", "8", "--format", "csv"});
  EXPECT_THAT(automatic.out, HasSubstr("layer1.0.conv1,convolution,\"winograd F(4x4,3x3)\""));
  const Finished direct = run({"inspect", "resnet18", "--plan", "--convolution", "direct", "--format", "csv"});
  EXPECT_THAT(direct.out, testing::Not(HasSubstr("winograd")));
  expect_refused(run({"inspect", "resnet18", "--plan", "--format", "svg"}), 2, "--plan is a table");
}

}  // namespace
}  // namespace resnet::test
