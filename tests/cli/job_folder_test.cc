// `predict --job FOLDER`: however many processes share it, start, stop or die, the answers are those of one process.
#include <signal.h>

#include <chrono>
#include <memory>
#include <thread>
#include <utility>

#include "tests/cli/fixture.h"

namespace resnet::test {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::StartsWith;
using Words = std::vector<std::string>;

class JobFolderTest : public CliTest {
 protected:
  JobFolderTest() {
    for (int i = 0; i < 40; ++i) {
      const auto level = static_cast<std::uint8_t>(6 * i);
      write("photos/" + std::to_string(i) + ".png", png(4, 4, {level, 100, static_cast<std::uint8_t>(255 - level)}));
    }
    write("photos/5b.png", "no picture");
    EXPECT_EQ(predict({"--format", "jsonl", "-o", "whole.jsonl"}).exit_code, 5);
  }

  static Words words(const Words& more) {
    Words all = {"predict", "rgb.onnx", "photos", "--preprocess", "raw", "-q"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  Finished predict(const Words& more, const RunOptions& options = {}) const { return run(words(more), options); }
  std::unique_ptr<Running> start(const Words& more, RunOptions options = {}) const {
    Words all = words(more);
    all.insert(all.begin(), program());
    options.folder = folder();
    return std::make_unique<Running>(all, options);
  }
  static RunOptions preloaded(const std::string& name, const std::string& value) {
    RunOptions options;
    options.environment = {{"LD_PRELOAD", RESNET_JOB_PRELOAD}, {name, value}};
    return options;
  }
  // Waits until the file is there.
  bool appears(const std::string& name) const {
    for (int i = 0; i < 600; ++i) {
      if (fs::exists(folder() / name)) return true;
      std::this_thread::sleep_for(milliseconds(10));
    }
    return false;
  }
  void expect_whole(const std::string& name = "job/answers.jsonl") const {
    EXPECT_EQ(read(name), read("whole.jsonl"));
    EXPECT_FALSE(fs::exists(folder() / "job" / "parts"));
    EXPECT_FALSE(fs::exists(folder() / "job" / "claims"));
  }
};

TEST_F(JobFolderTest, OneProcess) {
  EXPECT_EQ(predict({"--job", "job", "--chunk", "7", "-o", "a.jsonl"}).exit_code, 0);
  expect_whole();
  expect_whole("a.jsonl");
  // Alone it finds that nothing is left; the whole is copied where another output is asked for.
  EXPECT_EQ(run({"predict", "--job", "job", "-o", "b.jsonl"}).exit_code, 0);
  expect_whole("b.jsonl");
  const Finished status = run({"predict", "--job", "job", "--status"});
  EXPECT_EQ(status.exit_code, 5);
  EXPECT_THAT(status.out, StartsWith("whole: 6 of 6 chunks done\n41 inputs, 1 failed\n"));
  EXPECT_THAT(status.out, HasSubstr(": 1 worker, 6 chunks, "));
}

TEST_F(JobFolderTest, EightAtOnceOnAnEmptyFolder) {
  std::vector<std::unique_ptr<Running>> workers;
  for (int i = 0; i < 8; ++i)
    workers.push_back(start({"--job", "job", "--chunk", "2", "-o", "a.jsonl", "--threads", std::to_string(i % 2 + 1)}));
  for (const auto& worker : workers) {
    const Finished finished = worker->wait();
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
  }
  expect_whole();
  expect_whole("a.jsonl");
}

TEST_F(JobFolderTest, KilledAtAnyMoment) {
  for (int i = 0; i < 8; ++i) {
    const auto worker = start({"--job", "job", "--chunk", "2"}, preloaded("SLOW", "10"));
    std::this_thread::sleep_for(milliseconds(40 * i));
    worker->send_signal(SIGKILL);
    worker->wait();
  }
  EXPECT_EQ(predict({"--job", "job", "--chunk", "2"}).exit_code, 0);
  expect_whole();
}

TEST_F(JobFolderTest, ToldToStopItGivesTheChunkBack) {
  const auto worker = start({"--job", "job", "--chunk", "41"}, preloaded("SLOW", "50"));
  ASSERT_TRUE(appears("job/claims/0/0.1"));
  EXPECT_EQ(run({"predict", "--job", "job", "--no-wait"}).exit_code, 75);
  const Finished status = run({"predict", "--job", "job", "--status"});
  EXPECT_EQ(status.exit_code, 75);
  EXPECT_THAT(status.out, HasSubstr("not whole yet: 0 of 1 chunks done, 1 claimed"));
  const auto begin = std::chrono::steady_clock::now();
  worker->send_signal(SIGTERM);
  EXPECT_EQ(worker->wait().exit_code, 130);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, milliseconds(10'000));  // on a busy machine, too
  EXPECT_TRUE(fs::exists(folder() / "job/claims/0/0.1.back") || !fs::exists(folder() / "job/claims/0/0.1"));
  EXPECT_EQ(run({"predict", "--job", "job"}).exit_code, 0);
  expect_whole();
}

TEST_F(JobFolderTest, StoppedForLongerThanAChunkAndWokenAfterTheEnd) {
  const auto worker = start({"--job", "job", "--chunk", "41"}, preloaded("SLOW", "20"));
  ASSERT_TRUE(appears("job/claims/0/0.1"));
  worker->send_signal(SIGSTOP);
  EXPECT_EQ(run({"predict", "--job", "job"}).exit_code, 0);  // after ten seconds
  expect_whole();
  worker->send_signal(SIGCONT);
  EXPECT_EQ(worker->wait().exit_code, 0);
  expect_whole();
}

// Who has computed chunks of its own knows how long they take: it does not wait ten seconds for a chunk of a worker that is slow.
TEST_F(JobFolderTest, WhatASlowWorkerHasClaimedIsTakenOver) {
  RunOptions slow = preloaded("SLOW", "60000");
  slow.environment["MACHINE"] = "slow";
  const auto worker = start({"--job", "job", "--chunk", "4"}, slow);
  ASSERT_TRUE(appears("job/claims/0"));
  RunOptions fast = preloaded("MACHINE", "fast");
  EXPECT_EQ(run({"predict", "--job", "job"}, fast).exit_code, 0);
  expect_whole();
  EXPECT_THAT(run({"predict", "--job", "job", "--status"}).out, HasSubstr("failed\nfast: 1 worker, 11 chunks, "));
  worker->send_signal(SIGKILL);
}

TEST_F(JobFolderTest, APhotoThatKillsIsRecordedAndPassed) {
  const RunOptions deadly = preloaded("DEADLY", "photos/20.png");
  int killed = 0;
  while (killed < 8 && predict({"--job", "job", "--chunk", "4"}, deadly).exit_code == 1000 + SIGKILL) ++killed;
  EXPECT_EQ(killed, 4);
  std::string expected = read("whole.jsonl");
  const std::size_t begin = expected.find("{\"input\":\"photos/20.png\""), end = expected.find('\n', begin);
  ASSERT_NE(begin, expected.npos);
  expected.replace(begin, end - begin, R"({"input":"photos/20.png","error":"2 workers ended at it"})");
  EXPECT_EQ(read("job/answers.jsonl"), expected);
}

TEST_F(JobFolderTest, FileSystemsThatCanDoLess) {
  for (const Words& lacks : std::vector<Words>{{"NO_LINKS"},
                                               {"NO_TMPFILE"},
                                               {"NO_LINKS", "NO_EXCLUSIVE_RENAME"},
                                               {"NO_LINKS", "NO_TMPFILE", "NO_EXCLUSIVE_RENAME"}}) {
    SCOPED_TRACE(testing::PrintToString(lacks));
    fs::remove_all(folder() / "job");
    RunOptions options = preloaded("SLOW", "5");
    for (const std::string& what : lacks) options.environment[what] = "1";
    const auto killed = start({"--job", "job", "--chunk", "2"}, options);
    std::vector<std::unique_ptr<Running>> workers;
    for (int i = 0; i < 3; ++i) workers.push_back(start({"--job", "job", "--chunk", "2"}, options));
    EXPECT_TRUE(appears("job/parts/0"));
    killed->send_signal(SIGKILL);
    for (const auto& worker : workers) {
      const Finished finished = worker->wait();
      EXPECT_EQ(finished.exit_code, 0) << finished.err;
    }
    expect_whole();
  }
}

TEST_F(JobFolderTest, NamesThatAreOldAndAMachineThatIsLost) {
  const auto start_on = [&](const std::string& machine, const std::string& slow) {
    RunOptions options = preloaded("OLD_NAMES", "20000");
    options.environment["MACHINE"] = machine;
    options.environment["SLOW"] = slow;
    return start({"--job", "job", "--chunk", "2"}, options);
  };
  const auto lost = start_on("a", "5000");
  ASSERT_TRUE(appears("job/claims/0"));
  const auto fast = start_on("b", "5"), slow = start_on("c", "200");
  lost->send_signal(SIGKILL);
  for (const auto* worker : {&fast, &slow}) {
    const Finished finished = (*worker)->wait();  // after ten seconds
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
  }
  EXPECT_EQ(read("job/answers.jsonl"), read("whole.jsonl"));
  // Who does not see what others have put there cannot clear it away; a later process does.
  EXPECT_EQ(run({"predict", "--job", "job"}).exit_code, 0);
  expect_whole();
}

// A machine is lost exactly where it has listed the inputs, says what the job is, or writes the whole: the others do it.
TEST_F(JobFolderTest, AMachineThatIsLostWhileItListsOrMerges) {
  for (const std::string point : {"/inputs", "/inputs.at", "/job.json", "/finished.json", "/answers.jsonl"}) {
    for (const bool has_unnamed_files : {true, false}) {
      SCOPED_TRACE(point + (has_unnamed_files ? "" : ", without unnamed files"));
      fs::remove_all(folder() / "job");
      for (const char* name : {"stalled", "a.jsonl"}) fs::remove(folder() / name);
      RunOptions options = preloaded("STALL", point);
      options.environment["STALLED"] = (folder() / "stalled").string();
      options.environment["MACHINE"] = "a";
      if (!has_unnamed_files) options.environment["NO_TMPFILE"] = "1";
      const Words words = {"--job", "job", "--chunk", "9", "-o", "a.jsonl"};
      const auto lost = start(words, options);
      ASSERT_TRUE(appears("stalled"));
      lost->send_signal(SIGKILL);
      lost->wait();
      EXPECT_FALSE(fs::exists(folder() / "job" / point.substr(1)));
      const Finished finished = predict(words, preloaded("MACHINE", "b"));
      EXPECT_EQ(finished.exit_code, 0) << finished.err;
      expect_whole();
      expect_whole("a.jsonl");
    }
  }
}

TEST_F(JobFolderTest, ADamagedPartIsMadeAgain) {
  const auto worker = start({"--job", "job", "--chunk", "41"}, preloaded("SLOW", "50"));
  ASSERT_TRUE(appears("job/claims/0/0.1"));
  worker->send_signal(SIGKILL);
  worker->wait();
  write("job/parts/0/0", "{\"input\":\"photos/0.png\"}\n");
  const Finished finished = run({"predict", "--job", "job"});
  EXPECT_EQ(finished.exit_code, 0);
  EXPECT_THAT(finished.err, HasSubstr("job/parts/0/0: is damaged; it is made again"));
  expect_whole();
}

TEST_F(JobFolderTest, RetryFailedComputesNothingElse) {
  write("photos/9b.png", "no picture");
  predict({"--format", "jsonl", "-o", "whole.jsonl"});
  EXPECT_EQ(predict({"--job", "job", "--chunk", "7", "-o", "a.jsonl"}).exit_code, 0);
  const std::string before = read("a.jsonl");
  const Finished again = run({"predict", "--job", "job", "--retry-failed"});
  EXPECT_EQ(again.exit_code, 0);
  EXPECT_THAT(again.err, HasSubstr("job: 2 inputs computed again, 2 failed again"));
  EXPECT_EQ(read("job/answers.jsonl"), before);
  // One is mended. The others are not looked at, or this would end.
  write("photos/5b.png", png(4, 4, {200, 10, 20}));
  const Finished mended = run({"predict", "--job", "job", "--retry-failed"}, preloaded("DEADLY", "photos/20.png"));
  EXPECT_EQ(mended.exit_code, 0) << mended.err;
  EXPECT_THAT(mended.err, HasSubstr("job: 2 inputs computed again, 1 failed again"));
  EXPECT_THAT(run({"predict", "--job", "job", "--status"}).out, StartsWith("whole: 6 of 6 chunks done\n42 inputs, 1 failed\n"));
  EXPECT_EQ(predict({"--format", "jsonl", "-o", "whole.jsonl"}).exit_code, 5);
  expect_whole();
  expect_whole("a.jsonl");
  write("photos/9b.png", png(4, 4, {20, 10, 200}));
  EXPECT_EQ(predict({"--job", "job", "--retry-failed", "-q"}).exit_code, 0);
  EXPECT_EQ(predict({"--format", "jsonl", "-o", "whole.jsonl"}).exit_code, 0);
  expect_whole();
  const Finished none = run({"predict", "--job", "job", "--retry-failed"});
  EXPECT_EQ(none.exit_code, 0);
  EXPECT_THAT(none.err, HasSubstr("job: no input failed that can be read again"));
  EXPECT_EQ(run({"predict", "--job", "job", "--status"}).exit_code, 0);
}

// A file may be listed twice, hold several images, or none when it is mended; an argument that gave no file stays as it is.
TEST_F(JobFolderTest, RetryFailedPutsEachAnswerInItsPlace) {
  write("x.npy", "no tensor");
  write("bad.png", "no picture");
  write("list.txt", "x.npy\nx.npy\nbad.png\nred.png\nbad.png\nx.npy\nyellow.png\nx.npy\nx.npy\n");
  const Words words = {"predict", "rgb.onnx", "@list.txt", "none*", "--preprocess", "raw", "-q"};
  Words shared = words, plain = words;
  shared.insert(shared.end(), {"--job", "job", "--chunk", "3"});
  plain.insert(plain.end(), {"--format", "jsonl", "-o", "whole.jsonl"});
  const auto expect_plain = [&] {
    EXPECT_EQ(run(plain).exit_code, 5);
    expect_whole();
  };
  EXPECT_EQ(run(shared).exit_code, 0);
  expect_plain();
  write("x.npy", npy({3, 3, 4, 4}, std::vector<float>(144, 7)));
  EXPECT_EQ(run({"predict", "--job", "job", "--retry-failed"}).exit_code, 0);
  expect_plain();
  write("bad.png", png(4, 4, {9, 8, 7}));
  EXPECT_EQ(run({"predict", "--job", "job", "--retry-failed"}).exit_code, 0);
  expect_plain();
  EXPECT_THAT(run({"predict", "--job", "job", "--status"}).out, StartsWith("whole: 4 of 4 chunks done\n10 inputs, 1 failed\n"));
  // Also where the numbers are lost.
  fs::remove(folder() / "job/finished.json");
  const Finished counted = run({"predict", "--job", "job", "--status"});
  EXPECT_EQ(counted.exit_code, 5);
  EXPECT_EQ(counted.out, "whole: 4 of 4 chunks done\n10 inputs, 1 failed\n");
}

TEST_F(JobFolderTest, RetryFailedByManyOfWhichSomeAreKilled) {
  for (int i = 0; i < 40; ++i) write("photos/bad" + std::to_string(i) + ".png", "no picture");
  EXPECT_EQ(predict({"--job", "job"}).exit_code, 0);
  for (int i = 0; i < 40; ++i) write("photos/bad" + std::to_string(i) + ".png", png(4, 4, {50, static_cast<std::uint8_t>(i), 9}));
  predict({"--format", "jsonl", "-o", "whole.jsonl"});
  // Three: where more are killed, two of them may end at the same photo, which is then passed.
  for (int i = 0; i < 3; ++i) {
    const auto worker = start({"--job", "job", "--retry-failed"}, preloaded("SLOW", "10"));
    std::this_thread::sleep_for(milliseconds(120 * i));
    worker->send_signal(SIGKILL);
    worker->wait();
  }
  std::vector<std::unique_ptr<Running>> workers;
  for (int i = 0; i < 4; ++i) workers.push_back(start({"--job", "job", "--retry-failed"}));
  for (const auto& worker : workers) {
    const Finished finished = worker->wait();
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
  }
  expect_whole();
}

TEST_F(JobFolderTest, RetryFailedAlsoFinishesTheJob) {
  EXPECT_EQ(predict({"--job", "job", "--retry-failed"}).exit_code, 0);
  expect_whole();
}

TEST_F(JobFolderTest, TheInstructionSetIsTheJobs) {
  const std::string set = run({"--help"}).out.find("avx2") != std::string::npos ? "avx2" : "neon";
  EXPECT_EQ(predict({"--isa", set, "--format", "jsonl", "-o", "whole.jsonl"}).exit_code, 5);
  EXPECT_EQ(predict({"--job", "job", "--isa", set}).exit_code, 0);
  expect_whole();
  EXPECT_EQ(run({"predict", "--job", "job", "-o", "a.jsonl"}).exit_code, 0);
  expect_refused(predict({"--job", "job"}), 2, "started with instruction set " + set + ", now");
  std::string job = read("job/job.json");
  const std::string key = "\"isa\": \"" + set + "\"";
  ASSERT_NE(job.find(key), job.npos);
  write("job/job.json", job.replace(job.find(key), key.size(), "\"isa\": \"avx9\""));
  expect_refused(run({"predict", "--job", "job"}), 2, "job: this job was started with --isa avx9, which this machine lacks");
}

TEST_F(JobFolderTest, WhoeverDiffersIsRefused) {
  EXPECT_EQ(predict({"--job", "job"}).exit_code, 0);
  const Finished finished = predict({"--job", "job", "--topk", "2", "--labels", "rgb.txt", "--crop", "ten"});
  expect_refused(finished, 2, "this job was started with labels none, now labels 3 names");
  EXPECT_THAT(finished.err, HasSubstr("views crop center, now views crop ten; top-k 5, now top-k 2"));
  expect_refused(run({"predict", "rgb.onnx", "red.png", "--preprocess", "raw", "-q", "--job", "job"}), 2,
                 "was started with images");
  write("rgb.onnx", onnx_file(mean_classifier(4, {{1, 0, 0}, {0, 1, 0}, {0, 0, 2}}, {0, 0, 0})));
  expect_refused(predict({"--job", "job"}), 2, "this job was started with model rgb.onnx: digest");
  expect_refused(run({"predict", "--job", "job", "--topk", "2"}), 2, "expected --job FOLDER without --topk=2");
  expect_whole();
}

TEST_F(JobFolderTest, FoldersThatAreNoJobs) {
  write("some/file", "x");
  expect_refused(predict({"--job", "some"}), 2, "some: holds files, but no job; expected a new or an empty folder");
  write("foreign/job.json", "{}");
  expect_refused(predict({"--job", "foreign"}), 2, "foreign/job.json: is not of a job of this program");
  write("newer/job.json", "{\"resnet-cli job\": 2}");
  expect_refused(predict({"--job", "newer"}), 2, "newer/job.json: is of format 2, expected 1");
  expect_refused(run({"predict", "--job", "none"}), 2, "none: holds no job yet");
  expect_refused(predict({"--job", "rgb.txt"}), 2, "rgb.txt");
  expect_refused(predict({"--job", "no/folder"}), 6, "no/folder: cannot be written: No such file or directory");
  expect_refused(predict({"--status"}), 2, "expected --job FOLDER");
  expect_refused(predict({"--job", "job", "--resume", "a.jsonl"}), 2, "--job and --resume exclude each other");
  expect_refused(predict({"--job", "job", "-o", "a.csv"}), 2, "jsonl");
}

}  // namespace
}  // namespace resnet::test
