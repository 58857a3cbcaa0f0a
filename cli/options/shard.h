// --shard: which part of a list of photos, as it is told or as a cluster's scheduler has it in the environment.
#pragma once

#include <string>
#include <string_view>

#include "cli/tasks/predict/shards.h"

namespace resnet::cli {

// In place of K.
inline constexpr std::string_view shard_by_scheduler = "auto";
// "2/8"; "auto": as place_by_scheduler says; "auto/8": where it does not say how many there are. Throws Error(invalid), also
// where it says another number than 8.
PartOf parse_shard(const std::string& text);

}  // namespace resnet::cli
