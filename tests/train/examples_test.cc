// Pictures that are learnt from: loaded, augmented, and gone through in an order.
#include "lib/train/examples.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>
#include <vector>

#include "lib/arch/build.h"
#include "lib/arch/recognize.h"
#include "lib/base/error.h"
#include "lib/train/augment.h"
#include "lib/train/constants.h"
#include "lib/train/openmp.h"
#include "lib/train/pixel_mean.h"
#include "lib/train/trainer.h"
#include "lib/train/transfer.h"
#include "tests/support/assets.h"
#include "tests/support/temporary_folder.h"

namespace resnet::train {
namespace {

using testing::HasSubstr;

image::Pixels plain(int width, int height, std::array<std::uint8_t, 3> color) {
  image::Pixels pixels{width, height, {}};
  for (int i = 0; i < width * height; ++i) pixels.rgb.insert(pixels.rgb.end(), color.begin(), color.end());
  return pixels;
}

// Every pixel shows where it is: red the column, green the row.
image::Pixels places(int width, int height) {
  image::Pixels pixels{width, height, {}};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (const int level : {x, y, 255}) pixels.rgb.push_back(static_cast<std::uint8_t>(level));
    }
  }
  return pixels;
}

View raw_view(Augmentation augmentation, int side) {
  View view{.augmentation = augmentation, .height = side, .width = side, .preprocessing = *find_preprocessing("raw")};
  return view;
}

TEST(ExamplesTest, WhatIsBrokenIsLeftOutAndTold) {
  const test::TemporaryFolder folder;
  std::vector<Example> given;
  for (int i = 0; i < 6; ++i) {
    const std::string name = std::to_string(i) + ".png";
    given.push_back({folder.write(name, i == 2 || i == 5 ? "no picture" : image::encode_png(plain(4, 4, {9, 9, 9}))), i, {}});
  }
  Examples examples(given);
  std::vector<std::string> told;
  EXPECT_EQ(examples.load({.threads = 2, .broken = [&](const std::string& error) { told.push_back(error); }}), 2u);
  ASSERT_EQ(told.size(), 2u);
  EXPECT_THAT(told[0], HasSubstr("2.png"));
  ASSERT_EQ(examples.size(), 4u);
  EXPECT_TRUE(examples.in_memory());
  EXPECT_EQ(examples[2].truth, 3);
}

TEST(ExamplesTest, WhatDoesNotFitIsDecodedWhenItIsWanted) {
  const test::TemporaryFolder folder;
  std::vector<Example> given;
  for (int i = 0; i < 40; ++i)
    given.push_back(
        {folder.write(std::to_string(i) + ".png", image::encode_png(plain(4, 4, {static_cast<std::uint8_t>(i), 0, 0}))), 0, {}});
  Examples examples(given);
  EXPECT_EQ(examples.load({.memory = 100, .threads = 2}), 0u);
  EXPECT_FALSE(examples.in_memory());
  EXPECT_EQ(examples.size(), 40u);
  EXPECT_EQ(examples.pixels(39).rgb[0], 39);
  EXPECT_EQ(examples[39].pixels.width, 0);
}

TEST(AugmentTest, CifarMovesByFourAndMirrors) {
  const View view = raw_view(Augmentation::cifar, 16);
  std::set<std::pair<int, int>> moves;
  int mirrored = 0;
  constexpr int count = 2000;
  for (int i = 0; i < count; ++i) {
    Draws draws(stream_key(1, std::to_string(i)));
    std::vector<float> slot(3 * 16 * 16);
    training_view(places(16, 16), view, draws, slot);
    // The middle is never padding.
    const auto at = [&](int c, int y, int x) { return slot[static_cast<std::size_t>((c * 16 + y) * 16 + x)]; };
    const bool flipped = at(0, 8, 8) < at(0, 8, 7);
    mirrored += flipped ? 1 : 0;
    const int dx = static_cast<int>(at(0, 8, 8)) - (flipped ? 7 : 8), dy = static_cast<int>(at(1, 8, 8)) - 8;
    moves.insert({dx, dy});
    ASSERT_LE(std::abs(dx), 4);
    ASSERT_LE(std::abs(dy), 4);
    // What comes from outside is 0.
    if (dy > 0) {
      ASSERT_EQ(at(2, 15, 8), 0);
    }
    if (dy < 0) {
      ASSERT_EQ(at(2, 0, 8), 0);
    }
    if (dy == 0) {
      ASSERT_EQ(at(2, 15, 8), 255);
    }
  }
  EXPECT_EQ(moves.size(), 81u);
  EXPECT_NEAR(mirrored, count / 2, 4 * std::sqrt(count) / 2);
}

TEST(AugmentTest, ImageNetTakesEveryScale) {
  const View view = raw_view(Augmentation::imagenet, 32);
  double least = 1e9, most = 0;
  for (int i = 0; i < 300; ++i) {
    Draws draws(stream_key(2, std::to_string(i)));
    std::vector<float> slot(3 * 32 * 32);
    training_view(places(200, 100), view, draws, slot);
    // How many columns of the picture one of the view is.
    const double step = std::abs(static_cast<double>(slot[20] - slot[10])) / 10;
    least = std::min(least, 100 / step);
    most = std::max(most, 100 / step);
  }
  EXPECT_NEAR(least, 32 * 256 / 224, 3);
  EXPECT_NEAR(most, 32 * 480 / 224, 5);
}

TEST(AugmentTest, ColorComponentsAreThoseOfTheColors) {
  // Along (1, 1, 0) strongly, along (0, 0, 1) weakly.
  std::vector<Example> given;
  for (int i = 0; i < 100; ++i) {
    const auto level = static_cast<std::uint8_t>(50 + i), blue = static_cast<std::uint8_t>(i % 2 == 0 ? 90 : 110);
    given.push_back({{}, 0, plain(2, 2, {level, level, blue})});
  }
  const ColorComponents found = color_components(Examples(given));
  const auto deviation = [&](std::size_t k) { return 255 * std::sqrt(found.eigenvalues[k]); };
  EXPECT_NEAR(deviation(0), std::sqrt(2.0) * 28.87, 0.5);
  EXPECT_NEAR(deviation(1), 10, 0.5);
  EXPECT_NEAR(deviation(2), 0, 1e-3);
  EXPECT_NEAR(std::abs(found.directions[0][0]), std::sqrt(0.5), 0.01);
  EXPECT_NEAR(std::abs(found.directions[1][2]), 1, 0.01);
}

// The publication's own numbers: 5.55, 0.479 and 0.115 levels along the components.
TEST(AugmentTest, PublishedComponentsAreOrthogonal) {
  const ColorComponents published = published_color_components();
  EXPECT_NEAR(0.1 * 255 * published.eigenvalues[0], 5.55, 0.005);
  EXPECT_NEAR(0.1 * 255 * published.eigenvalues[1], 0.479, 0.0005);
  EXPECT_NEAR(0.1 * 255 * published.eigenvalues[2], 0.115, 0.0005);
  for (std::size_t a = 0; a < 3; ++a) {
    for (std::size_t b = 0; b < 3; ++b) {
      double product = 0;
      for (std::size_t c = 0; c < 3; ++c) product += published.directions[a][c] * published.directions[b][c];
      EXPECT_NEAR(product, a == b ? 1 : 0, 2e-4) << a << b;
    }
  }
}

// Three thousand draws on grey: along each component the shift's deviation is a tenth of its eigenvalue.
TEST(AugmentTest, ShiftsAlongEachComponentDeviateByATenthOfItsEigenvalue) {
  View view = raw_view(Augmentation::imagenet, 8);
  for (const ColorComponents& components :
       {published_color_components(),
        ColorComponents{.directions = {{{0.6, 0.8, 0}, {-0.8, 0.6, 0}, {0, 0, 1}}}, .eigenvalues = {0.23067, 0.01585, 0.0037}}}) {
    view.colors = components;
    std::array<double, 3> squares = {};
    constexpr int count = 3000;
    for (int i = 0; i < count; ++i) {
      Draws draws(stream_key(4, std::to_string(i)));
      std::vector<float> slot(3 * 8 * 8);
      training_view(plain(20, 20, {128, 128, 128}), view, draws, slot);
      for (std::size_t k = 0; k < 3; ++k) {
        double along = 0;
        for (std::size_t c = 0; c < 3; ++c)
          along += components.directions[k][c] * (static_cast<double>(slot[c * 64]) - 128) / 255;
        squares[k] += along * along / count;
      }
    }
    for (std::size_t k = 0; k < 3; ++k)
      EXPECT_NEAR(std::sqrt(squares[k]) / (0.1 * components.eigenvalues[k]), 1, 0.05) << "component " << k;
  }
}

// shared/expected/paper: of the 100 photos, each weighing the same, computed with numpy.
TEST(AugmentTest, TheEigenvaluesOfTheHundredPhotos) {
  RESNET_REQUIRE_ASSETS();
  std::vector<Example> given;
  for (const auto& entry : std::filesystem::directory_iterator(*test::assets() / "images" / "imagenet")) {
    const std::string extension = entry.path().extension().string();
    if (extension == ".JPEG" || extension == ".jpg" || extension == ".jpeg") given.push_back({entry.path(), 0, {}});
  }
  ASSERT_EQ(given.size(), 100u);
  const ColorComponents found = color_components(Examples(given));
  EXPECT_NEAR(found.eigenvalues[0], 0.23067, 2e-4);
  EXPECT_NEAR(found.eigenvalues[1], 0.01585, 2e-5);
  EXPECT_NEAR(found.eigenvalues[2], 0.00370, 1e-5);
}

TEST(AugmentTest, ColorsMoveByATenthOfTheEigenvalue) {
  View view = raw_view(Augmentation::imagenet, 8);
  view.colors.directions = {{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}};
  view.colors.eigenvalues = {0.2, 0, 0};
  double squares = 0;
  constexpr int count = 500;
  for (int i = 0; i < count; ++i) {
    Draws draws(stream_key(3, std::to_string(i)));
    std::vector<float> slot(3 * 8 * 8);
    training_view(plain(20, 20, {100, 100, 100}), view, draws, slot);
    squares += std::pow(static_cast<double>(slot[0]) - 100, 2) / count;
    ASSERT_NEAR(slot[64], 100, 1e-4);
  }
  EXPECT_NEAR(std::sqrt(squares), 0.1 * 0.2 * 255, 0.6);
}

// Dark and bright pictures.
Examples two_classes(int count) {
  std::vector<Example> given;
  for (int i = 0; i < count; ++i) {
    const auto level = static_cast<std::uint8_t>((i % 2) * 128 + i);
    given.push_back({{}, i % 2, plain(16, 16, {level, static_cast<std::uint8_t>(255 - level), 90})});
  }
  return Examples(given);
}

struct Small {
  arch::Spec spec = *arch::find_spec("resnet8");
  View view{.augmentation = Augmentation::cifar, .height = 16, .width = 16, .preprocessing = *find_preprocessing("cifar10")};
  Descent descent{.schedule = {.rate = 0.05, .iterations = 12, .milestones = {6}}, .seed = 3};
  Examples examples = two_classes(25);
  Small() {
    spec.classes = 2;
    spec.height = spec.width = 16;
  }
};

TEST(TrainerTest, GoesOnBitForBit) {
  set_threads(2);
  const Small small;
  Network whole(arch::build(small.spec, {.seed = 1}), 8);
  Trainer trainer(whole, small.examples, &small.examples, small.view, small.descent, 2);
  std::vector<Checkpoint> checkpoints;
  for (int i = 0; i < 12; ++i) {
    checkpoints.push_back(trainer.checkpoint());
    trainer.step();
    if (i == 7) {
      ASSERT_TRUE(trainer.finish_row([](std::size_t) { return true; }));
    }
  }
  const auto expected = float_constants(whole.graph());
  for (const std::size_t from : {0, 1, 5, 8, 11}) {
    Network network(checkpoints[from].graph, 8);
    Trainer other(network, small.examples, &small.examples, small.view, small.descent, 1);
    other.resume(checkpoints[from]);
    EXPECT_EQ(other.iteration(), static_cast<std::int64_t>(from));
    while (other.iteration() < 12) other.step();
    EXPECT_TRUE(float_constants(network.graph()) == expected) << "from iteration " << from;
  }
}

TEST(TrainerTest, LearnsAndTells) {
  const Small small;
  Network network(arch::build(small.spec, {.seed = 1}), 8);
  Trainer trainer(network, small.examples, &small.examples, small.view, small.descent, 2);
  while (trainer.iteration() < 12) trainer.step();
  std::size_t last = 0;
  const auto row = trainer.finish_row([&](std::size_t done) {
    last = done;
    return true;
  });
  ASSERT_TRUE(row);
  EXPECT_EQ(last, 25u);
  EXPECT_EQ(row->iteration, 12);
  EXPECT_NEAR(row->epoch, 12 * 8 / 25.0, 1e-12);
  EXPECT_NEAR(row->rate, 0.005, 1e-12);
  EXPECT_LT(row->training_loss, 0.8);
  EXPECT_LT(*row->test_error, 0.3);
  EXPECT_GT(row->images_per_second, 0);
  EXPECT_EQ(trainer.rows().size(), 1u);
}

TEST(TrainerTest, ARowThatIsStoppedIsNone) {
  const Small small;
  Network network(arch::build(small.spec, {.seed = 1}), 8);
  Trainer trainer(network, small.examples, &small.examples, small.view, small.descent, 2);
  trainer.step();
  EXPECT_FALSE(trainer.finish_row([](std::size_t) { return false; }));
  EXPECT_TRUE(trainer.rows().empty());
  EXPECT_EQ(trainer.checkpoint().images, 8);
}

// Without batch norm, which would see each part of a batch alone: the gradient of a batch is the mean of its parts'.
TEST(TrainerTest, TwoHalvesOfABatchMakeTheSameStep) {
  set_threads(1);
  Small small;
  const Graph graph = arch::build(small.spec, {.seed = 1, .fold_batch_norm = true});
  std::vector<std::map<std::string, Tensor>> ends;
  for (const std::int64_t parts : {1, 2, 4}) {
    Network network(graph, 8 / parts);
    small.descent.accumulate = parts;
    Trainer trainer(network, small.examples, nullptr, small.view, small.descent, 2);
    double loss = 0;
    for (int i = 0; i < 3; ++i) loss = trainer.step().loss;
    EXPECT_GT(loss, 0.05);
    EXPECT_EQ(trainer.iteration(), 3);
    EXPECT_NEAR(trainer.epoch(), 3 * 8 / 25.0, 1e-12);
    ends.push_back(float_constants(network.graph()));
  }
  const auto before = float_constants(graph);
  double moved = 0;
  for (const std::size_t other : {1u, 2u}) {
    for (const auto& [name, value] : ends[0]) {
      const auto a = value.data<float>(), b = ends[other].at(name).data<float>(), start = before.at(name).data<float>();
      for (std::size_t i = 0; i < a.size(); ++i) {
        ASSERT_NEAR(a[i], b[i], 1e-6) << name << " in " << (other == 1 ? 2 : 4) << " parts";
        moved = std::max(moved, std::abs(static_cast<double>(a[i] - start[i])));
      }
    }
  }
  EXPECT_GT(moved, 1e-3);
}

TEST(TrainerTest, AnAccumulatedRunGoesOnBitForBit) {
  set_threads(1);
  Small small;
  small.descent.accumulate = 2;
  Network whole(arch::build(small.spec, {.seed = 1}), 4);
  Trainer trainer(whole, small.examples, nullptr, small.view, small.descent, 2);
  for (int i = 0; i < 5; ++i) trainer.step();
  const Checkpoint checkpoint = trainer.checkpoint();
  while (trainer.iteration() < 12) trainer.step();
  Network network(checkpoint.graph, 4);
  Trainer other(network, small.examples, nullptr, small.view, small.descent, 1);
  other.resume(checkpoint);
  while (other.iteration() < 12) other.step();
  EXPECT_TRUE(float_constants(network.graph()) == float_constants(whole.graph()));
}

TEST(TrainerTest, WarmsUpUntilTheTrainingErrorIsLow) {
  Small small;
  small.descent.schedule.warmup_error = 0.45;
  small.descent.schedule.milestones = {};
  small.descent.schedule.iterations = 40;
  Network network(arch::build(small.spec, {.seed = 1}), 8);
  Trainer trainer(network, small.examples, nullptr, small.view, small.descent, 1);
  std::vector<double> rates;
  for (int i = 0; i < 40; ++i) {
    rates.push_back(trainer.step().rate);
    if (i % 5 == 4) trainer.finish_row([](std::size_t) { return true; });
  }
  EXPECT_DOUBLE_EQ(rates.front(), 0.005);
  EXPECT_DOUBLE_EQ(rates.back(), 0.05);
  // It ends with the row that says so, and does not come back.
  const std::int64_t end = trainer.checkpoint().warmed_up;
  ASSERT_GT(end, 0);
  for (std::size_t i = 0; i < rates.size(); ++i)
    EXPECT_DOUBLE_EQ(rates[i], static_cast<std::int64_t>(i) < end ? 0.005 : 0.05) << i;
  for (const Row& row : trainer.rows()) {
    if (row.iteration < end) {
      EXPECT_GE(row.training_error, 0.45);
    }
    if (row.iteration == end) {
      EXPECT_LT(row.training_error, 0.45);
    }
  }
}

TEST(TrainerTest, DividesTheRateWhereTheErrorPlateaus) {
  Small small;
  small.descent.schedule.kind = Schedule::Kind::plateau;
  small.descent.schedule.patience = 2;
  small.descent.schedule.rate = 1e-7;  // nothing is learnt: no row is better than the first
  Network network(arch::build(small.spec, {.seed = 1}), 8);
  View still = small.view;
  still.augmentation = Augmentation::none;
  Trainer trainer(network, small.examples, &small.examples, still, small.descent, 1);
  // Every row tests the same network, to within a rate of 1e-7; running statistics settle first.
  Checkpoint settled = trainer.checkpoint();
  settled.rows = {{.iteration = 0, .test_error = 0.0}};
  trainer.resume(settled);
  std::vector<double> rates;
  for (int i = 0; i < 5; ++i) {
    rates.push_back(trainer.step().rate);
    trainer.finish_row([](std::size_t) { return true; });
  }
  const std::vector<double> expected = {1e-7, 1e-7, 1e-8, 1e-8, 1e-9};
  for (std::size_t i = 0; i < 5; ++i) EXPECT_NEAR(rates[i] / expected[i], 1, 1e-9) << i;
}

TEST(PixelMeanTest, IsTheMeanOfEachPixelAndASubOfTheGraph) {
  std::vector<Example> given;
  for (const int level : {10, 30, 80}) {
    image::Pixels pixels = plain(16, 16, {static_cast<std::uint8_t>(level), 0, 9});
    pixels.rgb[0] = static_cast<std::uint8_t>(2 * level);
    given.push_back({{}, 0, std::move(pixels)});
  }
  View view = raw_view(Augmentation::none, 16);
  const std::vector<float> mean = pixel_mean(Examples(given), view, [] {});
  ASSERT_EQ(mean.size(), 3u * 16 * 16);
  EXPECT_FLOAT_EQ(mean[0], 80);
  EXPECT_FLOAT_EQ(mean[1], 40);
  EXPECT_FLOAT_EQ(mean[256], 0);
  EXPECT_FLOAT_EQ(mean[512], 9);
  view.pixel_mean = mean;
  std::vector<float> slot(mean.size());
  test_view(given[0].pixels, view, slot);
  EXPECT_FLOAT_EQ(slot[0], 20 - 80);
  EXPECT_FLOAT_EQ(slot[1], 10 - 40);

  Small small;
  const Graph graph = arch::build(small.spec, {.seed = 1});
  EXPECT_FALSE(find_pixel_mean(graph));
  const Graph centered = with_pixel_mean(graph, mean);
  EXPECT_EQ(find_pixel_mean(centered), mean);
  // It is the same network.
  const arch::Recognition found = arch::recognize(centered);
  EXPECT_TRUE(found.is_exact()) << found.to_string();
  const Transferred again = transfer(centered, std::nullopt, 0);
  EXPECT_TRUE(float_constants(again.graph) == float_constants(graph));
}

TEST(TrainerTest, AnEpochShowsEveryExampleOnce) {
  // The first convolution's gradient would not show it; the counts of truths do.
  const Small small;
  std::vector<Example> given;
  for (int i = 0; i < 16; ++i) given.push_back({{}, i % 2, plain(16, 16, {static_cast<std::uint8_t>(16 * i), 0, 0})});
  const Examples examples(given);
  View view = raw_view(Augmentation::none, 16);
  std::map<float, int> seen;
  Network network(arch::build(small.spec, {.seed = 1}), 8);
  Trainer trainer(network, examples, nullptr, view, small.descent, 1);
  for (int i = 0; i < 4; ++i) {
    trainer.step();
    for (std::size_t n = 0; n < 8; ++n) ++seen[network.input()[n * 3 * 16 * 16]];
  }
  EXPECT_EQ(seen.size(), 16u);
  for (const auto& [level, times] : seen) EXPECT_EQ(times, 2) << level;
}

// Several epochs are begun at once.
TEST(TrainerTest, ABatchMayBeManyEpochs) {
  const Small small;
  const Examples few = two_classes(3);
  std::vector<std::map<std::string, Tensor>> ends;
  for (const std::size_t workers : {0, 1, 4}) {
    Network network(arch::build(small.spec, {.seed = 1}), 32);
    Trainer trainer(network, few, nullptr, small.view, small.descent, workers);
    while (trainer.iteration() < 12) trainer.step();
    ends.push_back(float_constants(network.graph()));
  }
  EXPECT_TRUE(ends[0] == ends[1]);
  EXPECT_TRUE(ends[0] == ends[2]);
}

TEST(TrainerTest, WhatDivergesInTheLastStepIsNoResult) {
  Small small;
  small.descent.schedule.rate = 1e38;
  Network network(arch::build(small.spec, {.seed = 1}), 8);
  Trainer trainer(network, small.examples, nullptr, small.view, small.descent, 1);
  trainer.step();
  for (const Parameter& parameter : network.parameters()) parameter.values[0] = NAN;
  EXPECT_THROW(trainer.finish_row([](std::size_t) { return true; }), Error);
  EXPECT_TRUE(trainer.rows().empty());
}

TEST(AugmentTest, AStripIsNotBlownUp) {
  // Resized as a whole it would have 345 million pixels.
  View view = raw_view(Augmentation::imagenet, 32);
  std::vector<float> slot(3 * 32 * 32);
  Draws draws(stream_key(1, "strip"));
  image::Pixels strip = plain(1, 40'000, {9, 9, 9});
  training_view(strip, view, draws, slot);
  EXPECT_NEAR(slot[0], 9, 1);
  view.augmentation = Augmentation::cifar;
  training_view(strip, view, draws, slot);
  EXPECT_NEAR(slot[3 * 32 * 32 / 2], 9, 1);
}

TEST(TrainerTest, ALossThatIsNoNumberStops) {
  Small small;
  small.descent.schedule.rate = 1e30;
  Network network(arch::build(small.spec, {.seed = 1}), 8);
  Trainer trainer(network, small.examples, nullptr, small.view, small.descent, 1);
  try {
    while (trainer.iteration() < 12) trainer.step();
    FAIL() << "a rate of 1e30 was learnt with";
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::failed);
    EXPECT_THAT(error.what(), HasSubstr("iteration "));
    EXPECT_THAT(error.what(), HasSubstr("learning rate 1e+30"));
  }
}

TEST(TrainerTest, AnotherPictureStandsInForOneThatGoesBad) {
  const test::TemporaryFolder folder;
  std::vector<Example> given;
  for (int i = 0; i < 8; ++i)
    given.push_back({folder.write(std::to_string(i) + ".png", image::encode_png(plain(16, 16, {9, 9, 9}))), i % 2, {}});
  Examples examples(given);
  ASSERT_EQ(examples.load({.memory = 1, .threads = 1}), 0u);
  folder.write("5.png", "gone bad");
  const Small small;
  Network network(arch::build(small.spec, {.seed = 1}), 8);
  Trainer trainer(network, examples, nullptr, small.view, small.descent, 0);
  trainer.step();
  EXPECT_EQ(trainer.broken(), 1u);
}

}  // namespace
}  // namespace resnet::train
