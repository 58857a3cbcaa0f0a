#include "cli/options/scheduler.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "lib/base/error.h"
#include "lib/base/parse.h"

namespace resnet::cli {

namespace {

[[noreturn]] void refuse(const std::string& what) { throw Error(Fault::invalid, "--shard auto: " + what); }

// Nothing where it is not set. Throws where it is not a number.
std::optional<std::size_t> number_in(const Environment& environment, const char* name) {
  constexpr std::int64_t most = 1'000'000'000'000;
  const char* text = environment(name);
  if (text == nullptr || *text == '\0') return std::nullopt;
  const auto number = parse_integer(text);
  if (!number || *number < 0 || *number > most) {
    refuse(fmt::format("{} is '{}', expected a whole number from 0 on; --shard K/N says it without a scheduler", name, text));
  }
  return static_cast<std::size_t>(*number);
}

// Variables that say it directly. Without a count: --shard auto/N.
struct Variables {
  const char* rank;
  const char* size = nullptr;
  std::size_t first = 0;
};
constexpr Variables mpi[] = {{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"}, {"PMI_RANK", "PMI_SIZE"}};
constexpr Variables others[] = {{"FLUX_TASK_RANK", "FLUX_JOB_SIZE"},
                                {"AWS_BATCH_JOB_ARRAY_INDEX", "AWS_BATCH_JOB_ARRAY_SIZE"},
                                {"BATCH_TASK_INDEX", "BATCH_TASK_COUNT"},
                                {"CLOUD_RUN_TASK_INDEX", "CLOUD_RUN_TASK_COUNT"},
                                {"JOB_COMPLETION_INDEX"},
                                {"NOMAD_ALLOC_INDEX"},
                                {"PALS_RANKID"},
                                {"JSM_NAMESPACE_RANK"},
                                {"PARALLEL_SEQ", nullptr, 1}};

std::optional<Place> place_by(const Environment& environment, const Variables& variables) {
  const auto rank = number_in(environment, variables.rank);
  if (!rank) return std::nullopt;
  if (*rank < variables.first) refuse(fmt::format("{} is {}, expected {} or more", variables.rank, *rank, variables.first));
  const auto size = variables.size == nullptr ? std::nullopt : number_in(environment, variables.size);
  Place place{*rank - variables.first, size, fmt::format("{} {}", variables.rank, *rank)};
  if (size) place.said_by += fmt::format(" of {} {}", variables.size, *size);
  return place;
}

// The elements of a job array, whatever their numbers begin with and however far they are apart.
struct Array {
  const char *name, *id, *first, *last, *step, *count;
};
constexpr Array slurm = {
    "Slurm",
    "SLURM_ARRAY_TASK_ID",
    "SLURM_ARRAY_TASK_MIN",
    "SLURM_ARRAY_TASK_MAX",
    "SLURM_ARRAY_TASK_STEP",
    "SLURM_ARRAY_TASK_COUNT",
};
constexpr Array grid_engine = {"Grid Engine", "SGE_TASK_ID", "SGE_TASK_FIRST", "SGE_TASK_LAST", "SGE_TASK_STEPSIZE", nullptr};

std::optional<Place> place_in(const Environment& environment, const Array& array) {
  const char* text = environment(array.id);
  if (text == nullptr || std::string_view(text) == "undefined") return std::nullopt;  // Grid Engine's word for no array
  const auto element = number_in(environment, array.id);
  if (!element) return std::nullopt;
  const auto given_first = number_in(environment, array.first);
  const auto last = number_in(environment, array.last);
  auto count = array.count == nullptr ? std::nullopt : number_in(environment, array.count);
  const std::size_t first = given_first.value_or(0);
  const std::size_t step = std::max<std::size_t>(number_in(environment, array.step).value_or(1), 1);
  if (*element < first || (*element - first) % step != 0)
    refuse(fmt::format("{} is {}, expected {} and steps of {} from there on", array.id, *element, first, step));
  const auto even = last && *last >= first ? std::optional((*last - first) / step + 1) : std::nullopt;
  const std::size_t rank = (*element - first) / step;
  if ((even && count && *even != *count) || (count && rank >= *count)) {
    refuse(
        fmt::format("the elements of this array of {} are not evenly spaced from {} on ({} of them, this is {}); expected an "
                    "array such as 1-{}, or K/N",
                    array.name, first, *count, *element, *count));
  }
  if (!count) count = even;
  if (count == std::size_t{1}) {
    refuse(
        fmt::format("element {} of an array of {} that has no other: whether it is all of them or one that is submitted again is "
                    "not known; expected K/N",
                    *element, array.name));
  }
  Place place{rank, count, fmt::format("element {} of an array from {} on", *element, first)};
  if (step > 1) place.said_by += fmt::format(" by steps of {}", step);
  if (count) place.said_by += fmt::format(", of {} elements", *count);
  return place;
}

// A batch script's own SLURM_PROCID is 0 and says nothing: its tasks run below srun, which numbers its steps.
std::optional<Place> place_by_slurm(const Environment& environment) {
  auto task = place_by(environment, {"SLURM_PROCID", "SLURM_STEP_NUM_TASKS"});
  if (task && !task->size) task = place_by(environment, {"SLURM_PROCID", "SLURM_NTASKS"});
  const bool in_job = number_in(environment, "SLURM_JOB_ID").has_value();
  const bool below_srun = number_in(environment, "SLURM_STEP_ID").has_value() || (task && (task->rank > 0 || !in_job));
  std::optional<Place> place = place_in(environment, slurm);
  if (!place) {
    if (task && below_srun) return task;
    if (!task && !in_job) return std::nullopt;
    refuse("this is a Slurm job, but neither srun nor a job array started this process; start it with srun, or expected K/N");
  }
  if (!below_srun || !task || !task->size) return place;
  place->rank = place->rank * *task->size + task->rank;
  if (place->size) place->size = *place->size * *task->size;
  place->said_by += "; in it " + task->said_by;
  return place;
}

// 0 in every job that is not an array; its elements are from 1 on, and the step is not that of the numbers between.
std::optional<Place> place_by_lsf(const Environment& environment) {
  const auto index = number_in(environment, "LSB_JOBINDEX");
  if (!index || *index == 0) return std::nullopt;
  const auto end = number_in(environment, "LSB_JOBINDEX_END");
  const std::size_t step = std::max<std::size_t>(number_in(environment, "LSB_JOBINDEX_STEP").value_or(1), 1);
  if ((*index - 1) % step != 0) refuse(fmt::format("LSB_JOBINDEX is {}, expected 1 and steps of {} from there on", *index, step));
  Place place{(*index - 1) / step, std::nullopt, fmt::format("LSB_JOBINDEX {}", *index)};
  if (end && *end >= 1) {
    place.size = (*end - 1) / step + 1;
    place.said_by += fmt::format(" of LSB_JOBINDEX_END {}", *end);
  }
  return place;
}

void refuse_pbs(const Environment& environment) {
  for (const char* name : {"PBS_ARRAY_INDEX", "PBS_ARRAYID"}) {
    if (number_in(environment, name))
      refuse(fmt::format("{} says neither where the array begins nor how many elements it has; expected K/N, such as ${}/8", name,
                         name));
  }
}

}  // namespace

std::optional<Place> place_by_scheduler(const Environment& environment) {
  for (const Variables& variables : mpi) {
    if (auto place = place_by(environment, variables)) return place;
  }
  if (auto place = place_by_slurm(environment)) return place;
  if (auto place = place_in(environment, grid_engine)) return place;
  refuse_pbs(environment);
  if (auto place = place_by_lsf(environment)) return place;
  for (const Variables& variables : others) {
    if (auto place = place_by(environment, variables)) return place;
  }
  return std::nullopt;
}

}  // namespace resnet::cli
