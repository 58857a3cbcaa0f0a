// One part of a list of photos, for several machines: what `predict --shard` answers and `merge` joins.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/tasks/identity/identity.h"

namespace resnet::cli {

// What convolutions are chosen by. It is kept where a run is resumed with other threads: the answers are to have the same bits.
struct JobSize {
  std::size_t batch = 1, threads = 1, images = 0;
};

// Inputs [first, first + count) of all `inputs`: part `index` of `of`, from 1.
struct Shard {
  std::size_t index = 1, of = 1, first = 0, count = 0, inputs = 0;
  std::string list;  // the digest of all inputs' paths, in their order
  friend bool operator==(const Shard&, const Shard&) = default;
};

// "2/8"; "auto": as a cluster's scheduler says in OMPI_COMM_WORLD_RANK and _SIZE, PMI_RANK and PMI_SIZE, SLURM_ARRAY_TASK_ID (an
// array's elements, each with all processes of its srun), or SLURM_PROCID and SLURM_NTASKS, in this order; "auto/8": also as
// JOB_COMPLETION_INDEX says, or the others with other counts. Throws Error(invalid). The place in the list is not known yet.
Shard parse_shard(const std::string& text);
// With its place: parts differ by one input at most, and their order is that of the list. `paths`: the hash of each.
Shard place_shard(Shard shard, const std::vector<std::uint64_t>& paths);

// The first line of a part, which is no answer: which part it is, and everything that decides its answers.
struct PartHeader {
  Shard shard;
  JobSize size;
  Identity identity;
};
std::string first_line(const PartHeader& header);
// Nothing for another line. Throws Error(invalid), without the file's name, for one of another version.
std::optional<PartHeader> parse_first_line(const std::string& line);
// Whether `text`, half a line, is the beginning of the first line of this part.
bool begins_first_line(const std::string& text, const Shard& shard);

// How many answers a part has, and of what: the sum of the hashes of their inputs, which is the same in any order.
struct Tally {
  std::size_t answers = 0;
  std::uint64_t sum = 0;
  void add(const std::string& input);
  friend bool operator==(const Tally&, const Tally&) = default;
};

// The last line of a part, which is no answer either.
struct PartEnd {
  std::size_t index = 1, of = 1;
  Tally tally;
  friend bool operator==(const PartEnd&, const PartEnd&) = default;
};
std::string last_line(const PartEnd& end);
std::optional<PartEnd> parse_last_line(const std::string& line);

}  // namespace resnet::cli
