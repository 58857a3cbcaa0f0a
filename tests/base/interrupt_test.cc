#include "lib/base/interrupt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "lib/base/error.h"
#include "lib/base/files.h"
#include "tests/support/temporary_folder.h"

namespace resnet {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

// Runs `body` in a child process; its exit code, or 1000 + the signal that ended it.
template <typename Body>
int exit_code_of(Body body) {
  const pid_t child = fork();
  if (child == 0) {
    signal(SIGINT, SIG_DFL);
    handle_interrupts();
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

TEST(InterruptTest, TheFlagIsSetAndTheErrorTellsOfIt) {
  EXPECT_FALSE(interrupted());
  EXPECT_NO_THROW(throw_if_interrupted());
  const int code = exit_code_of([] {
    raise(SIGINT);
    if (!interrupted()) _exit(1);
    try {
      throw_if_interrupted();
    } catch (const Error& error) {
      _exit(error.fault() == Fault::interrupted ? 42 : 1);
    }
  });
  EXPECT_EQ(code, 42);
}

TEST(InterruptTest, WhoDoesNotAskIsEndedWithinASecondAndTheTemporaryFileIsRemoved) {
  const test::TemporaryFolder folder;
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
  const test::TemporaryFolder folder;
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

TEST(InterruptTest, AFileNoLongerMarkedStays) {
  const test::TemporaryFolder folder;
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
    handle_interrupts();
    raise(SIGHUP);
    _exit(interrupted() ? 1 : 0);
  });
  EXPECT_EQ(code, 0);
}

}  // namespace
}  // namespace resnet
