#include "formats/answers/write.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "formats/labels/labels.h"
#include "formats/table/table.h"

namespace resnet::answers {

namespace {

// Floats as the shortest text that reads back as the same float.
using Json = nlohmann::basic_json<nlohmann::ordered_map, std::vector, std::string, bool, std::int64_t, std::uint64_t, float>;

using Labels = std::span<const std::string>;

Json json_of_input(const std::string& input) {
  Json object;
  object["input"] = input;
  if (!table::is_utf8(input)) object["input_base64"] = table::base64(input);
  return object;
}

// Bytes that are not UTF-8 become U+FFFD.
std::string line_of(const Json& object) { return object.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"; }

std::string text_answer(const std::string& input, std::span<const Prediction> predictions, Labels labels, bool logits) {
  std::string result = table::printable(input) + "\n";
  std::size_t digits = 1;
  for (const Prediction& prediction : predictions) digits = std::max(digits, fmt::formatted_size("{}", prediction.index));
  for (const Prediction& prediction : predictions) {
    result += logits ? fmt::format("  {:>9.4f}", prediction.logit.value_or(std::log(prediction.probability)))
                     : fmt::format("  {:>6.2f} %", 100 * prediction.probability);
    result += fmt::format("  {:>{}}", prediction.index, digits);
    if (const std::string label = labels::label_of(labels, prediction.index); !label.empty())
      result += "  " + table::printable(label);
    result += '\n';
  }
  return result;
}

std::string json_answer(const std::string& input, std::span<const Prediction> predictions, Labels labels) {
  Json object = json_of_input(input);
  Json& list = object["predictions"] = Json::array();
  for (std::size_t i = 0; i < predictions.size(); ++i) {
    const Prediction& prediction = predictions[i];
    Json entry;
    entry["rank"] = i + 1;
    entry["index"] = prediction.index;
    const std::string label = labels::label_of(labels, prediction.index);
    entry["label"] = label.empty() ? Json() : Json(label);
    entry["probability"] = static_cast<float>(prediction.probability);
    entry["logit"] = prediction.logit ? Json(static_cast<float>(*prediction.logit)) : Json();
    list.push_back(std::move(entry));
  }
  return line_of(object);
}

std::string csv_answer(const std::string& input, std::span<const Prediction> predictions, Labels labels) {
  std::string result;
  for (std::size_t i = 0; i < predictions.size(); ++i) {
    const Prediction& prediction = predictions[i];
    const std::array<table::Cell, 6> cells = {
        input,
        static_cast<std::int64_t>(i + 1),
        prediction.index,
        table::without_formula(table::printable(labels::label_of(labels, prediction.index))),
        static_cast<float>(prediction.probability),
        prediction.logit ? table::Cell(static_cast<float>(*prediction.logit)) : table::Cell()};
    result += table::csv_line(cells);
  }
  return result;
}

}  // namespace

std::string Writer::begin() const {
  switch (format_) {
    case Format::text:
    case Format::jsonl: return "";
    case Format::csv: return "input,rank,index,label,probability,logit\n";
    case Format::json: return "[\n";
  }
  __builtin_unreachable();
}

std::string Writer::end() const { return format_ == Format::json ? "]\n" : ""; }

std::string Writer::lead() { return format_ != Format::json ? "" : std::exchange(is_first_, false) ? " " : ","; }

std::string Writer::answer(const std::string& input, std::span<const Prediction> predictions) {
  switch (format_) {
    case Format::text: return text_answer(input, predictions, labels_, logits_);
    case Format::json:
    case Format::jsonl: return lead() + json_answer(input, predictions, labels_);
    case Format::csv: return csv_answer(input, predictions, labels_);
  }
  __builtin_unreachable();
}

std::string Writer::failure(const std::string& input, const std::string& error) {
  if (format_ != Format::jsonl && format_ != Format::json) return "";
  Json object = json_of_input(input);
  object["error"] = error;
  return lead() + line_of(object);
}

}  // namespace resnet::answers
