#include "formats/labels/labels.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "formats/labels/python_dict.h"
#include "formats/labels/yaml.h"
#include "lib/base/error.h"
#include "lib/base/files.h"

namespace resnet::labels {

namespace {

using Json = nlohmann::json;

constexpr std::string_view imagenet1k[] = {
#include "formats/labels/imagenet1k.inc"
};
static_assert(std::size(imagenet1k) == 1000);
constexpr std::string_view wnids[] = {
#include "formats/labels/imagenet1k_wnids.inc"
};
static_assert(std::size(wnids) == 1000);
constexpr std::string_view cifar10[] = {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"};

struct Builtin {
  std::string_view name;
  const std::string_view* begin;
  const std::string_view* end;
};
constexpr Builtin builtins[] = {{"imagenet1k", std::begin(imagenet1k), std::end(imagenet1k)},
                                {"cifar10", std::begin(cifar10), std::end(cifar10)}};

[[noreturn]] void refuse(const std::string& name, const std::string& what) {
  throw Error(Fault::malformed, Frame::file(Role::argument, name), what);
}

// The bytes of the UTF-8 character at the front; 0 where there is none (overlong forms, surrogates and what lies beyond U+10FFFF
// are not characters).
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length =
      first >= 0xC2 && first <= 0xDF ? 2 : (first >= 0xE0 && first <= 0xEF ? 3 : (first >= 0xF0 && first <= 0xF4 ? 4 : 0));
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  const unsigned char second = byte(1);
  const bool outside = (first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) || (first == 0xF0 && second < 0x90) ||
                       (first == 0xF4 && second > 0x8F);
  return outside ? 0 : length;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

// "Windows-1252", which Windows' editors call ANSI, is what texts that are not UTF-8 mostly have.
[[noreturn]] void refuse_ansi(const std::string& name, const std::string& where) {
  refuse(name, fmt::format("{}is not UTF-8 (Windows' ANSI?): save it as UTF-8, or run iconv -f WINDOWS-1252 -t UTF-8",
                           where.empty() ? "" : where + " "));
}

// Notepad and PowerShell write it: with a mark at the beginning, or with a zero in every other byte of Latin letters.
bool is_utf16(std::string_view text) {
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) return true;
  const std::string_view head = text.substr(0, 256);
  const auto zeros = static_cast<std::size_t>(std::count(head.begin(), head.end(), '\0'));
  return head.size() >= 4 && zeros * 3 >= head.size() && zeros * 3 <= head.size() * 2;
}

std::vector<std::string> parse_lines(std::string_view text, const std::string& name) {
  std::vector<std::string> labels;
  while (!text.empty()) {
    const std::size_t end = text.find_first_of("\r\n");
    const std::string_view line = text.substr(0, end);
    if (!is_utf8(line)) refuse_ansi(name, fmt::format("line {}", labels.size() + 1));
    if (line.find('\0') != line.npos) refuse(name, "is not a text file");
    labels.emplace_back(line);
    if (end == text.npos) break;
    text.remove_prefix(end + (text.substr(end, 2) == "\r\n" ? 2 : 1));
  }
  while (!labels.empty() && labels.back().find_first_not_of(" \t") == std::string::npos) labels.pop_back();
  return labels;
}

// "tench", or ["n01440764", "tench"] whose last one is the label.
std::string label_of(const Json& value, const std::string& where, const std::string& name) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_array() && !value.empty() && value.back().is_string()) return value.back().get<std::string>();
  refuse(name, fmt::format("{} is not a label, expected a string or [id, label]", where));
}

// Puts labels in the order of their indices, each of which must be there once.
std::vector<std::string> in_order(std::vector<std::pair<std::uint64_t, std::string>> entries, const std::string& name) {
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> labels;
  for (auto& [index, label] : entries) {
    if (index < labels.size()) refuse(name, fmt::format("has two labels for class {}", index));
    if (index > labels.size()) refuse(name, fmt::format("has no label for class {}", labels.size()));
    labels.push_back(std::move(label));
  }
  return labels;
}

std::vector<std::string> from_json(const Json& json, const std::string& name) {
  if (json.is_array()) {
    std::vector<std::string> labels;
    for (const Json& value : json) labels.push_back(label_of(value, fmt::format("entry {}", labels.size()), name));
    return labels;
  }
  if (!json.is_object()) refuse(name, "is JSON, but neither a list of labels nor a map from index to label");
  std::vector<std::pair<std::uint64_t, std::string>> entries;
  for (const auto& [key, value] : json.items()) {
    if (value.is_number_unsigned()) {
      entries.emplace_back(value.get<std::uint64_t>(), key);
      continue;
    }
    std::uint64_t index = 0;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), index);
    if (error != std::errc{} || end != key.data() + key.size())
      refuse(name, fmt::format("has the key '{}', expected a class index", key));
    entries.emplace_back(index, label_of(value, fmt::format("entry '{}'", key), name));
  }
  return in_order(std::move(entries), name);
}

std::vector<std::string> parse_json(std::string_view text, const std::string& name) {
  // The parser keeps the last of several equal keys; here they are a mistake.
  std::vector<std::set<std::string>> keys;
  const auto check = [&](int /*depth*/, Json::parse_event_t event, Json& value) {
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event == Json::parse_event_t::key && !keys.back().insert(value.get<std::string>()).second) {
      refuse(name, fmt::format("has the key '{}' twice", value.get<std::string>()));
    }
    return true;
  };
  // As `kind` it says "[json.exception.parse_error.101] parse error at line 1, column 2: ...; last read: '...'": where is enough.
  const auto refuse_json = [&](const Json::exception& error, std::string_view kind) {
    std::string line = error.what();
    line.erase(0, fmt::formatted_size("[json.exception.{}.{}] ", kind, error.id));
    std::replace_if(
        line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < 32; }, ' ');
    const std::string_view lead = "parse error at ";
    if (line.starts_with(lead)) line = line.substr(lead.size(), line.find(": ") - lead.size());
    constexpr std::size_t most = 80;
    refuse(name, "is not valid JSON: " + (line.size() > most ? line.substr(0, most) + "..." : line));
  };
  try {
    const Json json = Json::parse(text, check);
    // transformers' config.json, timm's, a data set's description.
    for (const char* key : {"id2label", "label_names", "names"}) {
      if (json.is_object() && json.contains(key)) return from_json(json[key], name);
    }
    return from_json(json, name);
  } catch (const Json::parse_error& error) {
    refuse_json(error, "parse_error");
  } catch (const Json::out_of_range& error) {
    refuse_json(error, "out_of_range");
  }
  __builtin_unreachable();
}

// ['tench', 'goldfish'], which JSON does not have.
bool is_python_list(std::string_view text) {
  if (!text.starts_with('[')) return false;
  const std::size_t first = text.find_first_not_of(" \t\r\n", 1);
  return first != text.npos && text[first] == '\'';
}

}  // namespace

std::optional<std::vector<std::string>> find(std::string_view name) {
  for (const Builtin& builtin : builtins) {
    if (builtin.name == name) return std::vector<std::string>(builtin.begin, builtin.end);
  }
  return std::nullopt;
}

std::span<const std::string_view> imagenet1k_wnids() { return wnids; }

std::string names() {
  std::string result;
  for (const Builtin& builtin : builtins) {
    if (!result.empty()) result += '|';
    result += builtin.name;
  }
  return result;
}

std::vector<std::string> read(const std::filesystem::path& file) {
  constexpr std::uintmax_t most_bytes = std::uintmax_t{16} << 20;
  return parse(read_file(file, Role::argument, {.most_bytes = most_bytes, .expected = "a list of labels"}), file.string());
}

std::vector<std::string> parse(std::string_view text, const std::string& name) {
  if (is_utf16(text)) refuse(name, "is UTF-16: save it as UTF-8, or run iconv -f UTF-16 -t UTF-8");
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == text.npos) refuse(name, "holds no labels");
  const bool json = text[first] == '{' || text[first] == '[';
  const bool python_dict = json && is_python_dict(text);
  if (python_dict || is_python_list(text.substr(first)) || (!json && is_yaml(text, name))) {
    if (!is_utf8(text)) refuse_ansi(name, "");
    std::vector<std::string> labels = in_order(python_dict ? parse_python_dict(text, name) : parse_yaml(text, name), name);
    if (labels.empty()) refuse(name, "holds no labels");
    return labels;
  }
  std::vector<std::string> labels = json ? parse_json(text, name) : parse_lines(text, name);
  if (labels.empty()) refuse(name, "holds no labels");
  return labels;
}

std::string label_of(std::span<const std::string> labels, std::int64_t index) {
  const auto at = static_cast<std::size_t>(index);
  return at < labels.size() ? labels[at] : "";
}

std::string label_or_number(std::span<const std::string> labels, std::int64_t index) {
  std::string label = label_of(labels, index);
  return label.empty() ? fmt::format("class {}", index) : label;
}

std::vector<std::string> load(const std::string& name_or_file) {
  if (auto found = find(name_or_file)) return *std::move(found);
  return read(name_or_file);
}

}  // namespace resnet::labels
