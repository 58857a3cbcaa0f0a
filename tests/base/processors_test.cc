#include "lib/base/processors.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/temporary_folder.h"

namespace resnet {
namespace {

namespace fs = std::filesystem;

TEST(PhysicalCores, AreAtLeastOneAndNoMoreThanTheProcessMayUse) {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  ASSERT_EQ(sched_getaffinity(0, sizeof(allowed), &allowed), 0);
  EXPECT_GE(physical_cores(), 1u);
  EXPECT_LE(physical_cores(), static_cast<std::size_t>(CPU_COUNT(&allowed)));
}

TEST(PhysicalCores, FollowTheAffinity) {
  // In a thread of its own: the affinity is the calling thread's.
  std::size_t counted = 0;
  std::thread([&] {
    cpu_set_t allowed, one;
    CPU_ZERO(&allowed);
    if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return;
    CPU_ZERO(&one);
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (!CPU_ISSET(cpu, &allowed)) continue;
      CPU_SET(cpu, &one);
      break;
    }
    if (sched_setaffinity(0, sizeof(one), &one) == 0) counted = physical_cores();
  }).join();
  EXPECT_EQ(counted, 1u);
}

TEST(UsableProcessors, AreNoFewerThanTheCores) {
  EXPECT_GE(usable_processors(), physical_cores());
  EXPECT_LE(usable_processors(), allowed_processors().size());
}

// A machine made of files.
class FakeMachine : public testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) const {
    fs::create_directories((root() / name).parent_path());
    std::ofstream(root() / name) << text;
  }
  void mount(const std::string& lines) const { write("proc/self/mountinfo", "22 1 0:21 / /proc rw - proc proc rw\n" + lines); }
  const fs::path& root() const { return folder_.path(); }

 private:
  test::TemporaryFolder folder_;
};

TEST_F(FakeMachine, HyperthreadsOfACoreCountOnce) {
  const char* siblings[] = {"0,2", "1,3", "0,2", "1,3"};
  for (int i = 0; i < 4; ++i)
    write("sys/devices/system/cpu/cpu" + std::to_string(i) + "/topology/core_cpus_list", siblings[i] + std::string("\n"));
  EXPECT_EQ(cores_of(std::vector<int>{0, 1, 2, 3}, root()), 2u);
  EXPECT_EQ(cores_of(std::vector<int>{0, 2}, root()), 1u);
  EXPECT_EQ(cores_of(std::vector<int>{}, root()), 0u);
}

TEST_F(FakeMachine, OldKernelsAndKernelsThatDoNotSayHaveCores) {
  write("sys/devices/system/cpu/cpu0/topology/thread_siblings_list", "0-1\n");
  write("sys/devices/system/cpu/cpu1/topology/thread_siblings_list", "0-1\n");
  EXPECT_EQ(cores_of(std::vector<int>{0, 1}, root()), 1u);
  EXPECT_EQ(cores_of(std::vector<int>{0, 1, 7, 9}, root()), 3u);
}

TEST_F(FakeMachine, WithoutCgroupsThereIsNoQuota) {
  EXPECT_EQ(processor_quota(root()), std::nullopt);
  mount("");
  write("proc/self/cgroup", "0::/\n");
  EXPECT_EQ(processor_quota(root()), std::nullopt);
}

TEST_F(FakeMachine, QuotaOfVersion2IsTheLeastOfTheGroupAndThoseAboveIt) {
  mount("30 22 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n");
  write("proc/self/cgroup", "0::/system.slice/job.scope\n");
  write("sys/fs/cgroup/system.slice/job.scope/cpu.max", "max 100000\n");
  EXPECT_EQ(processor_quota(root()), std::nullopt);
  write("sys/fs/cgroup/system.slice/cpu.max", "150000 100000\n");
  EXPECT_EQ(processor_quota(root()), 1.5);
  write("sys/fs/cgroup/system.slice/job.scope/cpu.max", "400000 100000\n");
  EXPECT_EQ(processor_quota(root()), 1.5);
  write("sys/fs/cgroup/system.slice/job.scope/cpu.max", "50000 100000\n");
  EXPECT_EQ(processor_quota(root()), 0.5);
}

TEST_F(FakeMachine, QuotaOfVersion1) {
  mount(
      "31 22 0:27 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
      "32 22 0:28 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n");
  write("proc/self/cgroup", "3:cpuset:/other\n2:cpu,cpuacct:/job\n0::/\n");
  write("sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us", "100000\n");
  write("sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "-1\n");
  EXPECT_EQ(processor_quota(root()), std::nullopt);
  write("sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "250000\n");
  EXPECT_EQ(processor_quota(root()), 2.5);
}

// As a container sees it that shares the host's view of its groups: its own group is what is mounted.
TEST_F(FakeMachine, AContainersGroupIsTheTopOfItsMount) {
  mount("32 22 0:28 /docker/abc /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu\n");
  write("proc/self/cgroup", "2:cpu:/docker/abc\n");
  write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "200000\n");
  EXPECT_EQ(processor_quota(root()), 2.0);
  write("proc/self/cgroup", "2:cpu:/docker/another\n");
  EXPECT_EQ(processor_quota(root()), 2.0);
  write("proc/self/cgroup", "2:cpu:/../../elsewhere\n");
  EXPECT_EQ(processor_quota(root()), 2.0);
}

TEST_F(FakeMachine, NonsenseIsNoQuota) {
  mount("30 22 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\nbroken\n\n");
  write("proc/self/cgroup", "nonsense\n0::/\n");
  for (const char* text : {"", "many 100000", "100000", "100000 0", "-5 100000", "max"}) {
    write("sys/fs/cgroup/cpu.max", text);
    EXPECT_EQ(processor_quota(root()), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace resnet
