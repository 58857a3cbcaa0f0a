#include "cli/tasks/predict/shards.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "lib/base/digest.h"

namespace resnet::cli {

answers::Shard place_shard(PartOf part, const std::vector<std::uint64_t>& paths) {
  const std::size_t inputs = paths.size();
  const auto begin = [&](std::size_t index) { return inputs / part.of * index + std::min(index, inputs % part.of); };
  answers::Shard shard{.index = part.index, .of = part.of, .inputs = inputs, .list = {}};
  shard.first = begin(part.index - 1);
  shard.count = begin(part.index) - shard.first;
  shard.list = digest(std::string_view(reinterpret_cast<const char*>(paths.data()), paths.size() * sizeof(paths[0])));
  return shard;
}

std::string first_line(const PartHeader& header) {
  return answers::first_line({header.shard, header.size, to_json(header.identity)});
}

std::optional<PartHeader> parse_first_line(const std::string& line) {
  auto found = answers::parse_first_line(line);
  if (!found) return std::nullopt;
  return PartHeader{std::move(found->shard), found->size, identity_from_json(found->identity)};
}

}  // namespace resnet::cli
