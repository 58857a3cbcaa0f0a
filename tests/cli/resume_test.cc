// `predict --resume`, `--shard` and `merge`: interrupted or in parts, the answers are those of one run.
#include <fstream>

#include "tests/cli/fixture.h"

namespace resnet::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class ResumeTest : public CliTest {
 protected:
  ResumeTest() {
    // Eleven inputs: photos, one that cannot be read, a tensor of two images, a name that is not UTF-8.
    fs::create_directories(folder() / "photos");
    for (int i = 0; i < 8; ++i)
      write("photos/" + std::to_string(i) + ".png",
            png(4, 4, {static_cast<std::uint8_t>(30 * i), 100, static_cast<std::uint8_t>(255 - 30 * i)}));
    write("photos/4b.png", "no picture");
    write("photos/two.npy", npy({2, 3, 4, 4}, std::vector<float>(96, 1.0f)));
    write("photos/strange\xff.png", png(4, 4, {1, 2, 3}));
    for (const auto& entry : fs::directory_iterator(folder() / "photos")) list_ += entry.path().string() + "\n";
    write("list.txt", list_);
    whole_ = predict({"-o", "whole.jsonl"});
    EXPECT_EQ(whole_.exit_code, 5);
  }
  Finished predict(std::vector<std::string> words, RunOptions options = {}) const {
    std::vector<std::string> all = {"predict", "rgb.onnx", "@list.txt", "--preprocess", "raw", "--format", "jsonl", "-q"};
    all.insert(all.end(), words.begin(), words.end());
    return run(all, options);
  }
  std::string list_;
  Finished whole_;
};

TEST_F(ResumeTest, WhereverItWasInterrupted) {
  const std::string whole = read("whole.jsonl");
  ASSERT_EQ(std::count(whole.begin(), whole.end(), '\n'), 12);
  EXPECT_EQ(predict({"--resume", "answers.jsonl"}).exit_code, 5);
  EXPECT_EQ(read("answers.jsonl"), whole);
  for (std::size_t size = 0; size <= whole.size(); size += whole.size() / 23) {
    write("answers.jsonl", whole.substr(0, size));
    EXPECT_EQ(predict({"--resume", "answers.jsonl"}).exit_code, 5) << size;
    EXPECT_EQ(read("answers.jsonl"), whole) << size;
  }
  // Behind each line.
  for (std::size_t end = whole.find('\n'); end != std::string::npos; end = whole.find('\n', end + 1)) {
    write("answers.jsonl", whole.substr(0, end + 1));
    predict({"--resume", "answers.jsonl"});
    EXPECT_EQ(read("answers.jsonl"), whole) << end;
  }
}

TEST_F(ResumeTest, AnswersOfOtherInputsAreRefused) {
  write("answers.jsonl", "{\"input\":\"else.png\",\"predictions\":[]}\n");
  expect_refused(predict({"--resume", "answers.jsonl"}), 2, "answers.jsonl: line 1: is the answer of 'else.png'");
  EXPECT_EQ(read("answers.jsonl"), "{\"input\":\"else.png\",\"predictions\":[]}\n");
  write("answers.jsonl", "photo,class\n");
  expect_refused(predict({"--resume", "answers.jsonl"}), 2, "line 1: is no answer of predict");
  write("answers.jsonl", read("whole.jsonl") + "{\"input\":\"more.png\",\"predictions\":[]}\n");
  expect_refused(predict({"--resume", "answers.jsonl"}), 2, "line 13: is the answer of an input that is not among those now");
  expect_refused(predict({"--resume", "answers.jsonl", "-o", "x.jsonl"}), 2, "expected one of them");
}

// What is chosen for the first part is kept for the rest; another model, or another use of it, is refused.
TEST_F(ResumeTest, AnswersOfOtherSettingsAreNotGoneOnWith) {
  const std::string whole = read("whole.jsonl");
  write("answers.jsonl", whole.substr(0, whole.size() / 2));
  write("answers.jsonl.job", "another.onnx of 7 bytes\nbatch 1, threads 1, images 12\n");
  expect_refused(predict({"--resume", "answers.jsonl"}), 2,
                 "answers.jsonl: its answers were made with another.onnx of 7 bytes; now it is rgb.onnx");
  EXPECT_EQ(read("answers.jsonl"), whole.substr(0, whole.size() / 2));
  // Complete answers need no record.
  fs::remove(folder() / "answers.jsonl.job");
  predict({"--resume", "answers.jsonl"});
  EXPECT_EQ(read("answers.jsonl"), whole);
  EXPECT_FALSE(fs::exists(folder() / "answers.jsonl.job"));
  for (const char* part : {"1", "2"}) {
    predict({"--shard", std::string(part) + "/2", "-o", std::string("p") + part, "--convolution",
             part[0] == '1' ? "direct" : "auto"});
  }
  expect_refused(run({"merge", "p1", "p2", "-o", "m"}), 5, "p2: was made with");
}

TEST_F(ResumeTest, PartsMergedAreOneRun) {
  for (const int of : {1, 3, 20}) {
    std::vector<std::string> words = {"merge", "-o", "merged.jsonl"};
    for (int part = of; part >= 1; --part) {
      const std::string file = "part" + std::to_string(part) + ".jsonl";
      const Finished finished = predict({"--shard", std::to_string(part) + "/" + std::to_string(of), "-o", file});
      EXPECT_THAT(finished.exit_code, testing::AnyOf(0, 5)) << finished.err;
      words.push_back(file);
    }
    ASSERT_EQ(run(words).exit_code, 0) << of;
    EXPECT_EQ(read("merged.jsonl"), read("whole.jsonl")) << of;
  }
}

TEST_F(ResumeTest, APartThatIsMissingOrNotCompleteIsNamed) {
  for (const char* part : {"1", "2", "3"}) predict({"--shard", std::string(part) + "/3", "-o", std::string("p") + part});
  expect_refused(run({"merge", "p1", "p3", "-o", "m"}), 5, "part 2 of 3 is missing");
  expect_refused(run({"merge", "p1", "p1", "p2", "p3"}), 5, "p1 and p1 are both part 1 of 3");
  const std::string whole = read("p2");
  write("p2", whole.substr(0, whole.size() * 2 / 3));
  const Finished cut = run({"merge", "p1", "p2", "p3", "-o", "m"});
  EXPECT_EQ(cut.exit_code, 5);
  EXPECT_THAT(cut.err, HasSubstr("p2: part 2 of 3 is not complete"));
  EXPECT_FALSE(fs::exists(folder() / "m"));
  // It can be gone on with.
  predict({"--shard", "2/3", "--resume", "p2"});
  EXPECT_EQ(read("p2"), whole);
  expect_refused(predict({"--shard", "1/3", "--resume", "p2"}), 2,
                 "p2: line 1: holds answers of other inputs or of another part");
  expect_refused(run({"merge", "whole.jsonl"}), 5, "whole.jsonl: is no part that predict --shard wrote");
}

TEST_F(ResumeTest, SchedulersSayWhichPart) {
  predict({"--shard", "2/3", "-o", "expected"});
  const auto with = [&](std::map<std::string, std::string> environment, const char* shard = "auto") {
    RunOptions options;
    options.environment = std::move(environment);
    predict({"--shard", shard, "-o", "part"}, options);
    return read("part");
  };
  EXPECT_EQ(with({{"SLURM_PROCID", "1"}, {"SLURM_NTASKS", "3"}}), read("expected"));
  EXPECT_EQ(with({{"OMPI_COMM_WORLD_RANK", "1"}, {"OMPI_COMM_WORLD_SIZE", "3"}}), read("expected"));
  EXPECT_EQ(with({{"JOB_COMPLETION_INDEX", "1"}}, "auto/3"), read("expected"));
  expect_refused(predict({"--shard", "auto"}), 2, "no scheduler has set");
  expect_refused(predict({"--shard", "4/3"}), 2, "expected K/N with K from 1 to N");
  expect_refused(run({"predict", "rgb.onnx", "@list.txt", "--shard", "1/3", "--format", "csv"}), 2, "--shard gives JSON lines");
}

}  // namespace
}  // namespace resnet::test
