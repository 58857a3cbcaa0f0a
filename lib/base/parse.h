// Words of the command line, taken apart and as numbers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace resnet {

// A whole number of decimal digits, with an optional sign; nothing for anything else or what does not fit.
std::optional<std::int64_t> parse_integer(std::string_view text);
// A finite decimal number; nothing for anything else.
std::optional<float> parse_number(std::string_view text);
std::vector<std::string> split(std::string_view text, char separator);

}  // namespace resnet
