#include "formats/hubconfig/field.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "formats/hubconfig/hubconfig.h"
#include "formats/table/text.h"
#include "lib/base/error.h"
#include "lib/base/file_kind.h"

namespace resnet::hubconfig {

namespace {

using Json = nlohmann::json;

constexpr int most_levels = 32;
// Names and descriptions of 21,843 classes are 43,686; a value takes about 100 bytes.
constexpr std::size_t most_values = 200'000;
constexpr std::size_t most_shown = 60;  // bytes

[[noreturn]] void refuse_file(const std::string& what) { throw Error(Fault::malformed, what); }

// What is not JSON, by its beginning.
[[noreturn]] void refuse_text(std::string_view text, std::size_t byte) {
  constexpr const char* expected = "expected JSON, the configuration of a network";
  if (const auto kind = kind_of_content(text.substr(0, kind_bytes)))
    refuse_file(fmt::format("is {}, {}{}{}", kind->name, expected, kind->hint.empty() ? "" : "; ", kind->hint));
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == text.npos) refuse_file(fmt::format("is empty, {}", expected));
  refuse_file(fmt::format("is broken at byte {}, {}", byte, expected));
}

// Counts while the parser reads, and throws before it has taken much memory.
class Guard {
 public:
  bool operator()(int depth, Json::parse_event_t event, const Json& value) {
    switch (event) {
      case Json::parse_event_t::object_start: keys_.emplace_back(); break;
      case Json::parse_event_t::object_end: keys_.pop_back(); return true;
      case Json::parse_event_t::array_end: return true;
      case Json::parse_event_t::key: add_key(value.get_ref<const std::string&>()); return true;
      case Json::parse_event_t::array_start:
      case Json::parse_event_t::value: break;
    }
    if (depth > most_levels) refuse_file(fmt::format("is nested more than {} levels deep", most_levels));
    if (++values_ > most_values) refuse_file(fmt::format("has more than {} values", most_values));
    return true;
  }

 private:
  void add_key(const std::string& key) {
    if (!keys_.back().insert(key).second) refuse_file(fmt::format("has the key {} twice", in_quotes(key)));
  }

  std::vector<std::set<std::string>> keys_;
  std::size_t values_ = 0;
};

Json parse_json(std::string_view text) {
  if (text.size() > most_bytes) refuse_file(fmt::format("has {} bytes, expected at most {}", text.size(), most_bytes));
  Guard guard;
  try {
    return Json::parse(text, std::ref(guard));
  } catch (const Json::parse_error& error) {
    refuse_text(text, error.byte == 0 ? 0 : error.byte - 1);
  } catch (const Json::exception&) {
    refuse_file("has a number that is too large to be one");
  }
}

}  // namespace

std::string in_quotes(std::string_view text) {
  constexpr std::size_t most_before = 4 * most_shown;  // escapes are longer than what they mean
  return fmt::format("'{}'", table::shortened(table::printable(table::shortened(text, most_before)), most_shown));
}

std::string shown(const Json& value) {
  if (value.is_string()) return in_quotes(value.get_ref<const std::string&>());
  if (value.is_object()) return "an object";
  const auto is_plain = [](const Json& element) { return element.is_primitive() && !element.is_string(); };
  if (value.is_array() && (value.size() > 8 || !std::all_of(value.begin(), value.end(), is_plain)))
    return fmt::format("a list of {}", value.size());
  std::string text;
  if (!value.is_array()) return value.dump();
  for (const Json& element : value) text += (text.empty() ? "" : ", ") + element.dump();
  return table::shortened("[" + text + "]", most_shown);
}

void Field::refuse(const std::string& expected) const {
  const std::string found = shown(*value_);
  if (path_.empty()) refuse_file(fmt::format("is {}, expected {}", found, expected));
  refuse_file(fmt::format("'{}' is {}, expected {}", path_, found, expected));
}

std::optional<Field> Field::find(const std::string& key) const {
  if (!value_->is_object()) return std::nullopt;
  const auto found = value_->find(key);
  if (found == value_->end() || found->is_null()) return std::nullopt;
  return Field(*found, path_.empty() ? key : path_ + "." + key);
}

std::optional<Field> Field::find_first(std::initializer_list<const char*> keys) const {
  for (const char* key : keys) {
    if (auto found = find(key)) return found;
  }
  return std::nullopt;
}

std::int64_t Field::integer(std::int64_t least, std::int64_t most) const {
  const bool fits =
      value_->is_number_unsigned() ? std::in_range<std::int64_t>(value_->get<std::uint64_t>()) : value_->is_number_integer();
  if (!fits || value_->get<std::int64_t>() < least || value_->get<std::int64_t>() > most)
    refuse(fmt::format("a whole number from {} to {}", least, most));
  return value_->get<std::int64_t>();
}

double Field::number(double least, double most) const {
  if (!value_->is_number() || !(value_->get<double>() >= least && value_->get<double>() <= most))
    refuse(fmt::format("a number from {:.6g} to {:.6g}", least, most));
  return value_->get<double>();
}

bool Field::boolean() const {
  if (!value_->is_boolean()) refuse("true or false");
  return value_->get<bool>();
}

std::string Field::text(std::size_t most, const char* expected) const {
  if (!value_->is_string()) refuse(expected);
  const auto& text = value_->get_ref<const std::string&>();
  if (text.size() > most) refuse(fmt::format("{} of at most {} bytes", expected, most));
  if (table::printable(text) != text) refuse(fmt::format("{} without control characters", expected));
  return text;
}

std::vector<Field> Field::elements(std::size_t count, const std::string& expected) const {
  if (!value_->is_array() || value_->size() != count) refuse(expected);
  std::vector<Field> fields;
  for (std::size_t i = 0; i < count; ++i) fields.emplace_back((*value_)[i], fmt::format("{}[{}]", path_, i));
  return fields;
}

void read_json(std::string_view text, const std::string& name, const std::function<void(const Field&)>& read) {
  try {
    const Json json = parse_json(text);
    if (!json.is_object()) Field(json, "").refuse("an object, the configuration of a network");
    read(Field(json, ""));
  } catch (Error& error) {
    error.in(Frame::file(Role::model, name));
    throw;
  }
}

}  // namespace resnet::hubconfig
