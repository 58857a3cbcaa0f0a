#include "cli/options/option.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

#include "lib/arch/spec.h"
#include "lib/base/parse.h"

namespace resnet::cli {

namespace {

constexpr std::array<std::string_view, 13> placeholders = {"N",     "NAME", "NAMES",   "X",    "NUMBER", "NUMBERS", "FRACTION",
                                                           "SHAPE", "K/N",  "COLUMNS", "TEXT", "COLUMN", "@LIST"};

std::optional<double> finite_number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

}  // namespace

Alternatives alternatives_of(const CLI::Option& option) {
  Alternatives result;
  if (option.get_items_expected_max() == 0) return result;  // a flag
  for (const std::string& word : split(option.get_type_name(), '|')) {
    if (word == "FILE") {
      result.files = true;
    } else if (word == "FOLDER") {
      result.folders = true;
    } else if (word == "PUBLISHED") {
      result.published = true;
    } else if (word == "ARCH") {
      result.published = result.files;
      const auto& names = arch::names();
      result.words.insert(result.words.end(), names.begin(), names.end());
    } else if (std::find(placeholders.begin(), placeholders.end(), word) == placeholders.end()) {
      result.words.push_back(word);
    }
  }
  return result;
}

CLI::Option* add_any_choice(CLI::App& app, const std::string& names, AnyChoice choice, const std::string& description) {
  const std::string all = fmt::format("{}", fmt::join(choice.words, "|"));
  const auto check = [words = choice.words, all](const std::string& given) {
    const bool known = std::find(words.begin(), words.end(), given) != words.end();
    return known ? std::string() : fmt::format("expected {}, got '{}'", all, given);
  };
  const auto take = [words = std::move(choice.words), set = std::move(choice.set)](const CLI::results_t& given) {
    set(static_cast<std::size_t>(std::find(words.begin(), words.end(), given.at(0)) - words.begin()));
    return true;
  };
  return app.add_option(names, take, description, false, std::move(choice.shown))
      ->type_name(all)
      ->check(CLI::Validator(check, ""));
}

CLI::Option* add_parsed(CLI::App& app, const std::string& names, std::function<void(const std::string&)> parse,
                        std::function<std::string()> shown, const std::string& type, const std::string& description) {
  const auto take = [parse = std::move(parse)](const CLI::results_t& given) {
    parse(given.at(0));
    return true;
  };
  return app.add_option(names, take, description, false, std::move(shown))->type_name(type);
}

CLI::Option* add_text(CLI::App& app, const std::string& names, std::string& value, const std::string& type,
                      const std::string& description) {
  CLI::Option* option = app.add_option(names, value, description)->type_name(type);
  const bool is_name = type.starts_with("FILE") || type.starts_with("FOLDER") || type.starts_with("NAME") || type == "ARCH";
  return is_name ? option->check(name_of_file(type)) : option;
}

CLI::Validator name_of_file(const std::string& type) {
  const auto check = [type](const std::string& given) {
    return given.empty() ? fmt::format("the name is empty, expected {}", type) : std::string();
  };
  return CLI::Validator(check, "");
}

CLI::Validator number_between(double least, double most) {
  const auto check = [least, most](const std::string& given) {
    const auto value = finite_number(given);
    if (value && *value >= least && *value <= most) return std::string();
    const std::string range = most < std::numeric_limits<double>::max() ? fmt::format("from {} to {}", least, most)
                                                                        : fmt::format("of {} or more", least);
    return fmt::format("'{}' is not a number {}", given, range);
  };
  return CLI::Validator(check, "");
}

CLI::Validator integer_between(std::int64_t least, std::int64_t most) {
  const auto check = [least, most](std::string& given) {
    const auto value = parse_integer(given);
    if (value && *value >= least && *value <= most) return std::string();
    return fmt::format("expected a whole number from {} to {}, got '{}'", least, most, given);
  };
  return CLI::Validator(check, "");
}

}  // namespace resnet::cli
