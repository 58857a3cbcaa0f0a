#include "cli/tasks/predict/shards.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>
#include <system_error>

#include "formats/table/text.h"
#include "lib/base/digest.h"
#include "lib/base/error.h"
#include "lib/base/parse.h"

namespace resnet::cli {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t most_shards = 1'000'000;

[[noreturn]] void refuse_shard(const std::string& text, const std::string& what) {
  throw Error(Fault::invalid, fmt::format("--shard: {}, got '{}'", what, text));
}

// Nothing where it is not set. Throws where it is no number.
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

constexpr std::string_view begin_of_first = "{\"shard\":", begin_of_last = "{\"shard_end\":";
constexpr std::size_t longest_line = 1 << 20;  // of those that are no answers

// "{"shard":{"index":2,"of":3," of a first line.
std::string place_of(const Shard& shard) {
  return fmt::format("{}{{\"index\":{},\"of\":{},", begin_of_first, shard.index, shard.of);
}

// Throws Error(invalid), of a number that is none of ours: a file may say 1e300 or -1.
std::size_t number_at(const Json& json, const char* name) {
  const Json& value = json.at(name);
  constexpr std::size_t most = std::size_t{1} << 48;
  if (!value.is_number_unsigned() || value.get<std::size_t>() > most) {
    throw Error(Fault::invalid, fmt::format("is damaged: \"{}\" is {}, expected a whole number", name,
                                            table::shortened(value.dump(-1, ' ', true, Json::error_handler_t::replace), 80)));
  }
  return value.get<std::size_t>();
}

}  // namespace

Shard parse_shard(const std::string& text) {
  const auto refuse = [&](const std::string& what) { refuse_shard(text, what); };
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
  std::optional<Place> place = place_by_scheduler();
  if (!place) refuse("no scheduler has set SLURM_PROCID, OMPI_COMM_WORLD_RANK or JOB_COMPLETION_INDEX, expected K/N");
  if (of && place->of_array && place->size && *place->size != static_cast<std::size_t>(*of))
    refuse(fmt::format("the scheduler says {}: not of {} parts, expected K/N", place->said_by, *of));
  if (of) place->size = static_cast<std::size_t>(*of);
  if (!place->size)
    refuse(fmt::format("the scheduler does not say how many parts there are ({}), expected auto/N", place->said_by));
  if (place->rank >= *place->size || *place->size > most_shards)
    refuse(fmt::format("the scheduler says {}: no part of {}, expected K/N", place->said_by, *place->size));
  shard.index = place->rank + 1;
  shard.of = *place->size;
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
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace resnet::cli
