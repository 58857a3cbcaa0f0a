// A small network learns from generated pictures, is stopped and resumed, without a process.
#include "cli/tasks/train/train.h"

#include "lib/base/files.h"
#include "tests/cli/tasks/fixture.h"
#include "tests/support/sanitized.h"

namespace resnet::test {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::HasSubstr;

// A CIFAR-10 batch of two classes, dark and bright, that alternate.
std::string batch(int count) {
  std::string bytes;
  for (int i = 0; i < count; ++i) {
    bytes += static_cast<char>(i % 2);
    for (int k = 0; k < 3 * 32 * 32; ++k) bytes += static_cast<char>((i % 2) * 120 + (i * 7 + k * 13) % 60);
  }
  return bytes;
}

class TrainTaskTest : public TaskTest {
 protected:
  TrainTaskTest() {
    make_folder("cifar");
    write("cifar/data_batch_1.bin", batch(32));
    write("cifar/test_batch.bin", batch(16));
  }
  void SetUp() override {
#ifdef RESNET_THREADS_ARE_WATCHED
    GTEST_SKIP() << "oneDNN's threads are OpenMP's, which the thread sanitizer does not understand";
#endif
  }

  cli::TrainOptions training(const std::string& output = "out.onnx") const {
    cli::TrainOptions asked;
    asked.arguments = {"resnet8", path("cifar")};
    asked.output = path(output);
    asked.batch = 16;
    asked.iterations = 2;
    asked.every = 1;
    asked.seed = 3;
    asked.log = "log";
    return asked;
  }
  // On one thread: oneDNN's wait for each other without letting other tests work.
  cli::TaskContext context() {
    cli::TaskContext given = TaskTest::context();
    given.threads = {1, 1};
    return given;
  }
  cli::TrainResult train(const cli::TrainOptions& asked) { return train(asked, context()); }
  static cli::TrainResult train(const cli::TrainOptions& asked, const cli::TaskContext& given) {
    return cli::TrainTask(asked, given).run();
  }
  // Stops when the first row of its log is written.
  void cut_short(const cli::TrainOptions& asked) {
    cli::TaskContext given = context();
    given.open = [this](const std::string& file) {
      stop = true;
      return std::make_unique<MemorySink>(written[file]);
    };
    EXPECT_EQ(error_of([&] { train(asked, given); }).first, Fault::interrupted);
    stop = false;
    written.clear();
  }
  static std::string bytes_of(const fs::path& file) { return read_file(file, Role::output); }
  static std::size_t lines_of(const std::string& text) {
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  }
};

TEST_F(TrainTaskTest, LearnsTellsAndWrites) {
  cli::TrainOptions asked = training();
  asked.curves = "curves";
  int times = 0;
  cli::TaskContext given = context();
  given.take_time = [&times] { return ++times, nullptr; };
  std::vector<std::string> told;
  given.before_reading = [&told](const fs::path& file) { told.push_back(file.filename().string()); };
  EXPECT_EQ(train(asked, given).broken, 0u);
  EXPECT_GT(bytes_of(asked.output).size(), 100'000u);
  EXPECT_FALSE(fs::exists(cli::checkpoint_of(asked)));
  EXPECT_EQ(lines_of(written["log"].bytes), 3u);
  EXPECT_TRUE(written["log"].whole);
  EXPECT_THAT(written["curves"].bytes, HasSubstr("<svg"));
  EXPECT_THAT(heard.notes, Contains(HasSubstr("iteration 2, epoch 1.0: loss ")));
  EXPECT_EQ(times, 1);
  EXPECT_THAT(told, testing::ElementsAre("data_batch_1.bin", "test_batch.bin"));
}

TEST_F(TrainTaskTest, ARunThatWasStoppedGivesTheSameBytes) {
  const cli::TrainOptions whole = training("whole.onnx");
  train(whole);
  cli::TrainOptions asked = training();
  cut_short(asked);
  EXPECT_FALSE(fs::exists(asked.output));
  EXPECT_TRUE(fs::exists(cli::checkpoint_of(asked)));
  EXPECT_THAT(heard.notes, Contains(HasSubstr("iteration 1 of 2; --resume continues from there")));
  EXPECT_THAT(error_of([&] { train(asked); }).second, HasSubstr("belongs to an unfinished run"));
  asked.resume = true;
  train(asked);
  EXPECT_THAT(heard.notes, Contains(HasSubstr("continuing from iteration 1")));
  EXPECT_EQ(bytes_of(asked.output), bytes_of(whole.output));
  EXPECT_EQ(lines_of(written["log"].bytes), 3u);
  EXPECT_FALSE(fs::exists(cli::checkpoint_of(asked)));
}

TEST_F(TrainTaskTest, OnlyTheSameRunGoesOn) {
  cli::TrainOptions asked = training();
  cut_short(asked);
  asked.resume = true;
  asked.seed = 4;
  EXPECT_THAT(error_of([&] { train(asked); }).second, HasSubstr("the checkpoint was written with"));
  asked.seed = 3;
  write("cifar/data_batch_1.bin", batch(30) + batch(2));
  EXPECT_THAT(error_of([&] { train(asked); }).second, HasSubstr("pictures 32 (digest "));
  asked.resume = false;
  asked.restart = true;
  train(asked);
  EXPECT_TRUE(fs::exists(asked.output));
}

TEST_F(TrainTaskTest, StopsWhereItIsAskedTo) {
  stop = true;
  const cli::TrainOptions asked = training();
  EXPECT_EQ(error_of([&] { train(asked); }).first, Fault::interrupted);
  EXPECT_FALSE(fs::exists(asked.output));
  EXPECT_FALSE(fs::exists(cli::checkpoint_of(asked)));
}

TEST_F(TrainTaskTest, WhatContradictsItself) {
  cli::TrainOptions asked = training();
  asked.resume = asked.restart = true;
  EXPECT_EQ(error_of([&] { train(asked); }).first, Fault::invalid);
  write("out.onnx.checkpoint.resnet", "no checkpoint");
  EXPECT_THAT(error_of([&] { train(training()); }).second, HasSubstr("is not a checkpoint of a training run"));
}

}  // namespace
}  // namespace resnet::test
