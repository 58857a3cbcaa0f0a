#include "cli/tasks/predict/answer_lines.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>
#include <system_error>
#include <utility>

#include "formats/table/text.h"
#include "lib/base/error.h"

namespace resnet::cli {

namespace {

using Json = nlohmann::json;

constexpr std::string_view opening = "{\"input\":", opening_of_part = "{\"shard";

// As far as a line has been read: whether it is an answer, or the first or last line of a part.
bool begins_as_ours(std::string_view line) {
  if (line.size() > opening.size()) return true;  // it was looked at when it was shorter
  return opening.starts_with(line) || opening_of_part.starts_with(line.substr(0, opening_of_part.size()));
}

// Keeps nothing of a line but what AnswerLine says: a hostile one costs no memory.
class Handler : public nlohmann::json_sax<Json> {
 public:
  AnswerLine answer;
  bool has_input = false, has_predictions = false, has_error = false;

  bool null() override { return value(); }
  bool boolean(bool) override { return value(); }
  bool number_integer(number_integer_t) override { return value(); }
  bool number_unsigned(number_unsigned_t) override { return value(); }
  bool number_float(number_float_t, const string_t&) override { return value(); }
  bool binary(binary_t&) override { return false; }
  bool string(string_t& text) override {
    if (depth_ != 1) return value();
    if (key_ == "input") {
      answer.input = text;
      has_input = true;
    } else if (key_ == "input_base64") {
      answer.base64 = text;
    } else if (key_ == "error") {
      answer.failed = has_error = true;
    }
    return true;
  }
  bool key(string_t& name) override {
    if (depth_ == 1) key_ = name;
    return true;
  }
  bool start_object(std::size_t) override { return ++depth_ <= deepest; }
  bool end_object() override { return --depth_ >= 0; }
  bool start_array(std::size_t) override {
    if (depth_ == 1 && key_ == "predictions") has_predictions = true;
    return ++depth_ <= deepest;
  }
  bool end_array() override { return --depth_ >= 0; }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }

 private:
  static constexpr int deepest = 3;  // an answer, its predictions, one of them
  bool value() const { return depth_ > 0; }
  std::string key_;
  int depth_ = 0;
};

// `{"input":"path` without the quote that ends it.
std::string lead_of(const std::string& path) {
  std::string text = Json(path).dump(-1, ' ', false, Json::error_handler_t::replace);
  text.pop_back();
  return std::string(opening) + text;
}

}  // namespace

bool AnswerLine::is_of(const std::string& path) const { return base64.empty() ? input == path : base64 == table::base64(path); }

bool AnswerLine::is_part_of(const std::string& path) const {
  const std::size_t bracket = input.rfind('[');
  if (bracket == std::string::npos || !input.ends_with("]")) return false;
  const std::string number = input.substr(bracket + 1, input.size() - bracket - 2);
  if (number.empty() || number.find_first_not_of("0123456789") != std::string::npos) return false;
  return AnswerLine{input, base64, failed}.is_of(fmt::format("{}[{}]", path, number));
}

std::optional<AnswerLine> parse_answer_line(const std::string& line) {
  if (!line.starts_with(opening)) return std::nullopt;
  Handler handler;
  if (!Json::sax_parse(line, &handler) || !handler.has_input || handler.has_predictions == handler.has_error) return std::nullopt;
  return std::move(handler.answer);
}

bool begins_answer_of(const std::string& text, const std::string& path) {
  const std::string lead = lead_of(path);
  return text.starts_with(lead) || (!text.empty() && lead.starts_with(text));
}

std::string tally_key(const std::string& input) { return table::is_utf8(input) ? input : table::base64(input); }

LineReader::LineReader(const std::string& file) {
  std::error_code failed;
  const auto status = std::filesystem::status(file, failed);
  if (status.type() == std::filesystem::file_type::not_found) return;
  if (!failed && !std::filesystem::is_regular_file(status))
    throw Error(Fault::invalid, file + ": is not a regular file, expected one of JSON lines");
  errno = 0;
  if (!failed) stream_.open(file, std::ios::binary);
  if (failed || !stream_)
    throw Error(Fault::invalid, fmt::format("{}: cannot be opened: {}", file, failed ? failed.message() : std::strerror(errno)));
  is_there_ = true;
}

bool LineReader::next(std::string& line) {
  constexpr std::size_t longest = std::size_t{256} << 20;  // a million classes of each image have some 120 MB
  constexpr std::size_t shown = 80;
  line.clear();
  begin_ = end_;
  has_end_ = is_foreign_ = false;
  std::streambuf& bytes = *stream_.rdbuf();
  for (int byte = is_there_ ? bytes.sbumpc() : EOF; byte != EOF; byte = bytes.sbumpc()) {
    ++end_;
    if (byte == '\n') {
      has_end_ = true;
      break;
    }
    if (byte < ' ') is_foreign_ = true;  // JSON escapes it
    line.push_back(static_cast<char>(byte));
    if (!begins_as_ours(line)) is_foreign_ = true;
    if (line.size() >= (is_foreign_ ? shown : longest)) {
      is_foreign_ = true;
      line.resize(shown);
      break;
    }
  }
  if (line.empty() && has_end_) is_foreign_ = true;
  if (!line.empty() || has_end_) ++number_;
  return !line.empty() || has_end_;
}

}  // namespace resnet::cli
