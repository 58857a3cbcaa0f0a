#include "cli/options/ending.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <system_error>

#include "lib/base/error.h"

namespace resnet::cli {

namespace {

// The endings of a format by its word, the usual one first.
std::vector<std::string> endings_of(const std::string& format) {
  if (format == "text") return {"txt", "text", "log", "out"};
  if (format == "jsonl") return {"jsonl", "ndjson"};
  if (format == "md") return {"md", "markdown"};
  if (format == "dot") return {"dot", "gv"};
  if (format == "html") return {"html", "htm"};
  return {format};
}

}  // namespace

std::string choose_format(const std::string& asked, const std::string& output, const std::vector<std::string>& formats,
                          bool has_no_format_option) {
  if (!asked.empty()) return asked;
  std::string ending = std::filesystem::path(output).extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  std::error_code none;
  const bool special = std::filesystem::exists(output, none) && !std::filesystem::is_regular_file(output, none);
  const bool number = ending.find_first_not_of(".0123456789") == std::string::npos;  // part.3 of a job's parts
  if (number || special) return formats.front();
  std::string expected;
  for (const std::string& format : formats) {
    const std::vector<std::string> endings = endings_of(format);
    if (std::find(endings.begin(), endings.end(), ending.substr(1)) != endings.end()) return format;
    expected += (expected.empty() ? "." : format == formats.back() ? " or ." : ", .") + endings.front();
  }
  throw Error(Fault::invalid, fmt::format("{}: ends in {}, which is not written here; expected {}{}", output, ending, expected,
                                          has_no_format_option ? "" : "; override with --format"));
}

std::string choose_table_format(const std::string& asked, const std::string& output) {
  return choose_format(asked, output, {"text", "json", "csv", "md"});
}

void check_ending(const std::string& output, const std::vector<std::string>& formats) {
  choose_format("", output, formats, true);
}

}  // namespace resnet::cli
