// Who says which process this is: what each way of starting four of them puts into the environment, as it was seen there.
#include "cli/options/scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "lib/base/error.h"

namespace resnet::test {
namespace {

using Variables = std::map<std::string, std::string>;

std::optional<cli::Place> place_in(const Variables& variables) {
  return cli::place_by_scheduler([&](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

// "2/4", from 1; "2/?" without a count; "none"; what is refused begins with "refused: ".
std::string told(const Variables& variables) {
  try {
    const auto place = place_in(variables);
    if (!place) return "none";
    return std::to_string(place->rank + 1) + "/" + (place->size ? std::to_string(*place->size) : "?");
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::invalid);
    return std::string("refused: ") + error.what();
  }
}

Variables operator+(Variables a, const Variables& b) {
  for (const auto& [name, value] : b) a[name] = value;
  return a;
}

const Variables job = {{"SLURM_JOB_ID", "7"}};
Variables step(int rank, int size) {
  return job + Variables{{"SLURM_STEP_ID", "0"}, {"SLURM_PROCID", std::to_string(rank)}, {"SLURM_NTASKS", std::to_string(size)}};
}
Variables batch(const std::string& tasks = "") {
  Variables variables = job + Variables{{"SLURM_PROCID", "0"}};
  if (!tasks.empty()) variables["SLURM_NTASKS"] = tasks;
  return variables;
}
Variables element(int id, int min, int max, int by, int count) {
  return {{"SLURM_ARRAY_TASK_ID", std::to_string(id)},
          {"SLURM_ARRAY_TASK_MIN", std::to_string(min)},
          {"SLURM_ARRAY_TASK_MAX", std::to_string(max)},
          {"SLURM_ARRAY_TASK_STEP", std::to_string(by)},
          {"SLURM_ARRAY_TASK_COUNT", std::to_string(count)}};
}
Variables openmpi(int rank, int size) {
  return {{"OMPI_COMM_WORLD_RANK", std::to_string(rank)}, {"OMPI_COMM_WORLD_SIZE", std::to_string(size)}, {"PMIX_RANK", "0"}};
}

// Four processes each; each part once, or each refused.
TEST(Scheduler, FifteenWaysToStartFour) {
  const std::string all[] = {"1/4", "2/4", "3/4", "4/4"};
  for (int i = 0; i < 4; ++i) {
    SCOPED_TRACE(i);
    const std::string number = std::to_string(i);
    EXPECT_EQ(told({}), "none");                                                               // four shells
    EXPECT_EQ(told(step(i, 4)), all[i]);                                                       // srun -n 4
    EXPECT_EQ(told(step(i, 4) + Variables{{"PMI_RANK", number}, {"PMI_SIZE", "4"}}), all[i]);  // srun --mpi=pmi2
    EXPECT_EQ(told(step(i, 4) + Variables{{"SLURM_STEP_NUM_TASKS", "4"}}), all[i]);            // sbatch -n 4, srun
    EXPECT_THAT(told(batch("4")), testing::HasSubstr("start it with srun"));                   // sbatch -n 4 without srun
    EXPECT_EQ(told(batch() + element(i + 1, 1, 4, 1, 4)), all[i]);                             // sbatch --array=1-4
    EXPECT_EQ(told(batch() + element(i, 0, 3, 1, 4)), all[i]);                                 // --array=0-3
    EXPECT_EQ(told(batch("1") + element(i + 1, 1, 4, 1, 4)), all[i]);                          // --array=1-4 -n 1
    EXPECT_THAT(told(batch() + element(1 + 4 * i, 1, 13, 1, 4)), testing::HasSubstr("are not evenly spaced"));  // 1,5,9,13
    EXPECT_THAT(told(batch() + element(3, 3, 3, 1, 1)), testing::HasSubstr("one that is submitted again"));     // --array=3
    EXPECT_EQ(told(step(i % 2, 2) + element(1 + i / 2, 1, 2, 1, 2)), all[i]);                  // --array=1-2 -n 2, srun
    EXPECT_EQ(told(openmpi(i, 4)), all[i]);                                                    // mpirun -n 4
    EXPECT_EQ(told(step(i / 2, 2) + openmpi(i, 4)), all[i]);                                   // mpirun -n 4 in sbatch, two nodes
    EXPECT_EQ(told({{"PMI_RANK", number}, {"PMI_SIZE", "4"}}), all[i]);                        // MPICH
    EXPECT_EQ(told({{"PARALLEL_SEQ", std::to_string(i + 1)}}), std::to_string(i + 1) + "/?");  // GNU parallel
  }
}

TEST(Scheduler, ArraysBySteps) {
  EXPECT_EQ(told(batch() + element(7, 1, 7, 2, 4)), "4/4");  // --array=1-7:2
  EXPECT_THAT(told(batch() + element(4, 1, 7, 2, 4)), testing::HasSubstr("expected 1 and steps of 2 from there on"));
  EXPECT_THAT(told(batch() + element(9, 1, 9, 1, 3)), testing::HasSubstr("expected an array such as 1-3, or K/N"));
  const auto grid = [](const char* id) {
    return Variables{{"SGE_TASK_ID", id}, {"SGE_TASK_FIRST", "2"}, {"SGE_TASK_LAST", "10"}, {"SGE_TASK_STEPSIZE", "4"}};
  };
  EXPECT_EQ(told(grid("6")), "2/3");
  EXPECT_EQ(told(grid("undefined")), "none");
  EXPECT_EQ(told({{"LSB_JOBINDEX", "5"}, {"LSB_JOBINDEX_END", "9"}, {"LSB_JOBINDEX_STEP", "2"}}), "3/5");
  EXPECT_EQ(told({{"LSB_JOBINDEX", "0"}}), "none");
}

TEST(Scheduler, OthersSayItDirectly) {
  EXPECT_EQ(told({{"FLUX_TASK_RANK", "1"}, {"FLUX_JOB_SIZE", "3"}}), "2/3");
  EXPECT_EQ(told({{"AWS_BATCH_JOB_ARRAY_INDEX", "1"}, {"AWS_BATCH_JOB_ARRAY_SIZE", "3"}}), "2/3");
  EXPECT_EQ(told({{"BATCH_TASK_INDEX", "1"}, {"BATCH_TASK_COUNT", "3"}}), "2/3");
  EXPECT_EQ(told({{"CLOUD_RUN_TASK_INDEX", "1"}, {"CLOUD_RUN_TASK_COUNT", "3"}}), "2/3");
  for (const char* name : {"JOB_COMPLETION_INDEX", "NOMAD_ALLOC_INDEX", "PALS_RANKID", "JSM_NAMESPACE_RANK"})
    EXPECT_EQ(told({{name, "1"}}), "2/?") << name;
  EXPECT_THAT(told({{"PBS_ARRAY_INDEX", "3"}}), testing::HasSubstr("expected K/N, such as $PBS_ARRAY_INDEX/8"));
  EXPECT_THAT(told({{"PARALLEL_SEQ", "0"}}), testing::HasSubstr("expected 1 or more"));
  // The shell of salloc.
  EXPECT_THAT(told(job), testing::HasSubstr("neither srun nor a job array started this process"));
}

}  // namespace
}  // namespace resnet::test
