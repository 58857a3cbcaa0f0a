#include "cli/terminal/signals.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

#include "lib/base/files.h"
#include "lib/base/remove_when_killed.h"
#include "tests/support/temporary_folder.h"

namespace resnet::test {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

std::atomic<bool> stop_requested = false;

// Runs `body` in a child process; its exit code, or 1000 + the signal that ended it.
template <typename Body>
int exit_code_of(Body body) {
  const pid_t child = fork();
  if (child == 0) {
    signal(SIGINT, SIG_DFL);
    cli::handle_interrupts(stop_requested);
    body();
    _exit(99);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

void wait_for(Clock::duration time) {
  const auto end = Clock::now() + time;
  while (Clock::now() < end) std::this_thread::sleep_for(std::chrono::milliseconds(5));
}

TEST(InterruptTest, TheFlagIsSet) {
  const int code = exit_code_of([] {
    if (stop_requested) _exit(1);
    raise(SIGINT);
    _exit(stop_requested ? 42 : 2);
  });
  EXPECT_EQ(code, 42);
}

TEST(InterruptTest, WhoDoesNotAskIsEndedWithinASecondAndTheTemporaryFileIsRemoved) {
  const TemporaryFolder folder;
  const auto start = Clock::now();
  const int code = exit_code_of([&] {
    AtomicFile file(folder.path() / "out.onnx", {.unnamed = false});
    file.stream() << "half" << std::flush;
    if (fs::is_empty(folder.path())) _exit(1);
    raise(SIGTERM);
    wait_for(std::chrono::seconds(20));
  });
  EXPECT_EQ(code, 130);
  const auto taken = Clock::now() - start;
  EXPECT_GE(taken, std::chrono::milliseconds(600));
  EXPECT_LT(taken, std::chrono::seconds(5));
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(InterruptTest, TheSecondSignalEndsAtOnce) {
  const TemporaryFolder folder;
  const auto file = folder.write("temporary", "x");
  const int code = exit_code_of([&] {
    const RemoveWhenKilled mark(file);
    raise(SIGINT);
    raise(SIGINT);
    _exit(1);
  });
  EXPECT_EQ(code, 130);
  EXPECT_FALSE(fs::exists(file));
}

TEST(InterruptTest, WhoeverEndsTheProcessSaysSoOnce) {
  for (const bool told : {false, true}) {
    const TemporaryFolder folder;
    const auto file = folder.write("stderr", "");
    const int code = exit_code_of([&] {
      if (!std::freopen(file.c_str(), "w", stderr)) _exit(1);
      if (told && !cli::tells_interruption()) _exit(2);
      raise(SIGINT);
      raise(SIGINT);
    });
    EXPECT_EQ(code, 130);
    std::ifstream written(file);
    const std::string text{std::istreambuf_iterator<char>(written), {}};
    EXPECT_EQ(text, told ? "" : "resnet-cli: interrupted\n");
  }
}

TEST(InterruptTest, AFileNoLongerMarkedStays) {
  const TemporaryFolder folder;
  const auto file = folder.write("kept", "x");
  const int code = exit_code_of([&] {
    { const RemoveWhenKilled mark(file); }
    raise(SIGINT);
    raise(SIGINT);
  });
  EXPECT_EQ(code, 130);
  EXPECT_TRUE(fs::exists(file));
}

TEST(InterruptTest, WhatWasIgnoredStaysIgnored) {
  const int code = exit_code_of([] {
    signal(SIGHUP, SIG_IGN);
    cli::handle_interrupts(stop_requested);
    raise(SIGHUP);
    _exit(stop_requested ? 1 : 0);
  });
  EXPECT_EQ(code, 0);
}

}  // namespace
}  // namespace resnet::test
