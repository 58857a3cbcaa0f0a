#include "formats/hubconfig/labels.h"

#include <fmt/format.h>

#include <charconv>
#include <system_error>

#include "formats/table/text.h"
#include "lib/base/error.h"

namespace resnet::hubconfig {

namespace {

constexpr std::size_t most_label_bytes = 2000;

std::string label_of(const Field& field, std::size_t index, const nlohmann::json& value) {
  const auto refuse = [&](const char* expected) {
    throw Error(Fault::malformed,
                fmt::format("'{}' has {} for class {}, expected {}", field.path(), shown(value), index, expected));
  };
  if (!value.is_string()) refuse("its name");
  const auto& label = value.get_ref<const std::string&>();
  if (label.size() > most_label_bytes) refuse("a name of at most 2000 bytes");
  if (table::printable(label) != label) refuse("a name without control characters");
  return label;
}

// "0", "1", "17"; nothing for another text.
std::optional<std::size_t> index_of(const std::string& key) {
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), index);
  if (error != std::errc{} || end != key.data() + key.size() || (key.size() > 1 && key[0] == '0')) return std::nullopt;
  return index;
}

}  // namespace

std::vector<std::string> read_labels(const Field& field) {
  const nlohmann::json& json = field.json();
  if (!json.is_array() && !json.is_object()) field.refuse("a list of names, or an object with a name for each class");
  std::vector<std::string> labels(json.size());
  if (json.is_array()) {
    for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = label_of(field, i, json[i]);
    return labels;
  }
  // As many different numbers below their count are all of them.
  for (const auto& [key, value] : json.items()) {
    const auto index = index_of(key);
    if (!index || *index >= labels.size()) {
      throw Error(Fault::malformed,
                  fmt::format("'{}' has the key {}, expected the numbers from 0 to {}, one for each of its names", field.path(),
                              in_quotes(key), labels.size() - 1));
    }
    labels[*index] = label_of(field, *index, value);
  }
  return labels;
}

void describe_labels(std::vector<std::string>& labels, const Field& descriptions) {
  if (!descriptions.is_object()) descriptions.refuse("an object with a text for each name");
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto found = descriptions.json().find(labels[i]);
    if (found != descriptions.json().end()) labels[i] = label_of(descriptions, i, *found);
  }
}

bool are_placeholders(const std::vector<std::string>& labels) {
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] != fmt::format("LABEL_{}", i)) return false;
  }
  return true;
}

}  // namespace resnet::hubconfig
