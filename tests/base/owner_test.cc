#include "lib/base/owner.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <barrier>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "lib/base/error.h"
#include "lib/base/owner_record.h"
#include "lib/base/temporaries.h"
#include "tests/support/observe.h"
#include "tests/support/temporary_folder.h"

namespace resnet {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using test::content;
using test::error_of;
using test::names_in;
using test::TemporaryFolder;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class OwnerTest : public testing::Test {
 protected:
  const fs::path& folder() const { return folder_.path(); }
  fs::path file() const { return folder() / "answers.jsonl"; }
  fs::path owner_file() const { return folder() / "answers.jsonl.owner"; }
  OwnerRecord record() const { return OwnerRecord::parse(content(owner_file())).value(); }
  void write(const OwnerRecord& record) const { folder_.write("answers.jsonl.owner", record.to_text()); }

  // The record of a process that has ended.
  static OwnerRecord dead() {
    const pid_t child = fork();
    if (child == 0) _exit(0);
    OwnerRecord record = OwnerRecord::of_this_process();
    record.pid = child;
    waitpid(child, nullptr, 0);
    return record;
  }
  static OwnerRecord elsewhere() {
    OwnerRecord record = OwnerRecord::of_this_process();
    record.host = "n17";
    record.boot = "another boot";
    record.pid = 4711;
    return record;
  }

 private:
  TemporaryFolder folder_;
};

TEST_F(OwnerTest, SaysWhoItIsAndGoesWithTheOwner) {
  {
    Owner owner(file());
    EXPECT_THAT(names_in(folder()), ElementsAre("answers.jsonl.owner"));
    EXPECT_EQ(record().pid, getpid());
    EXPECT_EQ(life_of(record()), Life::runs);
    owner.check();
  }
  EXPECT_THAT(names_in(folder()), IsEmpty());
}

TEST_F(OwnerTest, TheSecondOneIsRefusedByName) {
  const Owner owner(file());
  const OwnerRecord first = record();
  const auto [kind, line] = error_of([&] { Owner second(file()); });
  EXPECT_EQ(kind, Fault::invalid);
  EXPECT_EQ(line, file().string() + ": process " + std::to_string(getpid()) + " on host " + first.host +
                      " is working on it (answers.jsonl.owner says so); wait until it ends, or name another file");
  EXPECT_EQ(record().token, first.token);
  EXPECT_THAT(names_in(folder()), ElementsAre("answers.jsonl.owner"));
}

TEST_F(OwnerTest, AFileThatIsReachedByALinkIsTheSame) {
  fs::create_symlink("answers.jsonl", folder() / "link");
  const Owner owner(folder() / "link");
  EXPECT_TRUE(fs::exists(owner_file()));
  EXPECT_EQ(error_of([&] { Owner second(file()); }).first, Fault::invalid);
}

TEST_F(OwnerTest, TakesOverFromAProcessThatWasKilled) {
  const pid_t child = fork();
  if (child == 0) {
    try {
      const Owner owner(file());
      raise(SIGKILL);
    } catch (...) {
    }
    _exit(1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));
  ASSERT_EQ(record().pid, child);
  {
    const Owner owner(file(), [](const std::string& line) { FAIL() << "it need not be watched: " << line; });
    EXPECT_EQ(record().pid, getpid());
    EXPECT_THAT(names_in(folder()), ElementsAre("answers.jsonl.owner"));
  }
  EXPECT_THAT(names_in(folder()), IsEmpty());
}

TEST_F(OwnerTest, AProcessOfTheSameNumberIsAnotherOne) {
  OwnerRecord other = OwnerRecord::of_this_process();
  other.start += 1;
  write(other);
  const Owner owner(file());
  EXPECT_NE(record().token, other.token);
}

TEST_F(OwnerTest, AZombieIsGone) {
  const pid_t child = fork();
  if (child == 0) _exit(0);
  OwnerRecord zombie = OwnerRecord::of_this_process();
  zombie.pid = child;
  zombie.start = 0;
  siginfo_t info = {};
  waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT);
  EXPECT_EQ(life_of(zombie), Life::is_gone);
  waitpid(child, nullptr, 0);
}

// Time passes where it waits, and nowhere else.
struct FakeTime {
  std::chrono::steady_clock::time_point time = std::chrono::steady_clock::now();
  std::function<void()> meanwhile = [] {};
  Owner::Timing timing() {
    return {.now = [this] { return time; },
            .wait =
                [this](std::chrono::milliseconds pause) {
                  time += pause;
                  meanwhile();
                }};
  }
};

TEST_F(OwnerTest, AnotherMachinesIsTakenOverAfterAMinuteOfSilence) {
  write(elsewhere());
  FakeTime fake;
  const auto begin = fake.time;
  std::vector<std::string> notes;
  const Owner owner(
      file(), [&](const std::string& line) { notes.push_back(line); }, fake.timing());
  EXPECT_EQ(record().pid, getpid());
  EXPECT_GE(fake.time - begin, 60s);
  EXPECT_LT(fake.time - begin, 62s);
  EXPECT_THAT(notes, ElementsAre(AllOf(StartsWith(file().string()), HasSubstr("process 4711 on host n17"), HasSubstr("60 s"))));
}

TEST_F(OwnerTest, AnotherMachinesThatCountsIsRefused) {
  OwnerRecord other = elsewhere();
  write(other);
  FakeTime fake;
  const auto begin = fake.time;
  fake.meanwhile = [&] {
    if (fake.time - begin < 50s || other.beat > 0) return;
    ++other.beat;
    write(other);
  };
  const auto [kind, line] = error_of([&] { Owner owner(file(), {}, fake.timing()); });
  EXPECT_EQ(kind, Fault::invalid);
  EXPECT_THAT(line, HasSubstr("process 4711 on host n17 is working on it"));
  EXPECT_EQ(record().token, other.token);
}

// The file's time and what other clocks say do not matter.
TEST_F(OwnerTest, AnOldFileIsNotASilentOne) {
  const OwnerRecord other = elsewhere();
  write(other);
  fs::last_write_time(owner_file(), fs::file_time_type::clock::now() - 1000h);
  FakeTime fake;
  fake.meanwhile = [&] { raise(SIGUSR1); };
  static std::atomic<int> waits;
  waits = 0;
  signal(SIGUSR1, [](int) { ++waits; });
  const Owner owner(file(), {}, fake.timing());
  EXPECT_GT(waits, 10);
}

TEST_F(OwnerTest, GoesOnWhereTheOtherEndsMeanwhile) {
  write(elsewhere());
  FakeTime fake;
  const auto begin = fake.time;
  fake.meanwhile = [&] { fs::remove(owner_file()); };
  const Owner owner(file(), {}, fake.timing());
  EXPECT_EQ(record().pid, getpid());
  EXPECT_LT(fake.time - begin, 5s);
}

TEST_F(OwnerTest, CountsUp) {
  Owner owner(file(), {}, {.beat = 5ms});
  const std::uint64_t first = record().beat;
  for (int i = 0; i < 1000 && record().beat < first + 3; ++i) std::this_thread::sleep_for(5ms);
  EXPECT_GE(record().beat, first + 3);
}

TEST_F(OwnerTest, AFileThatWasRemovedIsMadeAgain) {
  Owner owner(file(), {}, {.beat = 5ms});
  const std::string token = record().token;
  fs::remove(owner_file());
  for (int i = 0; i < 1000 && !OwnerRecord::parse(content(owner_file())); ++i) std::this_thread::sleep_for(5ms);
  EXPECT_EQ(record().token, token);
  owner.check();
  EXPECT_THAT(names_in(folder()), ElementsAre("answers.jsonl.owner"));
}

TEST_F(OwnerTest, OneThatStoodStillFindsOutBeforeItWrites) {
  FakeTime fake;
  const OwnerRecord other = elsewhere();
  {
    Owner owner(file(), {}, fake.timing());
    owner.check();
    write(other);   // taken over
    owner.check();  // between two beats nobody has had the time to
    fake.time += 70s;
    const auto [kind, line] = error_of([&] { owner.check(); });
    EXPECT_EQ(kind, Fault::unwritable);
    EXPECT_THAT(line, HasSubstr("another process has taken it over"));
  }
  EXPECT_EQ(record().token, other.token);  // not ours to remove
}

TEST_F(OwnerTest, WhatIsNoOwnerFileIsLeftAlone) {
  std::ofstream(owner_file()) << "a list of who owns which answers\n";
  auto [kind, line] = error_of([&] { Owner owner(file()); });
  EXPECT_EQ(kind, Fault::invalid);
  EXPECT_THAT(line, StartsWith(owner_file().string() + ": is not an owner file of this program, and is left alone"));
  EXPECT_EQ(content(owner_file()), "a list of who owns which answers\n");
  fs::remove(owner_file());
  fs::create_directory(owner_file());
  EXPECT_EQ(error_of([&] { Owner owner(file()); }).first, Fault::invalid);
  fs::remove(owner_file());
  fs::create_symlink("answers.jsonl.owner", owner_file());
  EXPECT_EQ(error_of([&] { Owner owner(file()); }).first, Fault::invalid);
  EXPECT_THAT(names_in(folder()), ElementsAre("answers.jsonl.owner"));
}

TEST_F(OwnerTest, WhatCannotGrowHasNoOwner) {
  EXPECT_EQ(error_of([] { Owner owner("/dev/null"); }).first, Fault::invalid);
  EXPECT_EQ(error_of([&] { Owner owner(folder()); }).first, Fault::invalid);
  EXPECT_EQ(error_of([&] { Owner owner(folder() / "none" / "x"); }).first, Fault::unwritable);
  EXPECT_FALSE(fs::exists("/dev/null.owner"));
}

TEST_F(OwnerTest, AClaimWhoseMakerWasKilledIsTakenOverToo) {
  const OwnerRecord first = dead(), second = dead();
  write(first);
  std::ofstream(folder() / (".resnet-cli-tmp." + first.token.substr(0, 16))) << second.to_text();
  const Owner owner(file());
  EXPECT_EQ(record().pid, getpid());
  EXPECT_THAT(names_in(folder()), ElementsAre("answers.jsonl.owner"));
}

TEST_F(OwnerTest, AClaimOfOneThatRunsIsRespected) {
  const OwnerRecord first = dead();
  write(first);
  std::ofstream(folder() / (".resnet-cli-tmp." + first.token.substr(0, 16))) << OwnerRecord::of_this_process().to_text();
  EXPECT_EQ(error_of([&] { Owner owner(file()); }).first, Fault::invalid);
  EXPECT_EQ(record().token, first.token);
}

// Every second time after one that was killed, and half of the times where there are no links.
TEST_F(OwnerTest, OfManyThreadsOneWins) {
  constexpr int threads = 8, rounds = 60;
  for (int round = 0; round < rounds; ++round) {
    const Owner::Timing timing{.links = round < rounds / 2};
    if (round % 2 == 1) write(dead());
    std::atomic<int> winners = 0, refused = 0;
    std::barrier begin(threads), tried(threads);
    {
      std::vector<std::jthread> all;
      for (int i = 0; i < threads; ++i) {
        all.emplace_back([&] {
          begin.arrive_and_wait();
          std::unique_ptr<Owner> owner;
          const auto [kind, line] = error_of([&] { owner = std::make_unique<Owner>(file(), Owner::Note(), timing); });
          ++(owner ? winners : refused);
          EXPECT_TRUE(owner || line.find("is working on it") != line.npos) << line;
          tried.arrive_and_wait();  // until then it is held
        });
      }
    }
    ASSERT_EQ(winners, 1) << "round " << round;
    ASSERT_EQ(refused, threads - 1);
    ASSERT_THAT(names_in(folder()), IsEmpty());
  }
}

// Each holds what it has for a moment, and none meets another there; some are killed in between.
class OwnerProcesses : public OwnerTest, public testing::WithParamInterface<bool> {};
INSTANTIATE_TEST_SUITE_P(Links, OwnerProcesses, testing::Bool());

TEST_P(OwnerProcesses, NeverHoldItTogether) {
  constexpr int processes = 6, rounds = 40;
  const bool links = GetParam();
  std::vector<pid_t> children;
  for (int i = 0; i < processes; ++i) {
    const pid_t child = fork();
    if (child != 0) {
      children.push_back(child);
      continue;
    }
    int held = 0;
    for (int round = 0; round < rounds; ++round) {
      try {
        const Owner owner(file(), {}, {.links = links});
        const int alone = open((folder() / "inside").c_str(), O_CREAT | O_EXCL | O_WRONLY, 0600);
        if (alone < 0) _exit(99);
        close(alone);
        ++held;
        usleep(500);
        unlink((folder() / "inside").c_str());
        if (i >= 3 && held == 3) raise(SIGKILL);  // outside of "inside", yet the owner
      } catch (const Error& error) {
        if (error.fault() != Fault::invalid) _exit(98);
      }
      usleep(static_cast<useconds_t>(200 * (i + 1)));
    }
    _exit(0);
  }
  for (const pid_t child : children) {
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) ? WEXITSTATUS(status) == 0 : WTERMSIG(status) == SIGKILL) << status;
  }
  const Owner owner(file());
  EXPECT_EQ(record().pid, getpid());
}

TEST(OwnerRecord, ComesBackFromItsText) {
  OwnerRecord record = OwnerRecord::of_this_process();
  record.beat = 12345;
  const std::string text = record.to_text();
  const auto back = OwnerRecord::parse(text);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->to_text(), text);
  EXPECT_EQ(text.substr(record.beat_offset(), record.beat_text().size()), record.beat_text());
  for (std::size_t size = 0; size < text.size(); ++size) EXPECT_FALSE(OwnerRecord::parse(text.substr(0, size))) << size;
}

TEST(OwnerRecord, ShowsNoControlCharactersOfAFile) {
  OwnerRecord record = OwnerRecord::of_this_process();
  record.host = "\x1b[31mred";
  EXPECT_EQ(record.describe(), "process " + std::to_string(getpid()) + " on host ?[31mred");
}

}  // namespace
}  // namespace resnet
