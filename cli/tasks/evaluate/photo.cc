#include "cli/tasks/evaluate/photo.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/tasks/job/input_list.h"
#include "formats/table/text.h"
#include "lib/base/error.h"

namespace resnet::cli {

namespace {

using Json = nlohmann::ordered_json;

const std::string without_number = "- ";  // before a file that holds one photo

[[noreturn]] void refuse_listed() {
  throw Error(Fault::unreadable,
              "the job's list of inputs is damaged: it is not of photos and classes; start the job in a new folder");
}

}  // namespace

std::string Photo::to_text() const {
  const std::string place =
      number ? Numbered{static_cast<std::int64_t>(*number), file.native()}.to_text() : without_number + file.native();
  return Numbered{truth, place}.to_text();
}

std::string Photo::name() const { return number ? fmt::format("{}[{}]", file.native(), *number) : file.native(); }

Photo parse_photo(const Input& listed) {
  const auto photo = parse_numbered(listed.path.native());
  if (!photo) refuse_listed();
  if (photo->text.starts_with(without_number)) return {photo->text.substr(without_number.size()), photo->number, std::nullopt};
  const auto one = parse_numbered(photo->text);
  if (!one || one->number < 0) refuse_listed();
  return {one->text, photo->number, static_cast<std::size_t>(one->number)};
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
