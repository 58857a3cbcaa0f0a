#include "cli/options/option.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

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

CLI::Option* add_choice(CLI::App& app, const std::string& names, std::string& value, const std::string& choices,
                        const std::string& description) {
  const auto check = [choices](std::string& given) {
    const auto words = split(choices, '|');
    if (std::find(words.begin(), words.end(), given) != words.end()) return std::string();
    return fmt::format("expected {}, got '{}'", choices, given);
  };
  return app.add_option(names, value, description)->type_name(choices)->check(CLI::Validator(check, ""));
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
