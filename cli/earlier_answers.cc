#include "cli/earlier_answers.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "formats/table/text.h"
#include "lib/base/error.h"

namespace resnet::cli {

namespace {

using Json = nlohmann::json;

// Whose answer a line is, and whether it failed. The path as JSON has it, so that paths that are not UTF-8 compare as well.
struct Answer {
  std::string input, base64;
  bool failed = false;
};

std::optional<Answer> parse(const std::string& line) {
  try {
    const Json json = Json::parse(line);
    Answer answer;
    answer.input = json.at("input").get<std::string>();
    if (json.contains("input_base64")) answer.base64 = json.at("input_base64").get<std::string>();
    answer.failed = json.contains("error");
    return answer;
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

bool is_of(const Answer& answer, const std::string& path) {
  return answer.base64.empty() ? answer.input == path : answer.base64 == table::base64(path);
}
// One of the images of a file that holds several.
bool is_part_of(const Answer& answer, const std::string& path) {
  return answer.base64.empty() && answer.input.starts_with(path + "[") && answer.input.ends_with("]");
}

}  // namespace

EarlierAnswers read_earlier_answers(const std::string& file, const std::optional<Shard>& shard,
                                    const std::function<std::optional<std::string>()>& next) {
  EarlierAnswers earlier;
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return earlier;
  const auto refuse = [&](std::size_t number, const std::string& what) {
    throw Error(ErrorKind::usage, fmt::format("{}: line {}: {}", file, number, what));
  };
  std::size_t number = 0, group_failed = 0;
  std::uintmax_t at = 0, group_begin = 0;
  std::optional<std::string> path, group;  // a file of several images: it is done where another one's answer follows
  for (std::string line; std::getline(stream, line);) {
    if (stream.eof()) break;  // half a line
    ++number;
    const std::uintmax_t begin = at;
    at += line.size() + 1;
    if (shard && number == 1) {
      const auto found = parse_first_line(line);
      if (!found || *found != *shard) refuse(number, "holds answers of other inputs or of another part of them");
      earlier.bytes = at;
      continue;
    }
    if (shard && parse_last_line(line)) {
      if (group) ++earlier.inputs;
      earlier.complete = true;
      earlier.bytes = at;
      return earlier;
    }
    const auto answer = parse(line);
    if (!answer) refuse(number, "is no answer of predict, expected {\"input\": ...}");
    if (group && is_part_of(*answer, *group)) {
      group_failed += answer->failed ? 1 : 0;
      continue;
    }
    if (group) {
      ++earlier.inputs;
      earlier.failed += group_failed;
      earlier.bytes = begin;
      group.reset();
    }
    path = next();
    if (!path) refuse(number, "is the answer of an input that is not among those now");
    if (is_of(*answer, *path)) {
      ++earlier.inputs;
      earlier.failed += answer->failed ? 1 : 0;
      earlier.bytes = at;
    } else if (is_part_of(*answer, *path)) {
      group = path;
      group_begin = begin;
      group_failed = answer->failed ? 1 : 0;
    } else {
      refuse(number, fmt::format("is the answer of '{}', but the input there is '{}' now", table::printable(answer->input),
                                 table::printable(*path)));
    }
  }
  if (group) earlier.bytes = group_begin;  // perhaps not all of its images: once more
  return earlier;
}

}  // namespace resnet::cli
