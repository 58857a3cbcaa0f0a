// `evaluate --job FOLDER`: the report is that of one process, however many share the photos.
#include <signal.h>
#include <sys/stat.h>

#include <chrono>
#include <memory>
#include <regex>
#include <thread>
#include <utility>

#include "tests/cli/fixture.h"

namespace resnet::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using Words = std::vector<std::string>;

class EvaluateJobTest : public CliTest {
 protected:
  EvaluateJobTest() {
    int number = 0;
    for (const char* name : {"red", "green", "blue"}) {
      for (int i = 0; i < 12; ++i, ++number) {
        const auto level = static_cast<std::uint8_t>(7 * number);
        write(std::string("data/") + name + "/" + std::to_string(i) + ".png",
              png(4, 4, {level, 120, static_cast<std::uint8_t>(255 - level)}));
      }
    }
    write("data/green/bad.png", "no picture");
    write("other.onnx", onnx_file(mean_classifier(4, {{0, 1, 0}, {1, 0, 0}, {0, 0, 1}}, {9, 0, 3})));
  }
  static Words words(const Words& more) {
    Words all = {"evaluate",     "--model", "rgb.onnx",   "--model", "other.onnx", "data", "--labels", "rgb.txt",
                 "--preprocess", "raw",     "--ensemble", "--crop",  "full,ten",   "-k",   "2",        "-q"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  Finished evaluate(const Words& more) const { return run(words(more)); }
  // A CIFAR-10 batch of so many images, and a network for it; returns its bytes.
  std::string write_batch(int images) const {
    std::string batch;
    for (int i = 0; i < images; ++i) batch += static_cast<char>(i % 3) + std::string(3072, static_cast<char>(6 * i));
    write("batch.bin", batch);
    write("cifar.onnx", onnx_file(mean_classifier(32, {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}, {0, 0, 0})));
    return batch;
  }
  const Words of_batch = {"evaluate", "cifar.onnx", "batch.bin", "--labels", "rgb.txt", "--preprocess", "raw", "-q"};
  // Without how fast it was, which no two runs have in common.
  static std::string timeless(const std::string& text) {
    return std::regex_replace(text, std::regex(R"re("images_per_second": [0-9.e+-]+)re"), "X");
  }
};

TEST_F(EvaluateJobTest, TheReportIsThatOfOneProcess) {
  const Finished plain = evaluate({"--format", "json", "--confusion", "plain.csv"});
  EXPECT_EQ(plain.exit_code, 5);
  const Finished shared = evaluate({"--format", "json", "--confusion", "shared.csv", "--job", "job", "--chunk", "5"});
  EXPECT_EQ(shared.exit_code, 0) << shared.err;
  EXPECT_EQ(timeless(shared.out), timeless(plain.out));
  EXPECT_EQ(read("shared.csv"), read("plain.csv"));
  EXPECT_THAT(shared.err, HasSubstr("data/green/bad.png: is not an image"));
  // Alone it gives what the job was asked for, or a report of its own; nothing is computed for it.
  EXPECT_EQ(timeless(run({"evaluate", "--job", "job", "-q"}).out), timeless(plain.out));
  for (const Words& form : {Words{"--format", "json", "--per-class"}, {"-o", "own.json"}}) {
    Words alone = {"evaluate", "--job", "job", "-q"};
    alone.insert(alone.end(), form.begin(), form.end());
    const Finished own = run(alone);
    EXPECT_EQ(own.exit_code, 0) << own.err;
    EXPECT_EQ(timeless(own.out + read("own.json")), timeless(plain.out)) << form[0];
    EXPECT_EQ(own.out.empty(), form[0] == "-o");
    fs::remove(folder() / "own.json");
  }
  const Finished status = run({"evaluate", "--job", "job", "--status"});
  EXPECT_EQ(status.exit_code, 5);
  EXPECT_THAT(status.out, HasSubstr("37 inputs, 1 failed"));
}

TEST_F(EvaluateJobTest, AllForms) {
  const Words one = {"evaluate", "rgb.onnx", "data", "--labels", "rgb.txt", "--preprocess", "raw", "-q", "--per-class"};
  const auto with = [&](const Words& more) {
    Words all = one;
    all.insert(all.end(), more.begin(), more.end());
    return run(all);
  };
  const Finished text = with({});
  EXPECT_EQ(with({"--job", "job"}).out, text.out);
  EXPECT_EQ(run({"evaluate", "--job", "job", "-q", "--per-class", "-o", "a.txt"}).exit_code, 0);
  EXPECT_EQ(read("a.txt"), text.out);
  for (const char* format : {"csv", "md"}) {
    const std::string plain = with({"--format", format}).out;
    const std::string shared = run({"evaluate", "--job", "job", "-q", "--format", format}).out;
    const auto cells = [](const std::string& row) {
      std::vector<std::string> found;
      std::string cell;
      for (const char c : row) {
        if (c == ',' || c == '|' || c == '\n') {
          found.push_back(std::exchange(cell, ""));
        } else if (c != ' ') {
          cell += c;
        }
      }
      return found;
    };
    const auto a = cells(plain), b = cells(shared);
    ASSERT_EQ(a.size(), b.size()) << format;
    int different = 0;
    for (std::size_t i = 0; i < a.size(); ++i) different += a[i] == b[i] ? 0 : 1;
    EXPECT_LE(different, 1) << plain << shared;  // how fast it was
  }
}

TEST_F(EvaluateJobTest, ManyAtOnceOfWhichOneIsKilled) {
  const Finished plain = evaluate({"--format", "json"});
  std::vector<std::unique_ptr<Running>> workers;
  for (int i = 0; i < 5; ++i) {
    Words all = words({"--job", "job", "--chunk", "2", "-o", "a.json"});
    all.insert(all.begin(), program());
    RunOptions options;
    options.folder = folder();
    workers.push_back(std::make_unique<Running>(all, options));
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(150));
  workers[0]->send_signal(SIGKILL);
  workers[0]->wait();
  for (std::size_t i = 1; i < workers.size(); ++i) {
    const Finished finished = workers[i]->wait();
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
    EXPECT_EQ(finished.out, "");
  }
  EXPECT_EQ(timeless(read("a.json")), timeless(plain.out));
}

TEST_F(EvaluateJobTest, RetryFailedCountsWhatWasMended) {
  EXPECT_EQ(evaluate({"--format", "json", "--job", "job"}).exit_code, 0);
  write("data/green/bad.png", png(4, 4, {1, 200, 1}));
  const Finished plain = evaluate({"--format", "json"});
  EXPECT_EQ(plain.exit_code, 0);
  const Finished again = run({"evaluate", "--job", "job", "--retry-failed"});
  EXPECT_EQ(again.exit_code, 0);
  EXPECT_THAT(again.err, HasSubstr("job: 1 input computed again, 0 failed again"));
  EXPECT_EQ(timeless(again.out), timeless(plain.out));
  EXPECT_EQ(run({"evaluate", "--job", "job", "--status"}).exit_code, 0);
}

// It is not among the inputs and their answers: whoever finishes says it.
TEST_F(EvaluateJobTest, EachSaysThatAClassHasNoFolder) {
  fs::remove_all(folder() / "data/blue");
  const Finished plain = evaluate({"--format", "json"});
  EXPECT_EQ(plain.exit_code, 5);
  EXPECT_THAT(plain.err, HasSubstr("blue"));
  const std::string told = plain.err.substr(0, plain.err.find('\n') + 1);
  const Finished first = evaluate({"--format", "json", "--job", "job"});
  EXPECT_EQ(first.exit_code, 0);
  EXPECT_EQ(timeless(first.out), timeless(plain.out));
  const auto count = [&](const std::string& text) {
    std::size_t times = 0;
    for (std::size_t at = text.find("blue"); at != text.npos; at = text.find("blue", at + 1)) ++times;
    return times;
  };
  EXPECT_EQ(count(first.err), count(plain.err)) << first.err;
  const Finished later = run({"evaluate", "--job", "job", "-q"});
  EXPECT_EQ(later.exit_code, 0);
  EXPECT_EQ(count(later.err), count(plain.err)) << later.err;
  write("data/green/bad.png", png(4, 4, {1, 200, 1}));
  EXPECT_EQ(run({"evaluate", "--job", "job", "--retry-failed", "-q"}).exit_code, 0);
  const Finished status = run({"evaluate", "--job", "job", "--status"});
  EXPECT_EQ(status.exit_code, 5);
  EXPECT_THAT(status.out, HasSubstr("25 inputs, 0 failed\n"));
  EXPECT_THAT(status.out, HasSubstr("blue"));
}

// Whose file is cut after it was listed: the images that are still there count, the others are named.
TEST_F(EvaluateJobTest, ImagesThatAreLostAreNamed) {
  const std::string batch = write_batch(20);
  Words shared = of_batch;
  shared.insert(shared.end(), {"--job", "job", "--chunk", "7"});
  ASSERT_EQ(run(shared).exit_code, 0);
  for (const char* name : {"job/answers.jsonl", "job/finished.json"}) fs::remove(folder() / name);
  write("batch.bin", batch.substr(0, 11 * 3073 + 99));
  const Finished finished = run({"evaluate", "--job", "job", "-q"});
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_EQ(std::count(finished.err.begin(), finished.err.end(), '\n'), 9) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("batch.bin[11]: the file is shorter than when it was listed\n"));
  EXPECT_THAT(finished.err, HasSubstr("batch.bin[19]: "));
  EXPECT_THAT(read("job/answers.jsonl"), HasSubstr("{\"input\":\"batch.bin[10]\",\"truth\":1,\"predictions\""));
  EXPECT_THAT(run({"evaluate", "--job", "job", "--status"}).out, HasSubstr("20 inputs, 9 failed"));
}

TEST_F(EvaluateJobTest, ACifarBatchIsSharedByItsImages) {
  const std::string batch = write_batch(40);
  Words shared = of_batch;
  shared.insert(shared.end(), {"--job", "job", "--chunk", "7"});
  EXPECT_EQ(run(shared).out, run(of_batch).out);
  EXPECT_THAT(read("job/answers.jsonl"), HasSubstr("{\"input\":\"batch.bin[39]\",\"truth\":0,"));
  // Of one image alone, too.
  write("batch.bin", batch.substr(0, 3073));
  const Finished one = run(of_batch);
  EXPECT_EQ(one.exit_code, 0);
  shared[shared.size() - 3] = "one";
  EXPECT_EQ(run(shared).out, one.out);
}

TEST_F(EvaluateJobTest, WhoeverDiffersIsRefused) {
  write("valid.txt", "0\n2\n");
  EXPECT_EQ(evaluate({"--job", "job"}).exit_code, 0);
  expect_refused(evaluate({"--job", "job", "--valid-labels", "valid.txt", "--average", "logit"}), 2,
                 "average of probability, also all models together, now average of logit, also all models together");
  expect_refused(evaluate({"--job", "job", "--valid-labels", "valid.txt"}), 2, "valid labels none, now valid labels 2 classes");
  expect_refused(run({"evaluate", "--job", "job", "--topk", "3"}), 2, "expected --job FOLDER without --topk=3");
  expect_refused(run({"predict", "--job", "job"}), 2, "job: is a job of evaluate, expected evaluate --job");
  expect_refused(evaluate({"--job", "other", "--cam", "maps"}), 2, "--job and --cam exclude each other");
  expect_refused(run({"evaluate", "--job", "none"}), 2, "none: holds no job yet");
  write("job/answers.jsonl", "{\"input\":\"data/red/0.png\",\"predictions\":[]}\n");
  expect_refused(run({"evaluate", "--job", "job", "-q"}), 2, "job/answers.jsonl: line 1 is not of a job of evaluate");
}

// What lies in the folder of a whole job is damaged: never a report of less.
TEST_F(EvaluateJobTest, DamagedFilesAreNamed) {
  ASSERT_EQ(evaluate({"--job", "job", "--chunk", "5"}).exit_code, 0);
  const auto alone = [&](const Words& more = {}) {
    Words all = {"evaluate", "--job", "job", "-q"};
    all.insert(all.end(), more.begin(), more.end());
    return run(all);
  };
  const std::string answers = read("job/answers.jsonl"), manifest = read("job/job.json"), inputs = read("job/inputs");
  write("job/answers.jsonl", answers.substr(0, answers.find('\n') + 1));
  expect_refused(alone(), 2, "answers.jsonl: is damaged: it holds 1 of 37 answers");
  expect_refused(alone({"--retry-failed"}), 2, "answers.jsonl: is damaged: it holds answers for 1 of 37 inputs");
  write("job/answers.jsonl", answers);
  write("job/job.json", "{\"resnet-cli job\": 1, \"settings\": " + std::string(300'000, '[') + std::string(300'000, ']') + "}");
  expect_refused(alone(), 2, "job.json: is damaged: it is nested more than 64 levels deep");
  expect_refused(alone({"--status"}), 2, "job.json: is damaged: it is nested more than 64 levels deep");
  write("job/job.json", manifest);
  fs::remove(folder() / "job/answers.jsonl");
  fs::remove(folder() / "job/finished.json");
  std::string joined = inputs;
  joined[joined.find('\0')] = 'A';
  write("job/inputs", joined);
  const Finished finished = alone();  // it may have begun with another chunk
  EXPECT_EQ(finished.exit_code, 2);
  EXPECT_THAT(finished.err, HasSubstr("inputs: is damaged: chunk 0 holds 4 inputs"));
  ASSERT_EQ(mkfifo((folder() / "job/answers.jsonl").c_str(), 0600), 0);
  expect_refused(alone(), 2, "answers.jsonl: is not a regular file");
}

TEST_F(EvaluateJobTest, TheJobsOwnFilesAreNotReplaced) {
  expect_refused(evaluate({"--job", "job", "-o", "job/job.json"}), 2, "job/job.json is in the job's own folder");
  ASSERT_EQ(evaluate({"--job", "job"}).exit_code, 0);
  expect_refused(run({"evaluate", "--job", "job", "-q", "--confusion", "job/inputs"}), 2,
                 "job/inputs is in the job's own folder");
  expect_refused(run({"predict", "rgb.onnx", "data", "--job", "other", "-o", "other/inputs"}), 2,
                 "other/inputs is in the job's own folder");
  EXPECT_EQ(run({"evaluate", "--job", "job", "-q"}).exit_code, 0);
}

}  // namespace
}  // namespace resnet::test
