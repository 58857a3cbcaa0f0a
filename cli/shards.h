// One part of a list of photos, for several machines: what `predict --shard` answers and `merge` joins.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace resnet::cli {

// Inputs [first, first + count) of all `inputs`: part `index` of `of`, from 1.
struct Shard {
  std::size_t index = 1, of = 1, first = 0, count = 0, inputs = 0;
  std::string settings;  // what decides the answers: the models and how they are used
  friend bool operator==(const Shard&, const Shard&) = default;
};

// "2/8"; "auto": as a cluster's scheduler says in SLURM_PROCID and SLURM_NTASKS, or OMPI_COMM_WORLD_RANK and _SIZE; "auto/8":
// also as JOB_COMPLETION_INDEX says. Throws Error(usage). The place in the list is not known yet.
Shard parse_shard(const std::string& text);
// With its place: parts differ by one input at most, and their order is that of the list.
Shard place_shard(Shard shard, std::size_t inputs);

// The first and the last line of a part's answers, which are none themselves.
std::string first_line(const Shard& shard);
std::string last_line(const Shard& shard);
std::optional<Shard> parse_first_line(const std::string& line);
std::optional<Shard> parse_last_line(const std::string& line);

}  // namespace resnet::cli
