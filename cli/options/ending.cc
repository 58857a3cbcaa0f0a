#include "cli/options/ending.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <system_error>
#include <vector>

#include "lib/base/error.h"

namespace resnet::cli {

std::vector<std::string_view> endings_of(FileFormat format) {
  switch (format) {
    case FileFormat::text: return {"txt", "text", "log", "out"};
    case FileFormat::jsonl: return {"jsonl", "ndjson"};
    case FileFormat::markdown: return {"md", "markdown"};
    case FileFormat::dot: return {"dot", "gv"};
    case FileFormat::html: return {"html", "htm"};
    case FileFormat::json:
    case FileFormat::csv:
    case FileFormat::svg:
    case FileFormat::npy:
    case FileFormat::onnx:
    case FileFormat::resnet: return {word_of(format)};
  }
  __builtin_unreachable();
}

std::size_t place_by_ending(const std::string& output, std::span<const std::string_view> formats, FormatOption option) {
  std::string ending = std::filesystem::path(output).extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  std::error_code none;
  const bool special = std::filesystem::exists(output, none) && !std::filesystem::is_regular_file(output, none);
  const bool number = ending.find_first_not_of(".0123456789") == std::string::npos;  // part.3 of a job's parts
  if (number || special) return 0;
  std::string expected;
  for (std::size_t i = 0; i < formats.size(); ++i) {
    const auto endings = endings_of(find_value<FileFormat>(formats[i]).value());
    if (std::find(endings.begin(), endings.end(), ending.substr(1)) != endings.end()) return i;
    expected += fmt::format("{}.{}", i == 0 ? "" : i + 1 == formats.size() ? " or " : ", ", endings.front());
  }
  throw Error(Fault::invalid, fmt::format("{}: ends in {}, which is not written here; expected {}{}", output, ending, expected,
                                          option == FormatOption::none ? "" : "; override with --format"));
}

ModelFormat model_format_of(const std::string& output) {
  return choose_format<ModelFormat>(std::nullopt, output, words<ModelFormat>, FormatOption::none);
}

void check_ending(const std::string& output, std::initializer_list<FileFormat> formats) {
  std::vector<std::string_view> all;
  for (const FileFormat format : formats) all.push_back(word_of(format));
  place_by_ending(output, all, FormatOption::none);
}

}  // namespace resnet::cli
