// --shard: which part of a list of photos, as it is told or as a cluster's scheduler has it in the environment.
#pragma once

#include <string>
#include <string_view>

#include "cli/tasks/predict/shards.h"

namespace resnet::cli {

// "2/8"; "auto": as a cluster's scheduler says in OMPI_COMM_WORLD_RANK and _SIZE, PMI_RANK and PMI_SIZE, SLURM_ARRAY_TASK_ID (an
// array's elements, each with all processes of its srun), or SLURM_PROCID and SLURM_NTASKS, in this order; "auto/8": also as
// JOB_COMPLETION_INDEX says, or the others with other counts. Throws Error(invalid).
// In place of K.
inline constexpr std::string_view shard_by_scheduler = "auto";
PartOf parse_shard(const std::string& text);

}  // namespace resnet::cli
