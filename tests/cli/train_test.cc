// `train`: runs that learn, that are cut short and resumed, and data that is bad.
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/cli/fixture.h"
#include "tests/support/assets.h"
#include "tests/support/sanitized.h"

namespace resnet::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

// A CIFAR-10 batch of two classes, dark and bright, that alternate.
std::string batch(int count) {
  std::string bytes;
  for (int i = 0; i < count; ++i) {
    bytes += static_cast<char>(i % 2);
    for (int k = 0; k < 3 * 32 * 32; ++k) bytes += static_cast<char>((i % 2) * 120 + (i * 7 + k * 13) % 60);
  }
  return bytes;
}

std::vector<std::string> pieces(const std::string& text, char separator) {
  std::vector<std::string> result;
  std::istringstream stream(text);
  for (std::string piece; std::getline(stream, piece, separator);) result.push_back(piece);
  return result;
}
std::vector<std::string> lines(const std::string& text) { return pieces(text, '\n'); }
std::vector<std::string> fields(const std::string& line) { return pieces(line, ','); }

class TrainTest : public CliTest {
 protected:
  TrainTest() {
    fs::create_directory(folder() / "cifar");
    write("cifar/data_batch_1.bin", batch(32));
    write("cifar/data_batch_2.bin", batch(16));
    write("cifar/test_batch.bin", batch(20));
    const std::array<std::uint8_t, 3> red = {200, 30, 30}, blue = {30, 30, 200};
    for (const auto& [name, color] : {std::pair{"red", red}, {"blue", blue}}) {
      fs::create_directories(folder() / "photos" / name);
      for (int i = 0; i < 6; ++i) {
        write("photos/" + std::string(name) + "/" + std::to_string(i) + ".png", png(40, 36 + i, {color[0], color[1], color[2]}));
      }
    }
  }

  void SetUp() override {
#ifdef RESNET_THREADS_ARE_WATCHED
    GTEST_SKIP() << "oneDNN's threads are OpenMP's, which the thread sanitizer does not understand";
#endif
  }

  // On one thread: oneDNN's wait for each other without letting other tests work.
  static std::vector<std::string> words(std::vector<std::string> more) {
    std::vector<std::string> result = {"train", "resnet8", "cifar", "-o",        "out.onnx", "--batch-size",
                                       "16",    "--seed",  "3",     "--threads", "1"};
    result.insert(result.end(), more.begin(), more.end());
    return result;
  }
  Finished train(std::vector<std::string> more) const { return run(words(std::move(more))); }
  bool there(const std::string& name) const { return fs::exists(folder() / name); }

  // The same run cut short by `signal_number` after its first checkpoint.
  Finished cut_short(int signal_number, const std::vector<std::string>& more) const {
    RunOptions options;
    options.folder = folder();
    std::vector<std::string> command = words(more);
    command.insert(command.begin(), program());
    Running running(command, options);
    for (int i = 0; i < 2000 && !there("out.onnx.checkpoint.resnet"); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    EXPECT_TRUE(there("out.onnx.checkpoint.resnet"));
    running.send_signal(signal_number);
    return running.wait();
  }
};

TEST_F(TrainTest, LearnsTellsAndWrites) {
  const Finished finished =
      train({"--iterations", "24", "--every", "8", "--learning-rate", "0.02", "--log", "run.csv", "--curves", "run.svg"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_EQ(finished.out, "");
  EXPECT_THAT(finished.err, HasSubstr("ResNet-8"));
  EXPECT_THAT(finished.err, HasSubstr("48 pictures of 10 classes and 20 to test, 24 iterations of 16"));
  EXPECT_THAT(finished.err, HasSubstr("iteration 24, epoch 8.0: loss "));
  EXPECT_FALSE(there("out.onnx.checkpoint.resnet"));

  const std::string log = read("run.csv");
  EXPECT_THAT(log, testing::StartsWith("iteration,epoch,learning_rate,training_loss,training_error,test_loss,test_error,images_"
                                       "per_second,seconds\n8,2.667,0.02,"));
  EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 4);
  EXPECT_THAT(log, HasSubstr("\n16,5.333,0.002,"));
  EXPECT_THAT(read("run.svg"),
              testing::AllOf(testing::StartsWith("<"), HasSubstr("</svg>"), HasSubstr("test"), HasSubstr("error (%)")));

  const Finished tested = run({"evaluate", "out.onnx", "cifar/test_batch.bin", "--format", "json", "-q"});
  ASSERT_EQ(tested.exit_code, 0) << tested.err;
  EXPECT_EQ(nlohmann::json::parse(tested.out)["top1"], 100.0);
  // What is in the file's metadata: its own labels and preparation.
  const Finished answered = run({"predict", "out.onnx", "red.png", "--topk", "1"});
  EXPECT_EQ(answered.exit_code, 0);
  EXPECT_THAT(answered.out, testing::AnyOf(HasSubstr("airplane"), HasSubstr("automobile")));
  EXPECT_THAT(run({"validate", "out.onnx"}).err, Not(HasSubstr("error")));
}

TEST_F(TrainTest, ARunIsRepeatedBitForBitByItsSeed) {
  ASSERT_EQ(train({"--iterations", "6", "-q"}).exit_code, 0);
  const std::string first = read("out.onnx");
  ASSERT_EQ(train({"--iterations", "6", "-q"}).exit_code, 0);
  EXPECT_TRUE(read("out.onnx") == first);
  ASSERT_EQ(train({"--iterations", "6", "-q", "--seed", "4"}).exit_code, 2);  // --seed twice
  ASSERT_EQ(run({"train", "resnet8", "cifar", "-o", "out.onnx", "--batch-size", "16", "--seed", "4", "--iterations", "6",
                 "--threads", "1", "-q"})
                .exit_code,
            0);
  EXPECT_FALSE(read("out.onnx") == first);
}

TEST_F(TrainTest, AKilledRunGoesOnToTheSameEnd) {
  const std::vector<std::string> more = {"--iterations", "40", "--every", "5", "-q"};
  ASSERT_EQ(train(more).exit_code, 0);
  const std::string expected = read("out.onnx");
  fs::remove(folder() / "out.onnx");

  EXPECT_EQ(cut_short(SIGKILL, more).exit_code, 1000 + SIGKILL);
  EXPECT_FALSE(there("out.onnx"));
  expect_refused(train(more), 2, "out.onnx.checkpoint.resnet: belongs to an unfinished run; --resume");
  // A checkpoint is a network that every command reads.
  EXPECT_EQ(run({"predict", "--model", "out.onnx.checkpoint.resnet", "red.png", "-q"}).exit_code, 0);
  std::vector<std::string> other = more;
  other[1] = "30";
  other.emplace_back("--resume");
  expect_refused(train(other), 2,
                 "was written with iterations 40, milestones 20,30, but this run has iterations 30, milestones 15,22");

  std::vector<std::string> resumed = {"--iterations", "40", "--every", "5", "--resume"};
  const Finished finished = train(resumed);
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("continuing from iteration "));
  EXPECT_TRUE(read("out.onnx") == expected);
  EXPECT_FALSE(there("out.onnx.checkpoint.resnet"));
}

TEST_F(TrainTest, AnInterruptedRunIsWrittenDown) {
  const std::vector<std::string> more = {"--iterations", "40", "--every", "5", "--log", "run.csv"};
  ASSERT_EQ(train(more).exit_code, 0);
  const std::string expected = read("out.onnx");
  const Finished cut = cut_short(SIGINT, more);
  EXPECT_EQ(cut.exit_code, 130);
  EXPECT_THAT(cut.err, HasSubstr("of 40; --resume continues from there"));
  std::vector<std::string> resumed = more;
  resumed.emplace_back("--resume");
  ASSERT_EQ(train(resumed).exit_code, 0);
  EXPECT_TRUE(read("out.onnx") == expected);
  const std::string log = read("run.csv");
  EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 9);
}

TEST_F(TrainTest, ResumeWithoutACheckpointBegins) {
  const Finished finished = train({"--iterations", "2", "--resume"});
  EXPECT_EQ(finished.exit_code, 0);
  EXPECT_THAT(finished.err, HasSubstr("there is no checkpoint yet, the run starts"));
}

TEST_F(TrainTest, WhatIsNoCheckpointIsRefused) {
  ASSERT_EQ(run({"build", "resnet8", "-o", "out.onnx.checkpoint.resnet"}).exit_code, 0);
  expect_refused(train({"--iterations", "2", "--resume"}), 2, "is not a checkpoint of a training run");
  expect_refused(train({"--iterations", "2", "--restart"}), 2, "is left as it is");
}

TEST_F(TrainTest, AFullDiskLeavesTheLastCheckpoint) {
  // Files of up to 300 KiB: neither the checkpoint of this net nor its model fits.
  RunOptions options;
  options.folder = folder();
  std::string command = "ulimit -f 300; trap '' XFSZ; exec " + program();
  for (const std::string& word : words({"--iterations", "4", "--every", "2"})) command += " " + word;
  const Finished finished = run_command({"bash", "-c", command}, options);
  EXPECT_THAT(finished.err, HasSubstr("out.onnx.checkpoint.resnet: there is no checkpoint yet; the run continues"));
  EXPECT_EQ(finished.exit_code, 6);
  EXPECT_THAT(finished.err, HasSubstr("out.onnx: cannot be written: File too large"));
  EXPECT_FALSE(there("out.onnx.checkpoint.resnet"));

  // With one that is there: it stays, whole.
  const Finished cut = cut_short(SIGKILL, {"--iterations", "40", "--every", "5", "-q"});
  EXPECT_EQ(cut.exit_code, 1000 + SIGKILL);
  const std::string kept = read("out.onnx.checkpoint.resnet");
  command = "ulimit -f 300; trap '' XFSZ; exec " + program();
  for (const std::string& word : words({"--iterations", "40", "--every", "5", "--resume"})) command += " " + word;
  const Finished resumed = run_command({"bash", "-c", command}, options);
  EXPECT_THAT(resumed.err, HasSubstr("the run continues"));
  EXPECT_EQ(resumed.exit_code, 6);
  EXPECT_FALSE(there("out.onnx"));
  EXPECT_TRUE(read("out.onnx.checkpoint.resnet") == kept);
}

TEST_F(TrainTest, ALossThatIsNoNumberStopsWithAHint) {
  const Finished finished = train({"--iterations", "10", "--learning-rate", "1e6", "-q"});
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_THAT(finished.err, HasSubstr("the loss is no longer finite at learning rate 1e+06; try a lower one"));
  EXPECT_FALSE(there("out.onnx"));
}

// Sections 4.2 and 3.4 of the paper, word by word.
TEST_F(TrainTest, ARecipePrintsThePapersSettings) {
  const Finished cifar =
      run({"train", "resnet110", "cifar", "-o", "out.onnx", "--recipe", "paper-cifar", "--split", "--dry-run", "--threads", "1"});
  ASSERT_EQ(cifar.exit_code, 0) << cifar.err;
  for (const char* line :
       {"network: ResNet-110 (CIFAR), option A, 10 classes\n", "batch: 128\n", "parts of a batch: 1\n", "iterations: 64000\n",
        "learning rate: 0.1\n", "schedule: divided by 10 at 32000 and 48000\n",
        "warm-up: 0.01 until the training error is under 80 %\n", "momentum: 0.9\n", "weight decay: 0.0001\n", "dropout: none\n",
        "augmentation: padded by 4 pixels on each side, a random crop of 32, mirrored every other time\n",
        "colors: as they are\n", "mean: of each pixel, subtracted\n", "held out to test on: 10 % of each class\n"})
    EXPECT_THAT(cifar.out, HasSubstr(line));
  EXPECT_THAT(cifar.out, HasSubstr("pictures: 44 pictures of 10 classes and 4 to test\n"));
  EXPECT_THAT(cifar.out, testing::ContainsRegex("memory and time: about [0-9.]+ (MiB|GiB) and [0-9.]+ (h|days) here\n"));
  EXPECT_THAT(cifar.out, Not(HasSubstr("not the recipe's")));
  EXPECT_FALSE(there("out.onnx.checkpoint.resnet"));

  const Finished imagenet =
      run({"train", "resnet18", "photos", "-o", "out.onnx", "--recipe", "paper-imagenet", "--dry-run", "--threads", "1"});
  ASSERT_EQ(imagenet.exit_code, 0) << imagenet.err;
  for (const char* line :
       {"batch: 256\n", "iterations: 600000\n", "learning rate: 0.1\n",
        "schedule: divided by 10 when the error plateaus: 5 lines of the log without a lower one\n", "warm-up: none\n",
        "momentum: 0.9\n", "weight decay: 0.0001\n", "dropout: none\n",
        "augmentation: shorter side to a random length from 256 to 480, a random crop of 224, mirrored every other time\n",
        "colors: shifted along ImageNet's principal components as they were published\n", "mean: of each pixel, subtracted\n"})
    EXPECT_THAT(imagenet.out, HasSubstr(line));
}

TEST_F(TrainTest, OptionsGoBeforeARecipeAndAreTold) {
  const std::vector<std::string> words = {"train", "resnet8", "cifar",        "-o", "out.onnx",     "--recipe", "paper-cifar",
                                          "--lr",  "0.02",    "--iterations", "4",  "--accumulate", "8"};
  std::vector<std::string> dry = words;
  dry.emplace_back("--dry-run");
  const Finished told = run(dry);
  ASSERT_EQ(told.exit_code, 0) << told.err;
  EXPECT_THAT(told.out, HasSubstr("batch: 128\nparts of a batch: 8\niterations: 4\nlearning rate: 0.02\n"));
  EXPECT_THAT(told.out, HasSubstr("not the recipe's: learning rate 0.02 in place of the recipe's 0.1\n"));
  const Finished finished = run(words);
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("iterations 4 in place of the recipe's 64000"));
  EXPECT_THAT(finished.err, HasSubstr("4 iterations of 128 in 8 parts (10.7 epochs)"));
  expect_refused(run({"train", "resnet18", "photos", "-o", "x.onnx", "--recipe", "paper-cifar"}), 2,
                 "--recipe paper-cifar is not for ResNet-18, option B, 2 classes; expected paper-imagenet");
  expect_refused(train({"--accumulate", "3", "--warmup", "x"}), 2,
                 "--warmup: expected iterations, or a training error such as 80%");
  expect_refused(run({"train", "resnet8", "cifar", "-o", "x.onnx", "--accumulate", "3"}), 2,
                 "--accumulate 3: does not divide the batch of 128");
}

TEST_F(TrainTest, TheBestAndTheLastNetworkAreKept) {
  const Finished finished = train({"--iterations", "24", "--every", "8", "--lr", "0.02", "--log", "run.csv"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_THAT(finished.err, testing::ContainsRegex("out.onnx: 24 iterations, test error [0-9.]+ %; the best, out.best.onnx: "
                                                   "(8|16|24) iterations, test error [0-9.]+ %\n$"));
  EXPECT_THAT(finished.err, testing::ContainsRegex("about [0-9.]+ MiB and [0-9.]+ (s|min) here"));
  // As good as the log says.
  double least = 1;
  for (const std::string& line : lines(read("run.csv"))) {
    if (line[0] != 'i') least = std::min(least, std::stod(fields(line)[6]));
  }
  const Finished best = run({"evaluate", "out.best.onnx", "cifar/test_batch.bin", "--format", "json", "-q"});
  ASSERT_EQ(best.exit_code, 0) << best.err;
  EXPECT_NEAR(nlohmann::json::parse(best.out)["top1"].get<double>(), 100 * (1 - least), 1e-3);
  EXPECT_EQ(train({"--iterations", "2", "--best", "other.onnx", "-q"}).exit_code, 0);
  EXPECT_TRUE(there("other.onnx"));
  expect_refused(train({"--iterations", "2", "--best", "out.onnx"}), 2, "--output and --best are one file");
}

// What the network subtracts by itself is in the file: commands answer as the run's own tests did.
TEST_F(TrainTest, AMeanOfEachPixelIsInTheNetwork) {
  const Finished finished = train({"--iterations", "24", "--every", "8", "--lr", "0.02", "--mean", "pixel", "--log", "run.csv"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  const double error = std::stod(fields(lines(read("run.csv")).back())[6]);
  const Finished tested = run({"evaluate", "out.onnx", "cifar/test_batch.bin", "--format", "json", "-q"});
  ASSERT_EQ(tested.exit_code, 0) << tested.err;
  EXPECT_NEAR(nlohmann::json::parse(tested.out)["top1"].get<double>(), 100 * (1 - error), 1e-3);
  EXPECT_THAT(run({"inspect", "out.onnx"}).out, HasSubstr("ResNet-8"));
  // It is trained further with the mean that it has.
  const Finished further = run({"train", "out.onnx", "cifar", "-o", "further.onnx", "--batch-size", "16", "--iterations", "8",
                                "--threads", "1", "--lr", "0.0001", "--log", "further.csv"});
  ASSERT_EQ(further.exit_code, 0) << further.err;
  EXPECT_NEAR(std::stod(fields(lines(read("further.csv")).back())[6]), error, 0.1);
  // A killed run ends with the same bytes.
  const std::vector<std::string> more = {"--iterations", "40", "--every", "5", "-q", "--mean", "pixel", "--accumulate", "2"};
  ASSERT_EQ(train(more).exit_code, 0);
  const std::string expected = read("out.onnx");
  EXPECT_EQ(cut_short(SIGKILL, more).exit_code, 1000 + SIGKILL);
  std::vector<std::string> resumed = more;
  resumed.emplace_back("--resume");
  ASSERT_EQ(train(resumed).exit_code, 0);
  EXPECT_TRUE(read("out.onnx") == expected);
}

TEST_F(TrainTest, AShareOfEachClassIsHeldOut) {
  const Finished finished = train({"--iterations", "4", "--validation", "0.25"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("36 pictures of 10 classes and 12 to test"));
  EXPECT_THAT(train({"--iterations", "4", "--split"}).err, HasSubstr("44 pictures of 10 classes and 4 to test"));
  expect_refused(train({"--validation", "1.5"}), 2, "--validation: expected data, or a share of the training pictures");
  expect_refused(train({"--validation", "0.1", "--split"}), 2, "--split and --validation: both say what is tested on");
  expect_refused(train({"--validation", "0.001"}), 2, "--validation 0.001: is less than one picture of any class");
}

TEST_F(TrainTest, ZeroChannelsAtTheEndAreTrained) {
  const Finished finished =
      train({"--iterations", "24", "--every", "8", "--lr", "0.02", "--zero-channels", "end", "--log", "run.csv"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("option A (zero channels at the end)"));
  const Finished tested = run({"evaluate", "out.onnx", "cifar/test_batch.bin", "--format", "json", "-q"});
  EXPECT_NEAR(nlohmann::json::parse(tested.out)["top1"].get<double>(),
              100 * (1 - std::stod(fields(lines(read("run.csv")).back())[6])), 1e-3);
  // As a start it stays what it is.
  EXPECT_THAT(run({"train", "out.onnx", "cifar", "-o", "x.onnx", "--batch-size", "16", "--iterations", "1"}).err,
              HasSubstr("option A (zero channels at the end)"));
  expect_refused(run({"train", "plain20", "cifar", "-o", "x.onnx", "--zero-channels", "end"}), 2, "has no zero channels");
}

TEST_F(TrainTest, WithoutARecipeTheEpochsAreTold) {
  const Finished finished =
      run({"train", "resnet8", "cifar", "-o", "x.onnx", "--batch-size", "48", "--dry-run", "--threads", "1"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_THAT(finished.out, HasSubstr("iterations: 90\n"));
  EXPECT_THAT(finished.out, HasSubstr("epochs: 90.0\n"));
  // No warm-up but for the CIFAR nets that need it.
  EXPECT_THAT(run({"train", "resnet34", "photos", "-o", "x.onnx", "--size", "32", "--dry-run", "--threads", "1"}).out,
              HasSubstr("warm-up: none\n"));
}

TEST_F(TrainTest, FoldersAreClassesAndABrokenPictureIsCounted) {
  write("photos/red/broken.png", "no picture");
  const Finished finished = run({"train", "resnet8", "photos", "-o", "out.onnx", "--batch-size", "4", "--iterations", "12",
                                 "--learning-rate", "0.02", "--threads", "1"});
  ASSERT_EQ(finished.exit_code, 5) << finished.err;  // the others were learnt from
  EXPECT_THAT(finished.err, HasSubstr("photos/red/broken.png"));
  EXPECT_THAT(finished.err, HasSubstr("1 of 13 training pictures cannot be decoded and are left out"));
  EXPECT_THAT(finished.err, HasSubstr("12 pictures of 2 classes"));
  const Finished answered =
      run({"predict", "out.onnx", "photos/red/1.png", "photos/blue/2.png", "--topk", "1", "--format", "csv", "-q"});
  EXPECT_THAT(answered.out, HasSubstr("photos/red/1.png,1,1,red,"));
  EXPECT_THAT(answered.out, HasSubstr("photos/blue/2.png,1,0,blue,"));
}

TEST_F(TrainTest, OtherPicturesAreAnotherRun) {
  const std::vector<std::string> more = {"--iterations", "40", "--every", "5", "-q"};
  EXPECT_EQ(cut_short(SIGKILL, more).exit_code, 1000 + SIGKILL);
  const std::string kept = read("cifar/data_batch_1.bin");
  std::string other = kept;
  other[1000] = static_cast<char>(other[1000] ^ 1);
  write("cifar/data_batch_1.bin", other);
  std::vector<std::string> resumed = more;
  resumed.emplace_back("--resume");
  expect_refused(train(resumed), 2, "the checkpoint was written with pictures 48 (digest ");
  write("cifar/data_batch_1.bin", kept);
  EXPECT_EQ(train(resumed).exit_code, 0);
}

// Files count by what they hold, whatever their size and time; so do the pictures that it is tested on, and the start.
TEST_F(TrainTest, OtherContentsUnderTheSameNamesAreAnotherRun) {
  ASSERT_EQ(run({"build", "resnet8", "--classes", "2", "-o", "start.onnx", "-q"}).exit_code, 0);
  fs::create_directories(folder() / "data");
  fs::rename(folder() / "photos", folder() / "data" / "train");
  fs::copy(folder() / "data" / "train", folder() / "data" / "test", fs::copy_options::recursive);
  const std::vector<std::string> words = {"train",        "resnet8", "data",         "--init", "start.onnx", "-o", "out.onnx",
                                          "--batch-size", "4",       "--iterations", "400",    "--every",    "5",  "-q",
                                          "--threads",    "1",       "--schedule",   "cosine"};
  RunOptions options;
  options.folder = folder();
  std::vector<std::string> command = words;
  command.insert(command.begin(), program());
  Running running(command, options);
  for (int i = 0; i < 2000 && !there("out.onnx.checkpoint.resnet"); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  running.send_signal(SIGKILL);
  running.wait();
  ASSERT_TRUE(there("out.onnx.checkpoint.resnet"));
  const std::string kept = read("out.onnx.checkpoint.resnet");
  std::vector<std::string> resumed = words;
  resumed.emplace_back("--resume");
  const auto expect_named = [&](const std::string& file, const std::string& contents, const std::string& what) {
    const std::string before = read(file);
    write(file, contents);
    expect_refused(run(resumed), 2, "out.onnx.checkpoint.resnet: the checkpoint was written with " + what);
    EXPECT_TRUE(read("out.onnx.checkpoint.resnet") == kept);
    write(file, before);
  };
  // PNGs of one size, of another colour.
  const std::string other = png(40, 36, {201, 31, 31});
  ASSERT_EQ(other.size(), read("data/train/red/0.png").size());
  expect_named("data/train/red/0.png", other, "pictures 12 (digest ");
  expect_named("data/test/red/0.png", other, "test pictures 12 (digest ");
  std::string start = read("start.onnx");
  start[start.size() / 2] = static_cast<char>(start[start.size() / 2] ^ 1);
  expect_named("start.onnx", start, "model start.onnx: digest ");
}

TEST_F(TrainTest, ACheckpointOfTheFirstVersionIsRefused) {
  EXPECT_EQ(cut_short(SIGKILL, {"--iterations", "40", "--every", "5", "-q"}).exit_code, 1000 + SIGKILL);
  ASSERT_EQ(run({"convert", "out.onnx.checkpoint.resnet", "-o", "net.onnx", "-q"}).exit_code, 0);
  // As version 0.1.0 wrote it: lines of text.
  std::string bytes = read("net.onnx");
  const std::size_t at = bytes.find("{\"format\":1");
  if (at == std::string::npos) GTEST_SKIP() << "the settings are not kept in ONNX";
  bytes[at] = 'n';
  write("net.onnx", bytes);
  ASSERT_EQ(run({"convert", "net.onnx", "-o", "out.onnx.checkpoint.resnet", "-q"}).exit_code, 0);
  expect_refused(train({"--iterations", "40", "--every", "5", "--resume"}), 2, "was written by version 0.1.0");
}

TEST_F(TrainTest, ACheckpointsParametersAreChecked) {
  EXPECT_EQ(cut_short(SIGKILL, {"--iterations", "40", "--every", "5", "-q"}).exit_code, 1000 + SIGKILL);
  // The same text of options with another network's parameters.
  std::string bytes = read("out.onnx.checkpoint.resnet");
  const std::size_t at = bytes.find("velocity/fc.bias");
  ASSERT_NE(at, std::string::npos);
  bytes[at] = 'x';
  write("out.onnx.checkpoint.resnet", bytes);
  const Finished finished = train({"--iterations", "40", "--every", "5", "--resume"});
  EXPECT_EQ(finished.exit_code, 3);
  EXPECT_THAT(finished.err, HasSubstr("out.onnx.checkpoint.resnet: "));
}

TEST_F(TrainTest, FilesOfARunAreDifferentOnes) {
  expect_refused(train({"--iterations", "2", "--checkpoint", "./out.onnx"}), 2, "--output and --checkpoint are one file");
  expect_refused(train({"--iterations", "2", "--log", "run.csv", "--curves", "run.csv"}), 2, "--log and --curves are one file");
  expect_refused(train({"--iterations", "2", "--log", "nowhere/run.csv"}), 6, "nowhere/run.csv");
}

TEST_F(TrainTest, PicturesThatDoNotFitAreDecodedAgainAndAgain) {
  fs::create_directory(folder() / "data");
  fs::rename(folder() / "photos", folder() / "data" / "train");
  fs::copy(folder() / "data" / "train", folder() / "data" / "val", fs::copy_options::recursive);
  const auto words_with = [](std::vector<std::string> more) {
    std::vector<std::string> result = {"train", "resnet8", "data", "-o",        "out.onnx", "--batch-size", "4", "--iterations",
                                       "12",    "--every", "3",    "--threads", "1"};
    result.insert(result.end(), more.begin(), more.end());
    return result;
  };
  ASSERT_EQ(run(words_with({})).exit_code, 0);
  const std::string expected = read("out.onnx");
  ASSERT_EQ(run(words_with({"--memory", "0"})).exit_code, 0);
  EXPECT_TRUE(read("out.onnx") == expected);
  // A test picture that is broken is left out each time, and said.
  write("data/val/red/broken.png", "no picture");
  const Finished finished = run(words_with({"--memory", "0"}));
  EXPECT_EQ(finished.exit_code, 5);
  EXPECT_THAT(finished.err, HasSubstr("4 times an unreadable test picture was left out"));
  EXPECT_TRUE(there("out.onnx"));
}

TEST_F(TrainTest, AClassOfBrokenPicturesIsRefused) {
  fs::create_directories(folder() / "photos" / "green");
  write("photos/green/x.png", "no picture");
  const Finished finished =
      run({"train", "resnet8", "photos", "-o", "out.onnx", "--iterations", "2", "--batch-size", "4", "--threads", "1", "-q"});
  EXPECT_EQ(finished.exit_code, 5);
  EXPECT_THAT(finished.err, HasSubstr("class 'green': none of its training pictures can be decoded"));
}

TEST_F(TrainTest, BadDataIsOneLine) {
  const auto on = [&](const std::string& data, std::vector<std::string> more = {}) {
    std::vector<std::string> command = {"train", "resnet8", data, "-o", "out.onnx", "--iterations", "2", "--batch-size", "4"};
    command.insert(command.end(), more.begin(), more.end());
    return run(command);
  };
  expect_refused(on("nowhere"), 2, "nowhere: there is no such file or folder");
  fs::create_directories(folder() / "photos" / "green");
  expect_refused(on("photos"), 5, "photos/green: holds no pictures");
  fs::remove(folder() / "photos" / "green");
  fs::create_directories(folder() / "one");
  fs::create_directory_symlink(folder() / "photos" / "red", folder() / "one" / "red");
  expect_refused(on("one"), 5, "one: all pictures are of one class");
  fs::create_directories(folder() / "empty");
  expect_refused(on("empty"), 2, "empty: holds no folders, expected one for each class");
  fs::create_directories(folder() / "three");
  for (const char* name : {"a", "b", "c"}) fs::create_directory_symlink(folder() / "photos" / "red", folder() / "three" / name);
  expect_refused(on("three", {"--classes", "2"}), 2, "three: holds 3 classes, but the network has 2; --classes 3");
  write("short.bin", batch(3).substr(0, 9000));
  expect_refused(on("short.bin"), 5, "short.bin: is not a CIFAR-10 batch");
  write("photos/red/x.png", "no picture");
  fs::create_directories(folder() / "broken" / "a");
  fs::create_directories(folder() / "broken" / "b");
  write("broken/a/x.png", "no picture");
  write("broken/b/y.png", "no picture");
  const Finished none = on("broken", {"-q"});
  EXPECT_EQ(none.exit_code, 5);
  EXPECT_THAT(none.err, HasSubstr("none of the 2 training pictures can be decoded"));
}

TEST_F(TrainTest, OptionsThatDoNotFitAreRefused) {
  expect_refused(train({"--epochs", "2", "--iterations", "3"}), 2, "--epochs and --iterations say the same thing");
  expect_refused(train({"--learning-rate", "fast"}), 2, "--learning-rate: expected a number above 0");
  expect_refused(train({"--milestones", "5,x"}), 2, "--milestones: expected iterations such as 32000,48000");
  expect_refused(train({"--freeze", "layer3", "--iterations", "2"}), 2, "--freeze: expected none|backbone|conv1|");
  expect_refused(train({"--resume", "--restart"}), 2, "--resume and --restart: expected one of them");
  expect_refused(run({"train", "cifar", "-o", "out.onnx"}), 2, "expected the network and DATA, or --init and DATA");
  expect_refused(run({"train", "renset20", "cifar", "-o", "out.onnx"}), 2, "did you mean 'resnet20'");
  expect_refused(run({"train", "resnet8", "cifar", "-o", "nowhere/out.onnx"}), 6, "nowhere");
}

TEST_F(TrainTest, AnotherNetworkIsNoStart) {
  ASSERT_EQ(run({"build", "resnet14", "-o", "start.onnx"}).exit_code, 0);
  expect_refused(train({"--init", "start.onnx", "--iterations", "2"}), 2, "start.onnx: is ResNet-14");
  expect_refused(run({"train", "rgb.onnx", "cifar", "-o", "out.onnx"}), 4, "rgb.onnx");
}

TEST_F(TrainTest, FineTuningKeepsWhatIsFrozen) {
  ASSERT_EQ(train({"--iterations", "6", "-q"}).exit_code, 0);
  fs::rename(folder() / "out.onnx", folder() / "start.onnx");
  const Finished finished = run({"train", "start.onnx", "photos", "-o", "tuned.onnx", "--classes", "2", "--freeze", "backbone",
                                 "--batch-size", "4", "--iterations", "8", "--augmentation", "none"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  const Finished labels = run({"predict", "tuned.onnx", "photos/red/1.png", "--topk", "2", "-q"});
  EXPECT_THAT(labels.out, testing::AllOf(HasSubstr("red"), HasSubstr("blue")));
  // Its own classes cannot be told from folders of other names.
  const Finished kept = run({"train", "start.onnx", "photos", "-o", "tuned.onnx", "--iterations", "2", "--threads", "1", "-q"});
  EXPECT_EQ(kept.exit_code, 2);
  EXPECT_THAT(kept.err, HasSubstr("--classes N makes a new classifier"));
}

}  // namespace
}  // namespace resnet::test
