// Processes that meet each other, are killed, or find no room: no answer is lost, and nothing of somebody else's.
#include <signal.h>
#include <sys/stat.h>

#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <thread>

#include "tests/cli/fixture.h"
#include "tests/support/sanitized.h"

namespace resnet::test {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class JobsTest : public CliTest {
 protected:
  bool there(const std::string& name) const { return fs::exists(fs::symlink_status(folder() / name)); }
  bool comes(const std::function<bool()>& condition) const {
    for (int i = 0; i < 6000 && !condition(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return condition();
  }
  std::vector<std::string> predict_words() const {
    return {program(), "predict", "rgb.onnx", "-", "--preprocess", "raw", "-q", "--resume", "answers.jsonl"};
  }
  // A run that has answered the first of its list, and waits for the rest.
  std::unique_ptr<Running> begin() const {
    RunOptions options;
    options.folder = folder();
    auto running = std::make_unique<Running>(predict_words(), options);
    running->write("red.png\n");
    EXPECT_TRUE(comes([&] { return there("answers.jsonl.owner") && read("answers.jsonl").ends_with("\n"); }));
    return running;
  }
  Finished predict(const std::string& list) const {
    RunOptions options;
    options.folder = folder();
    options.input = list;
    return run_command(predict_words(), options);
  }
  // With bash's ulimit, such as "-f 8".
  Finished run_limited(const std::string& limit, const std::vector<std::string>& words) const {
    std::vector<std::string> command = {"bash", "-c", "ulimit " + limit + "; exec \"$@\"", "limited", program()};
    command.insert(command.end(), words.begin(), words.end());
    RunOptions options;
    options.folder = folder();
    return run_command(command, options);
  }
  std::set<std::string> names_in(const std::string& name) const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder() / name)) names.insert(entry.path().filename());
    return names;
  }
};

TEST_F(JobsTest, ASecondRunOnOneFileIsRefusedByName) {
  const std::string list = "red.png\nyellow.png\n";
  ASSERT_EQ(predict(list).exit_code, 0);
  const std::string whole = read("answers.jsonl");
  fs::remove(folder() / "answers.jsonl");
  const auto first = begin();
  const std::string before = read("answers.jsonl");
  expect_refused(predict(list), 2, "answers.jsonl: process ");
  EXPECT_THAT(predict(list).err, HasSubstr(" is working on it (answers.jsonl.owner says so); wait until it ends"));
  EXPECT_EQ(read("answers.jsonl"), before);
  first->write("yellow.png\n");
  EXPECT_EQ(first->wait().exit_code, 0);
  EXPECT_EQ(read("answers.jsonl"), whole);
  EXPECT_FALSE(there("answers.jsonl.owner"));
}

TEST_F(JobsTest, ARunWhosePredecessorWasKilledGoesOnAtOnce) {
  const std::string list = "red.png\nyellow.png\n";
  ASSERT_EQ(predict(list).exit_code, 0);
  const std::string whole = read("answers.jsonl");
  fs::remove(folder() / "answers.jsonl");
  const auto first = begin();
  first->send_signal(SIGKILL);
  EXPECT_EQ(first->wait().exit_code, 1000 + SIGKILL);
  EXPECT_TRUE(there("answers.jsonl.owner"));
  const Finished second = predict(list);
  EXPECT_EQ(second.exit_code, 0) << second.err;
  EXPECT_EQ(read("answers.jsonl"), whole);
  EXPECT_FALSE(there("answers.jsonl.owner"));
  EXPECT_TRUE(there("answers.jsonl.job"));
}

TEST_F(JobsTest, ASignalLeavesNoOwner) {
  for (const int number : {SIGINT, SIGTERM}) {
    const auto first = begin();
    first->send_signal(number);
    EXPECT_EQ(first->wait().exit_code, 130);
    EXPECT_FALSE(there("answers.jsonl.owner"));
    fs::remove(folder() / "answers.jsonl");
    fs::remove(folder() / "answers.jsonl.job");
  }
}

TEST_F(JobsTest, SomebodyElsesOwnerFileIsLeftAlone) {
  write("answers.jsonl.owner", "mine\n");
  expect_refused(predict("red.png\n"), 2, "answers.jsonl.owner: is not an owner file of this program, and is left alone");
  EXPECT_EQ(read("answers.jsonl.owner"), "mine\n");
  EXPECT_FALSE(there("answers.jsonl"));
}

TEST_F(JobsTest, OfTwoTrainingsTheSecondIsRefused) {
#ifdef RESNET_THREADS_ARE_WATCHED
  GTEST_SKIP() << "oneDNN's threads are OpenMP's, which the thread sanitizer does not understand";
#endif
  for (const char* name : {"red", "blue"}) {
    fs::create_directories(folder() / "photos" / name);
    for (int i = 0; i < 4; ++i)
      write("photos/" + std::string(name) + "/" + std::to_string(i) + ".png",
            png(32, 32, {static_cast<std::uint8_t>(name[0] == 'r' ? 200 : 30), 30, 90}));
  }
  const std::vector<std::string> words = {"train",        "resnet8", "photos",    "-o", "out.onnx",
                                          "--batch-size", "4",       "--threads", "1",  "--iterations",
                                          "100000",       "--every", "2",         "-q"};
  std::vector<std::string> command = words;
  command.insert(command.begin(), program());
  RunOptions options;
  options.folder = folder();
  Running first(command, options);
  ASSERT_TRUE(comes([&] { return there("out.onnx.checkpoint.resnet"); }));
  for (const char* more : {"--resume", "--restart", "-v"}) {
    std::vector<std::string> second = words;
    second.back() = more;
    expect_refused(run(second), 2, "out.onnx: process ");
  }
  // Another network, but the same checkpoint.
  expect_refused(
      run({"train", "resnet8", "photos", "-o", "other.onnx", "--checkpoint", "out.onnx.checkpoint.resnet", "--resume"}), 2,
      "out.onnx.checkpoint.resnet: process ");
  EXPECT_FALSE(there("other.onnx.owner"));
  first.send_signal(SIGINT);
  EXPECT_EQ(first.wait().exit_code, 130);
  EXPECT_FALSE(there("out.onnx.owner"));
  EXPECT_FALSE(there("out.onnx.checkpoint.resnet.owner"));
  EXPECT_TRUE(there("out.onnx.checkpoint.resnet"));
}

// SIGXFSZ would kill, and leave what was begun.
TEST_F(JobsTest, ALimitOfAFilesSizeIsAsAFullDisk) {
  fs::create_directory(folder() / "out");
  ASSERT_EQ(run({"build", "resnet20", "-o", "net.onnx"}).exit_code, 0);
  std::string list;
  for (int i = 0; i < 300; ++i) list += "red.png\n";
  write("list.txt", list);
  const std::vector<std::vector<std::string>> all = {
      {"predict", "rgb.onnx", "@list.txt", "--preprocess", "raw", "-q", "--format", "jsonl", "-o", "out/x.jsonl"},
      {"predict", "rgb.onnx", "@list.txt", "--preprocess", "raw", "-q", "-o", "/dev/null", "--report", "out/x.html"},
      {"predict", "net.onnx", "@list.txt", "--output-type", "features", "-q", "-o", "out/x.npy"},
      {"convert", "net.onnx", "-o", "out/x.onnx", "-q"},
      {"convert", "net.onnx", "-o", "out/x.resnet", "-q"},
      {"convert", "net.onnx", "-o", "out/y.onnx", "--external-data", "-q"},
      {"build", "resnet20", "-o", "out/x.onnx"},
      {"inspect", "net.onnx", "-o", "out/x.html"}};
  for (const auto& words : all) {
    SCOPED_TRACE(words[0] + " " + words.back());
    const Finished finished = run_limited("-f 8", words);
    expect_refused(finished, 6, "cannot be written: File too large");
    EXPECT_TRUE(names_in("out").empty());
  }
  // What grows keeps what it has, and continues where there is room.
  std::vector<std::string> grows = {"predict", "rgb.onnx", "@list.txt", "--preprocess", "raw", "-q", "--resume", "out/x.jsonl"};
  expect_refused(run_limited("-f 8", grows), 6, "cannot be written: File too large");
  EXPECT_THAT(names_in("out"), ElementsAre("x.jsonl", "x.jsonl.job"));
  EXPECT_EQ(run(grows).exit_code, 0);
  grows[6] = "-o";
  grows[7] = "whole.jsonl";
  EXPECT_EQ(run(grows).exit_code, 0);
  EXPECT_EQ(read("out/x.jsonl"), read("whole.jsonl"));
}

TEST_F(JobsTest, AKilledRunLeavesNothing) {
  fs::create_directory(folder() / "out");
  RunOptions options;
  options.folder = folder();
  Running running({program(), "predict", "rgb.onnx", "-", "--preprocess", "raw", "-q", "-o", "out/x.csv"}, options);
  running.write("red.png\n");
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  running.send_signal(SIGKILL);
  EXPECT_EQ(running.wait().exit_code, 1000 + SIGKILL);
  EXPECT_TRUE(names_in("out").empty());
}

TEST_F(JobsTest, LinksInACircleAreNoInternalError) {
  fs::create_symlink("loop", folder() / "loop");
  fs::create_symlink("loop.html", folder() / "loop.html");
  const std::string words = "Too many levels of symbolic links";
  EXPECT_THAT(run({"predict", "rgb.onnx", "red.png", "--preprocess", "raw", "-q", "-o", "loop"}).exit_code, 6);
  expect_refused(run({"predict", "rgb.onnx", "red.png", "--preprocess", "raw", "-q", "--report", "loop.html"}), 6, words);
  expect_refused(run({"predict", "rgb.onnx", "red.png", "--preprocess", "raw", "-q", "--resume", "loop"}), 6, words);
  expect_refused(run({"convert", "rgb.onnx", "-q", "-o", "loop"}), 6, words);
  expect_refused(run({"build", "resnet8", "-o", "loop"}), 6, words);
  EXPECT_EQ(run({"inspect", "loop"}).exit_code, 2);
  EXPECT_EQ(run({"predict", "rgb.onnx", "loop", "--preprocess", "raw", "-q"}).exit_code, 5);
  const std::string name(300, 'n');
  expect_refused(run({"build", "resnet8", "-o", name}), 6, "File name too long");
  EXPECT_THAT(run({"inspect", name + ".onnx"}).exit_code, 3);
}

TEST_F(JobsTest, TooLittleMemoryIsOneLineAndOneCode) {
#ifdef RESNET_SANITIZED
  GTEST_SKIP() << "sanitizers reserve more memory than the limit";
#endif
  ASSERT_EQ(run({"build", "resnet101", "-o", "net.onnx"}).exit_code, 0);
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"predict", "net.onnx", "red.png", "-q", "--no-cache", "--threads", "1"},
        {"convert", "net.onnx", "-o", "out.resnet", "-q"},
        {"build", "resnet101", "-o", "other.onnx"}}) {
    SCOPED_TRACE(words[0]);
    expect_refused(run_limited("-v 150000", words), 4, "not enough memory");
  }
}

class CacheFolderTest : public JobsTest {
 protected:
  CacheFolderTest() { EXPECT_EQ(run({"build", "resnet8", "-o", "net.onnx"}).exit_code, 0); }
  Finished run_with(const std::string& cache, const std::vector<std::string>& words, const std::string& limit = "") const {
    RunOptions options;
    options.environment["RESNET_CLI_CACHE"] = (folder() / cache).string();
    if (!limit.empty()) options.environment["RESNET_CLI_CACHE_MIB"] = limit;
    return run(words, options);
  }
  Finished predict_with(const std::string& cache, const std::string& limit = "") const {
    return run_with(cache, {"predict", "net.onnx", "red.png"}, limit);
  }
  unsigned mode_of(const std::string& name) const {
    struct stat status {};
    return stat((folder() / name).c_str(), &status) == 0 ? status.st_mode & 07777 : 0;
  }
  void make(const std::string& name, unsigned mode) const {
    fs::create_directory(folder() / name);
    ASSERT_EQ(chmod((folder() / name).c_str(), mode), 0);
  }
};

TEST_F(CacheFolderTest, AFolderThatIsThereKeepsItsMode) {
  make("kept", 0755);
  EXPECT_EQ(predict_with("kept").exit_code, 0);
  EXPECT_EQ(mode_of("kept"), 0755u);
  EXPECT_EQ(names_in("kept").size(), 1u);
  EXPECT_EQ(mode_of("kept/" + *names_in("kept").begin()), 0600u);
  EXPECT_EQ(predict_with("new/er").exit_code, 0);
  EXPECT_EQ(mode_of("new/er"), 0700u);
}

TEST_F(CacheFolderTest, AFolderThatOthersMayWriteToIsNotUsed) {
  const Finished without = run({"predict", "net.onnx", "red.png", "--no-cache"});
  for (const unsigned mode : {01777u, 0777u, 0775u}) {
    fs::remove_all(folder() / "kept");
    make("kept", mode);
    const Finished finished = predict_with("kept");
    EXPECT_EQ(finished.exit_code, 0);
    EXPECT_EQ(finished.out, without.out);
    EXPECT_THAT(finished.err, HasSubstr("kept: others may write to it (mode "));
    EXPECT_EQ(std::count(finished.err.begin(), finished.err.end(), '\n'),
              std::count(without.err.begin(), without.err.end(), '\n') + 1);
    EXPECT_TRUE(names_in("kept").empty());
    EXPECT_EQ(mode_of("kept"), mode);
  }
}

TEST_F(CacheFolderTest, AnEntryThatOthersMayWriteToIsMadeAnew) {
  const Finished good = predict_with("kept");
  const std::string entry = "kept/" + *names_in("kept").begin();
  ASSERT_EQ(chmod((folder() / entry).c_str(), 0666), 0);
  const Finished again = predict_with("kept");
  EXPECT_EQ(again.out, good.out);
  EXPECT_EQ(again.err, good.err);
  EXPECT_EQ(mode_of(entry), 0600u);
  if (geteuid() != 0) return;
  ASSERT_EQ(chown((folder() / entry).c_str(), 65534, 65534), 0);
  EXPECT_EQ(predict_with("kept").out, good.out);
  struct stat status {};
  ASSERT_EQ(stat((folder() / entry).c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, 0u);
  ASSERT_EQ(chown((folder() / "kept").c_str(), 65534, 65534), 0);
  EXPECT_THAT(predict_with("kept").err, HasSubstr("kept: belongs to another user (65534)"));
}

TEST_F(CacheFolderTest, OddFilesAreReplacedAndNeverFollowed) {
  const Finished good = predict_with("kept");
  const fs::path entry = folder() / "kept" / *names_in("kept").begin();
  write("precious", "precious");
  const std::vector<std::function<void()>> all = {
      [&] { ASSERT_EQ(mkfifo(entry.c_str(), 0600), 0); }, [&] { fs::create_symlink("nowhere", entry); },
      [&] { fs::create_symlink(entry.filename(), entry); }, [&] { fs::create_symlink("../precious", entry); },
      [&] { fs::create_directory(entry); }};
  for (std::size_t i = 0; i < all.size(); ++i) {
    SCOPED_TRACE(i);
    fs::remove(entry);
    all[i]();
    const Finished again = predict_with("kept");
    EXPECT_EQ(again.exit_code, 0);
    EXPECT_EQ(again.out, good.out);
    EXPECT_EQ(again.err, good.err);
    EXPECT_EQ(fs::is_regular_file(fs::symlink_status(entry)), i + 1 < all.size());
    EXPECT_EQ(run_with("kept", {"cache", "list"}).exit_code, 0);
  }
  EXPECT_EQ(read("precious"), "precious");
}

TEST_F(CacheFolderTest, OnlyWhatTheProgramMadeIsRemoved) {
  EXPECT_EQ(predict_with("kept").exit_code, 0);
  const std::string entry = *names_in("kept").begin(), digits(32, 'a');
  const std::set<std::string> strangers = {"notes.txt",          "thesis.prepared.doc",    "x.prepared",
                                           digits + ".prepared", digits + ".prepared.bak", "old.prepared.bak"};
  for (const std::string& name : strangers) {
    write("kept/" + name, std::string(3 << 20, 'm'));
    fs::last_write_time(folder() / "kept" / name, fs::file_time_type::clock::now() - std::chrono::hours(10'000));
  }
  write("kept/" + std::string(32, 'b') + ".prepared", "");  // of a machine that crashed
  EXPECT_THAT(run_with("kept", {"cache", "list"}).err, HasSubstr("2 networks"));
  EXPECT_EQ(predict_with("kept", "2").exit_code, 0);
  EXPECT_TRUE(there("kept/" + entry));  // others' megabytes are not counted
  EXPECT_THAT(run_with("kept", {"cache", "clear"}).err, HasSubstr("2 networks removed"));
  EXPECT_EQ(names_in("kept"), strangers);
}

}  // namespace
}  // namespace resnet::test
