#include "cli/shards.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>
#include <system_error>

#include "cli/parse.h"
#include "lib/base/digest.h"
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

constexpr std::string_view begin_of_first = "{\"shard\":", begin_of_last = "{\"shard_end\":";
constexpr std::size_t longest_line = 1 << 20;  // of those that are no answers

// "{"shard":{"index":2,"of":3," of a first line.
std::string place_of(const Shard& shard) {
  return fmt::format("{}{{\"index\":{},\"of\":{},", begin_of_first, shard.index, shard.of);
}

std::size_t number_at(const Json& json, const char* name) { return json.at(name).get<std::size_t>(); }

}  // namespace

Shard parse_shard(const std::string& text) {
  const auto refuse = [&](const std::string& what) {
    throw Error(Fault::invalid, fmt::format("--shard: {}, got '{}'", what, text));
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

Shard place_shard(Shard shard, const std::vector<std::uint64_t>& paths) {
  const std::size_t inputs = paths.size();
  const auto begin = [&](std::size_t part) { return inputs / shard.of * part + std::min(part, inputs % shard.of); };
  shard.first = begin(shard.index - 1);
  shard.count = begin(shard.index) - shard.first;
  shard.inputs = inputs;
  shard.list = digest(std::string_view(reinterpret_cast<const char*>(paths.data()), paths.size() * sizeof(paths[0])));
  return shard;
}

std::string first_line(const PartHeader& header) {
  const Shard& shard = header.shard;
  Json json = {
      {"index", shard.index},        {"of", shard.of},     {"first", shard.first},       {"count", shard.count},
      {"inputs", shard.inputs},      {"list", shard.list}, {"batch", header.size.batch}, {"threads", header.size.threads},
      {"images", header.size.images}};
  json["identity"] = Json::parse(to_json(header.identity));
  return Json{{"shard", json}}.dump() + "\n";
}

std::optional<PartHeader> parse_first_line(const std::string& line) {
  if (!line.starts_with(begin_of_first) || line.size() > longest_line) return std::nullopt;
  try {
    const Json json = Json::parse(line).at("shard");
    if (json.contains("settings")) {
      throw Error(
          Fault::invalid,
          "was written by version 0.1.0, which does not say what decides its answers; expected all parts by this version");
    }
    PartHeader header;
    header.shard = {number_at(json, "index"), number_at(json, "of"),     number_at(json, "first"),
                    number_at(json, "count"), number_at(json, "inputs"), json.at("list").get<std::string>()};
    header.size = {number_at(json, "batch"), number_at(json, "threads"), number_at(json, "images")};
    if (header.size.batch == 0 || header.size.threads == 0) return std::nullopt;
    header.identity = identity_from_json(json.at("identity").dump());
    return header;
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

bool begins_first_line(const std::string& text, const Shard& shard) { return text.starts_with(place_of(shard)); }

void Tally::add(const std::string& input) {
  ++answers;
  sum += hash_of(input);
}

std::string last_line(const PartEnd& end) {
  const Json json = {
      {"index", end.index}, {"of", end.of}, {"answers", end.tally.answers}, {"digest", fmt::format("{:016x}", end.tally.sum)}};
  return Json{{"shard_end", json}}.dump() + "\n";
}

std::optional<PartEnd> parse_last_line(const std::string& line) {
  if (!line.starts_with(begin_of_last) || line.size() > longest_line) return std::nullopt;
  try {
    const Json json = Json::parse(line).at("shard_end");
    const std::string digits = json.at("digest").get<std::string>();
    PartEnd end{number_at(json, "index"), number_at(json, "of"), {number_at(json, "answers"), 0}};
    const auto [last, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), end.tally.sum, 16);
    if (failed != std::errc() || last != digits.data() + digits.size()) return std::nullopt;
    return end;
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

}  // namespace resnet::cli
