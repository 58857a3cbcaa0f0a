#include "cli/options/shard.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <utility>

#include "lib/base/error.h"
#include "lib/base/parse.h"

namespace resnet::cli {

namespace {

constexpr std::size_t most_shards = 1'000'000;

[[noreturn]] void refuse_shard(const std::string& text, const std::string& what) {
  throw Error(Fault::invalid, fmt::format("--shard: {}, got '{}'", what, text));
}

// Nothing where it is not set. Throws where it is not a number.
std::optional<std::size_t> number_in_environment(const char* name) {
  constexpr std::int64_t most = 1'000'000'000'000;
  const char* text = std::getenv(name);
  if (text == nullptr || *text == '\0') return std::nullopt;
  const auto number = parse_integer(text);
  if (!number || *number < 0 || *number > most) {
    throw Error(Fault::invalid, fmt::format("--shard auto: {} is '{}', expected a whole number from 0 on; --shard K/N says it "
                                            "without a scheduler",
                                            name, text));
  }
  return static_cast<std::size_t>(*number);
}

// Which of how many processes this is, as a scheduler says it.
struct Place {
  std::size_t rank = 0;
  std::optional<std::size_t> size;
  std::string said_by;    // "SLURM_PROCID 3 of SLURM_NTASKS 4"
  bool of_array = false;  // its ranks are those of this array: an element that is submitted again alone has another
};

std::optional<Place> place_by(const char* rank_name, const char* size_name) {
  const auto rank = number_in_environment(rank_name);
  if (!rank) return std::nullopt;
  const auto size = number_in_environment(size_name);
  return Place{*rank, size,
               size ? fmt::format("{} {} of {} {}", rank_name, *rank, size_name, *size) : fmt::format("{} {}", rank_name, *rank)};
}

// An array's elements may begin anywhere and have a step; each may be several processes of srun. What a batch script itself is
// told of its tasks says nothing of it: those run below srun, which numbers its steps.
std::optional<Place> place_by_slurm() {
  const auto element = number_in_environment("SLURM_ARRAY_TASK_ID");
  const auto task = place_by("SLURM_PROCID", "SLURM_NTASKS");
  const bool below_srun = number_in_environment("SLURM_STEP_ID").has_value() || (task && task->rank > 0);
  if (!element) {
    if (!task || below_srun || !number_in_environment("SLURM_JOB_ID")) return task;
    throw Error(
        Fault::invalid,
        "--shard auto: this is a Slurm job, but neither srun nor a job array started this process; start it with srun, or "
        "expected K/N");
  }
  const std::size_t first = number_in_environment("SLURM_ARRAY_TASK_MIN").value_or(0);
  const std::size_t step = std::max<std::size_t>(number_in_environment("SLURM_ARRAY_TASK_STEP").value_or(1), 1);
  const auto count = number_in_environment("SLURM_ARRAY_TASK_COUNT");
  if (*element < first || (*element - first) % step != 0) {
    throw Error(Fault::invalid, fmt::format("--shard auto: SLURM_ARRAY_TASK_ID is {}, expected {} and steps of {} from there on",
                                            *element, first, step));
  }
  Place place{(*element - first) / step, count, fmt::format("element {} of an array from {} on", *element, first)};
  if (step > 1) place.said_by += fmt::format(" by steps of {}", step);
  place.of_array = true;
  if (count) place.said_by += fmt::format(", of {} elements", *count);
  if (!below_srun || !task || !task->size) return place;
  place.rank = place.rank * *task->size + task->rank;
  if (place.size) place.size = *place.size * *task->size;
  place.said_by += "; in it " + task->said_by;
  return place;
}

// In an allocation of Slurm's mpirun's own variables count: Slurm's are those of the process that starts a node's.
std::optional<Place> place_by_scheduler() {
  for (const auto& [rank, size] : {std::pair{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"}, {"PMI_RANK", "PMI_SIZE"}}) {
    if (auto place = place_by(rank, size)) return place;
  }
  if (auto place = place_by_slurm()) return place;
  return place_by("JOB_COMPLETION_INDEX", "");
}

}  // namespace

PartOf parse_shard(const std::string& text) {
  const auto refuse = [&](const std::string& what) { refuse_shard(text, what); };
  const std::size_t slash = text.find('/');
  const std::string front = text.substr(0, slash);
  std::optional<std::int64_t> of = slash == std::string::npos ? std::nullopt : parse_integer(text.substr(slash + 1));
  if (slash != std::string::npos && (!of || *of < 1 || *of > static_cast<std::int64_t>(most_shards)))
    refuse("expected K/N, such as 2/8");
  PartOf part;
  if (front != shard_by_scheduler) {
    const auto index = parse_integer(front);
    if (!index || !of || *index < 1 || *index > *of) refuse("expected K/N with K from 1 to N, such as 2/8, or auto");
    part.index = static_cast<std::size_t>(*index);
    part.of = static_cast<std::size_t>(*of);
    return part;
  }
  std::optional<Place> place = place_by_scheduler();
  if (!place) refuse("no scheduler has set SLURM_PROCID, OMPI_COMM_WORLD_RANK or JOB_COMPLETION_INDEX, expected K/N");
  if (of && place->of_array && place->size && *place->size != static_cast<std::size_t>(*of))
    refuse(fmt::format("the scheduler says {}: not of {} parts, expected K/N", place->said_by, *of));
  if (of) place->size = static_cast<std::size_t>(*of);
  if (!place->size)
    refuse(fmt::format("the scheduler does not say how many parts there are ({}), expected auto/N", place->said_by));
  if (place->rank >= *place->size || *place->size > most_shards)
    refuse(fmt::format("the scheduler says {}: no part of {}, expected K/N", place->said_by, *place->size));
  part.index = place->rank + 1;
  part.of = *place->size;
  return part;
}

}  // namespace resnet::cli
