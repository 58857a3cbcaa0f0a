// Steps of descent against PyTorch's, and the schedules of the learning rate.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "lib/arch/build.h"
#include "lib/train/constants.h"
#include "lib/train/loops.h"
#include "lib/train/loss.h"
#include "lib/train/network.h"
#include "lib/train/openmp.h"
#include "lib/train/schedule.h"

namespace resnet::train {
namespace {

struct Figures {
  const char* name;
  double sum, sum_of_magnitudes;
  double chosen[4];  // elements 0, 1/3, 2/3 and last
};
#include "tests/train/pytorch_steps.inc"

// The rule of tools/make_training_figures.py.
std::vector<float> ruled(std::size_t count, std::size_t number, double factor) {
  std::vector<float> values;
  for (std::size_t i = 0; i < count; ++i)
    values.push_back(static_cast<float>((static_cast<double>((7919 * i + 104729 * number) % 1000) / 1000 - 0.5) * factor));
  return values;
}

TEST(DescentTest, TwoStepsAreThoseOfPyTorch) {
  set_threads(1);
  arch::Spec spec = *arch::find_spec("resnet20");
  spec.blocks = {1, 1};
  spec.first_channels = 8;
  spec.classes = 5;
  spec.height = spec.width = 8;
  const Graph zeros = arch::build(spec);
  std::map<std::string, Tensor> values = float_constants(zeros);
  std::size_t number = 0;
  for (auto& [name, value] : values) {
    const bool is_norm = name.find("bn") != std::string::npos;
    if (name.find("running") != std::string::npos) continue;
    std::vector<float> floats = ruled(static_cast<std::size_t>(value.elements()), number++, 0.5);
    if (is_norm && name.ends_with("weight")) {
      for (float& f : floats) f += 1;
    }
    value = Tensor::from<float>(value.shape(), floats);
  }
  Network network(with_constants(zeros, values), 4);
  for (std::size_t step = 0; step < 2; ++step) {
    const std::vector<float> x = ruled(network.input().size(), 100 + step, 4);
    std::copy(x.begin(), x.end(), network.input().begin());
    std::vector<std::int64_t> truths;
    for (std::size_t i = 0; i < 4; ++i) truths.push_back(static_cast<std::int64_t>((i + step) % 5));
    const BatchLoss loss = cross_entropy(network.forward(Mode::training), truths, 0.1, network.logits_gradient());
    EXPECT_NEAR(loss.loss / 4, losses[step], 1e-5);
    network.backward();
    for (Parameter& p : network.parameters()) descend({0.1f, 0.9f, 0.01f}, p.values, p.gradient, p.velocity);
  }
  const std::map<std::string, Tensor> after = float_constants(network.graph());
  EXPECT_EQ(after.size(), std::size(figures));
  for (const Figures& expected : figures) {
    const std::vector<double> found = after.at(expected.name).values_as<double>();
    double sum = 0, magnitudes = 0;
    for (const double v : found) {
      sum += v;
      magnitudes += std::abs(v);
    }
    const auto count = static_cast<double>(found.size());
    EXPECT_NEAR(sum / count, expected.sum / count, 1e-5) << expected.name;
    EXPECT_NEAR(magnitudes / count, expected.sum_of_magnitudes / count, 1e-5) << expected.name;
    for (std::size_t i = 0; i < 4; ++i)
      EXPECT_NEAR(found[i * (found.size() - 1) / 3], expected.chosen[i], 1e-5) << expected.name << " element of " << i << "/3";
  }
}

TEST(LossTest, IsThatOfTheDefinition) {
  const std::vector<float> logits = {1, 2, 3, 0, 0, 0};
  const std::vector<std::int64_t> truths = {2, 0};
  std::vector<float> gradient(6);
  const BatchLoss loss = cross_entropy(logits, truths, 0, gradient);
  const double sum = std::exp(1) + std::exp(2) + std::exp(3);
  EXPECT_NEAR(loss.loss, -std::log(std::exp(3) / sum) + std::log(3.0), 1e-12);
  EXPECT_EQ(loss.correct, 2u);
  EXPECT_NEAR(gradient[0], std::exp(1) / sum / 2, 1e-7);
  EXPECT_NEAR(gradient[2], (std::exp(3) / sum - 1) / 2, 1e-7);
  EXPECT_NEAR(gradient[3], (1.0 / 3 - 1) / 2, 1e-7);
}

TEST(LossTest, OfHugeLogitsIsFinite) {
  const std::vector<float> logits = {3e38f, -3e38f};
  EXPECT_EQ(cross_entropy(logits, std::vector<std::int64_t>{0}, 0, {}).loss, 0);
  EXPECT_TRUE(std::isfinite(cross_entropy(logits, std::vector<std::int64_t>{1}, 0, {}).loss));
}

TEST(LossTest, OfWhatIsNoNumberIsNone) {
  const std::vector<float> logits = {NAN, 1};
  EXPECT_TRUE(std::isnan(cross_entropy(logits, std::vector<std::int64_t>{1}, 0, {}).loss));
}

TEST(ScheduleTest, StepsAreThePapers) {
  const Schedule schedule{.warmup = 400};
  EXPECT_DOUBLE_EQ(schedule.at(0), 0.01);
  EXPECT_DOUBLE_EQ(schedule.at(399), 0.01);
  EXPECT_DOUBLE_EQ(schedule.at(400), 0.1);
  EXPECT_DOUBLE_EQ(schedule.at(31'999), 0.1);
  EXPECT_NEAR(schedule.at(32'000), 0.01, 1e-15);
  EXPECT_NEAR(schedule.at(48'000), 0.001, 1e-15);
}

TEST(ScheduleTest, WarmsUpUntilTheErrorIsLow) {
  const Schedule schedule{.warmup_error = 0.8};
  EXPECT_DOUBLE_EQ(schedule.at(5000), 0.01);
  EXPECT_DOUBLE_EQ(schedule.at(399, {.warmed_up = 400}), 0.01);
  EXPECT_DOUBLE_EQ(schedule.at(400, {.warmed_up = 400}), 0.1);
  EXPECT_NEAR(schedule.at(32'000, {.warmed_up = 400}), 0.01, 1e-15);
}

TEST(ScheduleTest, APlateauDividesByTen) {
  const Schedule schedule{.kind = Schedule::Kind::plateau};
  EXPECT_DOUBLE_EQ(schedule.at(599'999), 0.1);
  EXPECT_NEAR(schedule.at(10, {.drops = 2}), 0.001, 1e-15);
}

TEST(ScheduleTest, CosineEndsAtZero) {
  const Schedule schedule{.kind = Schedule::Kind::cosine, .rate = 0.2, .iterations = 110, .milestones = {}, .warmup = 10};
  EXPECT_DOUBLE_EQ(schedule.at(5), 0.02);
  EXPECT_DOUBLE_EQ(schedule.at(10), 0.2);
  EXPECT_NEAR(schedule.at(60), 0.1, 1e-12);
  EXPECT_NEAR(schedule.at(110), 0, 1e-12);
}

}  // namespace
}  // namespace resnet::train
