// What one process of a job does beside others that are slow, dead or gone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <span>

#include "cli/tasks/job/new_file.h"
#include "cli/tasks/job/worker.h"
#include "lib/base/error.h"
#include "lib/base/owner_record.h"
#include "tests/cli/tasks/fixture.h"
#include "tests/support/temporary_folder.h"

namespace resnet::test {
namespace {

using namespace cli;
namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::HasSubstr;

// Ten chunks of one input each. A worker that had to be waited for would keep the test from its end.
class JobWorkerTest : public testing::Test {
 protected:
  JobWorkerTest() {
    InputListDraft draft(folder());
    for (int i = 0; i < 10; ++i) draft.add({std::to_string(i), ""});
    draft.publish(1, 1);
  }
  const fs::path& folder() const { return folder_.path(); }
  // By a process of a machine of which nothing else is known.
  void claim(std::size_t chunk, int generation) const {
    OwnerRecord owner = OwnerRecord::of_this_process();
    owner.host = owner.boot = owner.pid_namespace = "elsewhere";
    publish(place_of(folder(), "claims", chunk).string() + "." + std::to_string(generation), owner.to_text());
  }
  std::optional<WholeJob> work(bool waits) const {
    const InputList inputs(folder());
    Heard heard;
    const TaskContext context{heard};
    JobWorker worker(folder(), inputs, context, {.waits = waits, .patience = 1h, .pause = 10ms});
    return worker.run([](std::span<const cli::Input> some) {
      Computed computed;
      for (const cli::Input& input : some) computed.bytes += input.path.string() + "\n";
      return computed;
    });
  }

 private:
  TemporaryFolder folder_;
};

TEST_F(JobWorkerTest, TheChunkOfASlowWorkerIsTakenOverByOneThatKnowsHowLongTheyTake) {
  claim(3, 1);
  const auto whole = work(true);
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->inputs, 10U);
  EXPECT_EQ(read_published(folder() / name_of_whole), "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n");
}

// An input may take long: it is not to be given up because many began with it soon after each other.
TEST_F(JobWorkerTest, OnceMoreItIsTakenOverLate) {
  claim(3, 1);
  claim(3, 2);
  EXPECT_FALSE(work(false));
  EXPECT_FALSE(is_published(folder() / "claims/0/3.3"));
  EXPECT_TRUE(is_published(folder() / "parts/0/9"));
}

TEST_F(JobWorkerTest, WhoHasNoChunkOfItsOwnWaitsLong) {
  for (std::size_t i = 0; i < 10; ++i) claim(i, 1);
  EXPECT_FALSE(work(false));
  EXPECT_FALSE(is_published(folder() / "claims/0/3.2"));
}

// It cannot be made again where it cannot be removed: it is named, and nothing is computed for ever.
TEST_F(JobWorkerTest, ADamagedPartThatStaysIsNamed) {
  fs::create_directories(folder() / "parts/0/4/not empty");
  try {
    work(true);
    FAIL() << "a folder was taken for a part";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("parts/0/4: is not a file"));
  }
}

}  // namespace
}  // namespace resnet::test
