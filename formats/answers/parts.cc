#include "formats/answers/parts.h"

#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>
#include <string_view>
#include <system_error>

#include "formats/table/text.h"
#include "lib/base/digest.h"
#include "lib/base/error.h"

namespace resnet::answers {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view begin_of_first = "{\"shard\":", begin_of_last = "{\"shard_end\":";
constexpr std::size_t longest_line = 1 << 20;  // of those that are not answers

// "{"shard":{"index":2,"of":3," of a first line.
std::string place_of(const Shard& shard) {
  return fmt::format("{}{{\"index\":{},\"of\":{},", begin_of_first, shard.index, shard.of);
}

// Throws Error(invalid), of a number that we do not write: a file may say 1e300 or -1.
std::size_t number_at(const Json& json, const char* name) {
  const Json& value = json.at(name);
  constexpr std::size_t most = std::size_t{1} << 48;
  if (!value.is_number_unsigned() || value.get<std::size_t>() > most) {
    throw Error(Fault::invalid, fmt::format("is damaged: \"{}\" is {}, expected a whole number", name,
                                            table::shortened(value.dump(-1, ' ', true, Json::error_handler_t::replace), 80)));
  }
  return value.get<std::size_t>();
}

JobSize job_size_in(const Json& json) {
  const JobSize size = {number_at(json, "batch"), number_at(json, "threads"), number_at(json, "images")};
  if (size.batch == 0 || size.threads == 0) throw Error(Fault::invalid, "is damaged: it is of no batch or no threads");
  return size;
}

}  // namespace

std::string to_json(const JobSize& size) {
  return Json{{"batch", size.batch}, {"threads", size.threads}, {"images", size.images}}.dump();
}

JobSize job_size_from_json(const std::string& json) {
  try {
    return job_size_in(Json::parse(json));
  } catch (const Json::exception&) {
    throw Error(Fault::invalid, "is damaged: it does not say of how large a batch, how many threads and images it is");
  }
}

std::string first_line(const PartHeader& header) {
  const Shard& shard = header.shard;
  Json json = {
      {"index", shard.index},        {"of", shard.of},     {"first", shard.first},       {"count", shard.count},
      {"inputs", shard.inputs},      {"list", shard.list}, {"batch", header.size.batch}, {"threads", header.size.threads},
      {"images", header.size.images}};
  json["identity"] = Json::parse(header.identity);
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
    header.size = job_size_in(json);
    header.identity = json.at("identity").dump();
    return header;
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

bool begins_first_line(const std::string& text, const Shard& shard) { return text.starts_with(place_of(shard)); }

std::string tally_key(const std::string& input) { return table::is_utf8(input) ? input : table::base64(input); }

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

bool begins_last_line(const std::string& text) { return begin_of_last.starts_with(text.substr(0, begin_of_last.size())); }

}  // namespace resnet::answers
