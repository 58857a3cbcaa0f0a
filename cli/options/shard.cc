#include "cli/options/shard.h"

#include <fmt/format.h>

#include <cstdlib>
#include <optional>

#include "cli/options/scheduler.h"
#include "lib/base/error.h"
#include "lib/base/parse.h"

namespace resnet::cli {

namespace {

constexpr std::size_t most_shards = 1'000'000;

[[noreturn]] void refuse_shard(const std::string& text, const std::string& what) {
  throw Error(Fault::invalid, fmt::format("--shard: {}, got '{}'", what, text));
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
  std::optional<Place> place = place_by_scheduler([](const char* name) { return std::getenv(name); });
  if (!place) refuse("no scheduler says which part this process is (Slurm, Open MPI, MPICH, Kubernetes, ...), expected K/N");
  const auto asked = of ? std::optional(static_cast<std::size_t>(*of)) : std::nullopt;
  if (asked && place->size && *place->size != *asked)
    refuse(fmt::format("the scheduler says {}: not of {} parts, expected auto or K/N", place->said_by, *asked));
  if (asked) place->size = asked;
  if (!place->size)
    refuse(fmt::format("the scheduler does not say how many parts there are ({}), expected auto/N", place->said_by));
  if (place->rank >= *place->size || *place->size > most_shards)
    refuse(fmt::format("the scheduler says {}: no part of {}, expected K/N", place->said_by, *place->size));
  part.index = place->rank + 1;
  part.of = *place->size;
  return part;
}

}  // namespace resnet::cli
