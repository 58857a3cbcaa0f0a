// One part of a list of photos, for several machines: what `predict --shard` answers and `merge` joins.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/tasks/identity/identity.h"
#include "formats/answers/parts.h"

namespace resnet::cli {

// Part `index` of `of`, from 1, of a list that is not known yet.
struct PartOf {
  std::size_t index = 1, of = 1;
};
// With its place: parts differ by one input at most, and their order is that of the list. `paths`: the hash of each.
answers::Shard place_shard(PartOf part, const std::vector<std::uint64_t>& paths);

// The first line of a part, with the Identity of its answers.
struct PartHeader {
  answers::Shard shard;
  answers::JobSize size;
  Identity identity;
};
std::string first_line(const PartHeader& header);
// Nothing for another line. Throws Error(invalid), without the file's name, for one of another version.
std::optional<PartHeader> parse_first_line(const std::string& line);

}  // namespace resnet::cli
