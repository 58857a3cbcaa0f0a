// Ctrl-C, and readers that go away.
#include <signal.h>

#include <chrono>
#include <fstream>
#include <iterator>
#include <thread>
#include <vector>

#include "tests/cli/fixture.h"
#include "tests/support/sanitized.h"

namespace resnet::test {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

class SignalsTest : public CliTest {
 protected:
  RunOptions here() const {
    RunOptions options;
    options.folder = folder();
    return options;
  }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder()), fs::directory_iterator()));
  }
  // Whether the process has begun with an output, which has no name until it is whole.
  bool has_begun_a_file(pid_t process) const {
    std::error_code failed;
    for (fs::directory_iterator at("/proc/" + std::to_string(process) + "/fd", failed), end; !failed && at != end;
         at.increment(failed)) {
      std::error_code gone;
      const std::string target = fs::read_symlink(at->path(), gone).string();
      if (target.starts_with(fs::canonical(folder()).string() + "/#") && target.ends_with("(deleted)")) return true;
    }
    return false;
  }
  // Until then the command is not at work.
  void wait_until_it_writes(const Running& running) const {
    const auto end = Clock::now() + std::chrono::seconds(60);
    while (!has_begun_a_file(running.process()) && Clock::now() < end) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    ASSERT_TRUE(has_begun_a_file(running.process()));
  }
  // What "within a second" may be on a busy machine or under a sanitizer.
  static constexpr auto soon = std::chrono::seconds(8);
};

TEST_F(SignalsTest, CtrlCWhileWaitingForStdin) {
  const std::size_t before = files();
  for (const int signal_number : {SIGINT, SIGTERM}) {
    Running running({program(), "predict", "rgb.onnx", "-", "-q", "-o", "answers.csv"}, here());
    running.write("red.png\n");
    wait_until_it_writes(running);
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    running.send_signal(signal_number);
    // Its stdin stays open: only the signal can end it.
    const auto start = Clock::now();
    EXPECT_EQ(running.read_out(), "");
    EXPECT_LT(Clock::now() - start, soon);
    const Finished finished = running.wait();
    EXPECT_EQ(finished.exit_code, 130);
    EXPECT_EQ(finished.out, "");
    EXPECT_EQ(files(), before);
  }
}

TEST_F(SignalsTest, CtrlCWhileWorkThatAsksNobody) {
  const std::size_t before = files();
  Running running({program(), "build", "resnet152", "-o", "r152.onnx"}, here());
  wait_until_it_writes(running);
  running.send_signal(SIGINT);
  const auto start = Clock::now();
  const Finished finished = running.wait();
  EXPECT_LT(Clock::now() - start, soon);
  EXPECT_EQ(finished.exit_code, 130);
  EXPECT_EQ(finished.err, "resnet-cli: interrupted\n");
  EXPECT_EQ(files(), before);
}

TEST_F(SignalsTest, CtrlCBetweenImages) {
  std::string list;
  for (int i = 0; i < 200'000; ++i) list += "red.png\n";
  write("list.txt", list);
  const std::size_t before = files();
  Running running({program(), "predict", "rgb.onnx", "@list.txt", "-q", "-o", "answers.csv"}, here());
  wait_until_it_writes(running);
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  running.send_signal(SIGINT);
  const auto start = Clock::now();
  const Finished finished = running.wait();
  EXPECT_LT(Clock::now() - start, soon);
  EXPECT_EQ(finished.exit_code, 130);
  EXPECT_EQ(finished.err, "resnet-cli: interrupted\n");
  EXPECT_EQ(files(), before);
}

// The children of a process.
std::vector<pid_t> children_of(pid_t process) {
  const std::string id = std::to_string(process);
  std::ifstream file("/proc/" + id + "/task/" + id + "/children");
  return {std::istream_iterator<pid_t>(file), {}};
}

class MeasuringTest : public SignalsTest {
 protected:
  // A bench whose measuring process, which is returned, is at work for long.
  pid_t wait_for_child(const Running& running) const {
    const auto end = Clock::now() + std::chrono::seconds(60);
    while (Clock::now() < end) {
      if (const auto children = children_of(running.process()); !children.empty()) {
        std::this_thread::sleep_for(std::chrono::milliseconds(200));
        return children.front();
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return -1;
  }
  std::vector<std::string> command() const { return {program(), "bench", "resnet20", "--duration", "60", "-q"}; }
};

TEST_F(SignalsTest, AnInterruptedCheckLeavesWhatWasThere) {
  for (const char* name : {"out.onnx", "out.resnet"}) {
    write(name, "as it was");
    for (const std::string& output : {std::string(name), "new_" + std::string(name)}) {
      const std::size_t before = files();
      Running running({program(), "convert", "resnet50", "--check", "500", "-o", output}, here());
      wait_until_it_writes(running);
      std::this_thread::sleep_for(std::chrono::milliseconds(1500));
      running.send_signal(SIGINT);
      const Finished finished = running.wait();
      EXPECT_EQ(finished.exit_code, 130);
      EXPECT_EQ(finished.err, "resnet-cli: interrupted\n");
      EXPECT_EQ(files(), before);
    }
    EXPECT_EQ(read(name), "as it was");
  }
}

TEST_F(SignalsTest, JsonIsADocumentBeforeTheFirstAnswer) {
  Running running({program(), "predict", "resnet152", "red.png", "--format", "json", "-q"}, here());
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  running.send_signal(SIGINT);
  const Finished finished = running.wait();
  EXPECT_EQ(finished.exit_code, 130);
  EXPECT_EQ(finished.out, "[]\n");
  EXPECT_EQ(finished.err, "resnet-cli: interrupted\n");
}

TEST_F(MeasuringTest, GoesWithItsParent) {
  for (const int signal_number : {SIGINT, SIGTERM, SIGKILL}) {
    Running running(command(), here());
    const pid_t child = wait_for_child(running);
    ASSERT_GT(child, 0);
    running.send_signal(signal_number);
    const auto start = Clock::now();
    EXPECT_EQ(running.read_out(), "");  // to its end, which a child that lives would not let come
    EXPECT_LT(Clock::now() - start, soon);
    const Finished finished = running.wait();
    EXPECT_EQ(finished.exit_code, signal_number == SIGKILL ? 1000 + SIGKILL : 130);
    EXPECT_EQ(finished.err, signal_number == SIGKILL ? "" : "resnet-cli: interrupted\n");
  }
}

TEST_F(MeasuringTest, WhatKilledItIsTold) {
  for (const int signal_number : {SIGKILL, SIGTERM}) {
    Running running(command(), here());
    const pid_t child = wait_for_child(running);
    ASSERT_GT(child, 0);
    kill(child, signal_number);
    const std::string name = signal_number == SIGKILL ? "SIGKILL (Killed)" : "SIGTERM (Terminated)";
    expect_refused(running.wait(), 4, "the measuring process was killed by " + name);
  }
}

TEST_F(MeasuringTest, WithoutRoomForAPipe) {
#ifdef RESNET_SANITIZED
  GTEST_SKIP() << "the sanitizer itself needs pipes, to find out which memory it may read";
#endif
  // Whoever runs the tests may have left descriptors open, which would leave none to load the program itself.
  const Finished finished = run_command(
      {"bash", "-c", "for n in {3..255}; do eval \"exec $n>&-\"; done; ulimit -n 5; exec \"$0\" bench resnet20 --duration 1",
       program()},
      here());
  expect_refused(finished, 4, "a process cannot be started: Too many open files");
}

TEST_F(SignalsTest, ABrokenPipeIsSuccess) {
  std::string list;
  for (int i = 0; i < 20'000; ++i) list += "red.png\n";
  write("list.txt", list);
  Running running({program(), "predict", "rgb.onnx", "@list.txt", "-q", "--format", "csv", "--topk", "3"}, here());
  EXPECT_NE(running.read_out(), "");
  running.close_out();
  const Finished finished = running.wait();
  EXPECT_EQ(finished.exit_code, 0);
  EXPECT_EQ(finished.err, "");
}

TEST_F(SignalsTest, HelpIntoABrokenPipeIsSuccess) {
  const Finished finished = run_command(
      {"bash", "-c",
       "\"$0\" predict --help | true; echo ${PIPESTATUS[0]}; (sleep 0.3; exec \"$0\" --help) | true; echo ${PIPESTATUS[0]}",
       program()});
  EXPECT_EQ(finished.out, "0\n0\n");
  EXPECT_EQ(finished.err, "");
}

TEST_F(SignalsTest, HeadEndsALongAnswer) {
  std::string list;
  for (int i = 0; i < 20'000; ++i) list += "red.png\n";
  write("list.txt", list);
  const Finished finished = run_command(
      {"bash", "-c",
       "\"$0\" predict rgb.onnx @list.txt -q --topk 1 --preprocess raw --format csv | head -n 2; echo ${PIPESTATUS[0]}",
       program()},
      here());
  EXPECT_EQ(finished.out, "input,rank,index,label,probability,logit\nred.png,1,0,,1,255\n0\n");
  EXPECT_EQ(finished.err, "");
}

}  // namespace
}  // namespace resnet::test
