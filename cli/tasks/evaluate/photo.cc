#include "cli/tasks/evaluate/photo.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "formats/table/text.h"
#include "lib/base/error.h"
#include "lib/base/parse.h"

namespace resnet::cli {

namespace {

using Json = nlohmann::ordered_json;

[[noreturn]] void refuse_listed() {
  throw Error(Fault::unreadable,
              "the job's list of inputs is damaged: it is not of photos and classes; start the job in a new folder");
}

}  // namespace

std::string Photo::to_text() const {
  return fmt::format("{} {} {}", truth, number ? fmt::format("{}", *number) : "-", file.native());
}

std::string Photo::name() const { return number ? fmt::format("{}[{}]", file.native(), *number) : file.native(); }

Photo parse_photo(const Input& listed) {
  const std::string& text = listed.path.native();
  const std::size_t first = text.find(' ');
  const std::size_t second = first == text.npos ? text.npos : text.find(' ', first + 1);
  if (second == text.npos) refuse_listed();
  const auto truth = parse_integer(text.substr(0, first)), number = parse_integer(text.substr(first + 1, second - first - 1));
  if (!truth) refuse_listed();
  Photo photo{text.substr(second + 1), *truth, std::nullopt};
  if (number) photo.number = static_cast<std::size_t>(*number);
  return photo;
}

std::string to_line(const std::string& name, const PhotoAnswers& answers) {
  Json rows = Json::array();
  for (const auto& row : answers.rows) rows.push_back(row ? Json(*row) : Json(nullptr));
  Json line;
  line["input"] = name;
  if (!table::is_utf8(name)) line["input_base64"] = table::base64(name);
  line["truth"] = answers.truth;
  if (!answers.error.empty()) line["error"] = answers.error;
  line[answers.error.empty() ? "predictions" : "answers"] = std::move(rows);
  return line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

PhotoAnswers parse_line(const std::string& line, std::size_t rows) try {
  const Json json = Json::parse(line);
  PhotoAnswers answers;
  answers.truth = json.at("truth").get<std::int64_t>();
  if (json.contains("error")) answers.error = json.at("error").get<std::string>();
  for (const Json& row : json.at(answers.error.empty() ? "predictions" : "answers")) {
    auto& classes = answers.rows.emplace_back();
    if (!row.is_null()) classes = row.get<std::vector<std::int64_t>>();
    if (classes && classes->empty()) throw Error(Fault::unreadable, "has a row without an answer");
  }
  if (answers.rows.size() != rows)
    throw Error(Fault::unreadable, fmt::format("has {} rows, expected {}", answers.rows.size(), rows));
  return answers;
} catch (const Json::exception&) {
  throw Error(Fault::unreadable, "is not of a job of evaluate");
}

}  // namespace resnet::cli
