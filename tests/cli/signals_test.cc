// Ctrl-C, and readers that go away.
#include <signal.h>

#include <chrono>
#include <thread>

#include "tests/cli/fixture.h"

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
  EXPECT_EQ(files(), before);
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
