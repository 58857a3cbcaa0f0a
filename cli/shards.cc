#include "cli/shards.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "cli/parse.h"
#include "lib/base/error.h"

namespace resnet::cli {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t most_shards = 1'000'000;

std::optional<std::size_t> number_in_environment(const char* name) {
  const char* text = std::getenv(name);
  const auto number = text != nullptr ? parse_integer(text) : std::nullopt;
  return number && *number >= 0 ? std::optional(static_cast<std::size_t>(*number)) : std::nullopt;
}

std::string line_of(const char* key, const Shard& shard) {
  const Json place = {{"index", shard.index}, {"of", shard.of},         {"first", shard.first},
                      {"count", shard.count}, {"inputs", shard.inputs}, {"settings", shard.settings}};
  return Json{{key, place}}.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::optional<Shard> parse_line(const char* key, const std::string& line) {
  if (!line.starts_with(fmt::format("{{\"{}\":", key))) return std::nullopt;
  try {
    const Json place = Json::parse(line).at(key);
    const auto number = [&](const char* name) { return place.at(name).get<std::size_t>(); };
    return Shard{number("index"), number("of"),     number("first"),
                 number("count"), number("inputs"), place.at("settings").get<std::string>()};
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

}  // namespace

Shard parse_shard(const std::string& text) {
  const auto refuse = [&](const std::string& what) {
    throw Error(ErrorKind::usage, fmt::format("--shard: {}, got '{}'", what, text));
  };
  const std::size_t slash = text.find('/');
  const std::string front = text.substr(0, slash);
  std::optional<std::int64_t> of = slash == std::string::npos ? std::nullopt : parse_integer(text.substr(slash + 1));
  if (slash != std::string::npos && (!of || *of < 1 || *of > static_cast<std::int64_t>(most_shards)))
    refuse("expected K/N, such as 2/8");
  Shard shard;
  if (front != "auto") {
    const auto index = parse_integer(front);
    if (!index || !of || *index < 1 || *index > *of) refuse("expected K/N with K from 1 to N, such as 2/8, or auto");
    shard.index = static_cast<std::size_t>(*index);
    shard.of = static_cast<std::size_t>(*of);
    return shard;
  }
  std::optional<std::size_t> rank, size;
  for (const auto& [rank_name, size_name] :
       {std::pair{"SLURM_PROCID", "SLURM_NTASKS"}, {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"}}) {
    if (rank) break;
    rank = number_in_environment(rank_name);
    size = number_in_environment(size_name);
  }
  if (!rank) rank = number_in_environment("JOB_COMPLETION_INDEX");
  if (of) size = static_cast<std::size_t>(*of);
  if (!rank) refuse("no scheduler has set SLURM_PROCID, OMPI_COMM_WORLD_RANK or JOB_COMPLETION_INDEX, expected K/N");
  if (!size) refuse("the scheduler does not say how many parts there are, expected auto/N");
  if (*rank >= *size || *size > most_shards) refuse(fmt::format("the scheduler calls this number {} of {}", *rank, *size));
  shard.index = *rank + 1;
  shard.of = *size;
  return shard;
}

Shard place_shard(Shard shard, std::size_t inputs) {
  const auto begin = [&](std::size_t part) { return inputs / shard.of * part + std::min(part, inputs % shard.of); };
  shard.first = begin(shard.index - 1);
  shard.count = begin(shard.index) - shard.first;
  shard.inputs = inputs;
  return shard;
}

std::string first_line(const Shard& shard) { return line_of("shard", shard); }
std::string last_line(const Shard& shard) { return line_of("shard_end", shard); }
std::optional<Shard> parse_first_line(const std::string& line) { return parse_line("shard", line); }
std::optional<Shard> parse_last_line(const std::string& line) { return parse_line("shard_end", line); }

}  // namespace resnet::cli
