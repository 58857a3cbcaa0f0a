#include "cli/options/option.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <utility>

#include "lib/base/parse.h"

namespace resnet::cli {

namespace {

constexpr std::array<std::string_view, 5> placeholders = {"N", "NUMBERS", "FRACTION", "SHAPE", "ARCH"};

}  // namespace

Alternatives alternatives_of(const CLI::Option& option) {
  Alternatives result;
  if (option.get_items_expected_max() == 0) return result;  // a flag
  for (const std::string& word : split(option.get_type_name(), '|')) {
    if (word == "FILE") {
      result.files = true;
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
  return app.add_option(names, value, description)->type_name(type);
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
