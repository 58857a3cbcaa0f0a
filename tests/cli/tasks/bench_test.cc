// How long networks take, counted and told without a process; how long it is nobody asserts.
#include "cli/tasks/bench/bench.h"
#include "tests/cli/tasks/fixture.h"

namespace resnet::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

// A worker of this process.
class InThisProcess : public cli::Worker {
 public:
  explicit InThisProcess(std::function<std::string(const std::string&)> answer) : answer_(std::move(answer)) {}
  std::string ask(const std::string& question) override { return answer_(question); }

 private:
  std::function<std::string(const std::string&)> answer_;
};

class BenchTaskTest : public TaskTest {
 protected:
  cli::BenchRequest measurement() const {
    cli::BenchRequest asked;
    asked.models = {path("rgb.onnx")};
    asked.network = network();
    asked.iterations = 3;
    asked.warmup = 1;
    return asked;
  }
  cli::BenchResult bench(const cli::BenchRequest& asked) { return bench(asked, context()); }
  cli::BenchResult bench(const cli::BenchRequest& asked, const cli::TaskContext& given) {
    started = 0;
    return cli::bench(asked, given, [this](auto answer) {
      ++started;
      return std::make_unique<InThisProcess>(std::move(answer));
    });
  }
  int started = 0;
};

TEST_F(BenchTaskTest, ARowForEachModelBatchAndNumberOfThreads) {
  cli::BenchRequest asked = measurement();
  asked.models.push_back("resnet20-cifar10");
  asked.batches = {1, 2};
  asked.threads = {2, 1};
  const cli::BenchResult result = bench(asked);
  EXPECT_EQ(started, 8);
  EXPECT_FALSE(result.machine.processor.empty());
  std::vector<std::string> rows;
  for (const cli::BenchRow& row : result.rows) {
    const cli::BenchConfiguration& c = row.configuration;
    rows.push_back(std::to_string(c.batch) + " " + std::to_string(c.threads) + " " + c.model);
    EXPECT_THAT(row.times, SizeIs(3));
    EXPECT_TRUE(std::is_sorted(row.times.begin(), row.times.end()));
    EXPECT_EQ(row.at(1), row.times.back());
    EXPECT_GT(row.at(0), 0);
    EXPECT_GT(row.peak_rss_mib, 0);
    EXPECT_FALSE(row.profile || row.pipeline);
  }
  const std::string a = path("rgb.onnx"), b = "resnet20-cifar10";
  EXPECT_THAT(rows, ElementsAre("1 2 " + a, "1 1 " + a, "2 2 " + a, "2 1 " + a, "1 2 " + b, "1 1 " + b, "2 2 " + b, "2 1 " + b));
  EXPECT_THAT(heard.lines, Not(IsEmpty()));
}

TEST_F(BenchTaskTest, MeasuresForAWhileWhereNoNumberIsGiven) {
  cli::BenchRequest asked = measurement();
  asked.iterations = 0;
  asked.duration = 0.02;
  const cli::BenchResult result = bench(asked);
  EXPECT_GE(result.rows.at(0).total_ms(), 20);
}

TEST_F(BenchTaskTest, TheLayersAddUp) {
  cli::BenchRequest asked = measurement();
  asked.models = {"resnet20-cifar10"};
  asked.profile = true;
  const cli::BenchResult result = bench(asked);
  ASSERT_TRUE(result.rows.at(0).profile);
  const cli::BenchProfile& profile = *result.rows[0].profile;
  EXPECT_GT(profile.peak_gflops, 0);
  EXPECT_GT(profile.memory_gb_per_second, 0);
  std::int64_t macs = 0;
  double limits = 0;
  for (const cli::BenchLayer& layer : profile.layers) {
    macs += layer.macs;
    limits += layer.limit_ms;
    if (layer.ms > 0) {
      EXPECT_NEAR(layer.gflops() * layer.ms, 2e-6 * static_cast<double>(layer.macs), 1e-9);
    }
  }
  EXPECT_EQ(macs, 40'551'040);  // as inspect counts it
  EXPECT_DOUBLE_EQ(profile.total_limit_ms(), limits);
}

TEST_F(BenchTaskTest, PhotosFromTheirFilesToTheirAnswers) {
  make_folder("photos");
  for (int i = 0; i < 5; ++i) picture("photos/" + std::to_string(i) + ".png", {255, 0, 0});
  write("photos/broken.png", "no picture");
  cli::BenchRequest asked = measurement();
  asked.batches = {2};
  asked.pipeline = path("photos");
  const cli::BenchResult result = bench(asked);
  ASSERT_TRUE(result.rows.at(0).pipeline);
  EXPECT_EQ(result.rows[0].pipeline->photos, 6);
  EXPECT_EQ(result.rows[0].pipeline->failed, 1);
  EXPECT_GT(result.rows[0].pipeline->images_per_second, 0);

  cli::TaskContext given = context();
  given.before_reading = [](const std::filesystem::path& file) {
    if (file.filename() == "3.png") throw Error(Fault::invalid, "not this one");
  };
  EXPECT_EQ(error_of([&] { bench(asked, given); }).second, "not this one");
  make_folder("empty");
  asked.pipeline = path("empty");
  EXPECT_THAT(error_of([&] { bench(asked); }).second, HasSubstr("holds no photos"));
}

TEST_F(BenchTaskTest, WhatAModelIsToBeToldOfIsToldOnce) {
  cli::BenchRequest asked = measurement();
  asked.models = {"resnet20"};
  asked.iterations = 1;
  asked.threads = {1, 2};
  bench(asked);
  std::erase_if(heard.warnings, [](const std::string& line) { return line.find("noisy") != std::string::npos; });
  EXPECT_THAT(heard.warnings, ElementsAre(HasSubstr("untrained weights")));
}

TEST_F(BenchTaskTest, StopsWhereItIsAskedTo) {
  stop = true;
  EXPECT_EQ(error_of([&] { bench(measurement()); }).first, Fault::interrupted);
}

}  // namespace
}  // namespace resnet::test
