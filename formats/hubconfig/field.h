// A value of a JSON file that knows how it is called there: what is asked of it and does not fit is an error that names it.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace resnet::hubconfig {

class Field {
 public:
  // `path` is empty for the whole file. The value outlives this.
  Field(const nlohmann::json& value, std::string path) : value_(&value), path_(std::move(path)) {}

  // Throws Error(malformed): "'PATH' is FOUND, expected EXPECTED".
  [[noreturn]] void refuse(const std::string& expected) const;

  const nlohmann::json& json() const { return *value_; }
  const std::string& path() const { return path_; }
  bool is_object() const { return value_->is_object(); }
  // A member of an object; nothing where it is not there, or null.
  std::optional<Field> find(const std::string& key) const;
  // The first of these that is there.
  std::optional<Field> find_first(std::initializer_list<const char*> keys) const;

  std::int64_t integer(std::int64_t least, std::int64_t most) const;
  double number(double least, double most) const;
  bool boolean() const;
  // Without control characters, of at most `most` bytes.
  std::string text(std::size_t most, const char* expected = "a text") const;
  // Of a list of that many; `expected` says of what.
  std::vector<Field> elements(std::size_t count, const std::string& expected) const;

 private:
  const nlohmann::json* value_;
  std::string path_;
};

// `text` as JSON, handed to `read`, whose errors and those of the text are of the file `name`. Refused are keys that are there
// twice, what is nested more than 32 levels deep, and more values than the longest list of labels needs.
void read_json(std::string_view text, const std::string& name, const std::function<void(const Field&)>& read);

// In quotes, without control characters, cut short.
std::string in_quotes(std::string_view text);
// The value of a list or an object, of at most 60 characters, or what it is.
std::string shown(const nlohmann::json& value);

}  // namespace resnet::hubconfig
