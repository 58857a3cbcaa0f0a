#include "cli/tasks/identity/nesting.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "lib/base/error.h"

namespace resnet::cli {

void check_nesting(const std::string& json) {
  using Json = nlohmann::ordered_json;
  static constexpr int most_levels = 64;
  const auto check = [](int depth, Json::parse_event_t, const Json&) {
    if (depth > most_levels)
      throw Error(Fault::unreadable, fmt::format("is damaged: it is nested more than {} levels deep", most_levels));
    return true;
  };
  [[maybe_unused]] const Json read = Json::parse(json, check, false);
}

}  // namespace resnet::cli
