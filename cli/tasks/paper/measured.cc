#include "cli/tasks/paper/measured.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <nlohmann/json.hpp>
#include <system_error>

#include "cli/tasks/named_file.h"
#include "lib/arch/spec.h"
#include "lib/base/error.h"
#include "lib/base/files.h"

namespace resnet::cli {

namespace fs = std::filesystem;

namespace {

using Json = nlohmann::json;

constexpr std::uintmax_t most_bytes = std::uintmax_t{256} << 20;
constexpr const char* kinds = "expected JSON of evaluate or responses, or a log of train";

[[noreturn]] void fail(const std::string& file, const std::string& problem) {
  throw Error(Fault::malformed, Frame::file(Role::input, file), problem);
}

// Of a member that is null for an unknown network.
std::string text_at(const Json& row, const char* key) {
  const auto found = row.find(key);
  return found == row.end() || found->is_null() ? "" : found->get<std::string>();
}

MeasuredError error_of(const Json& row, const std::string& file) {
  MeasuredError error;
  error.file = file;
  error.network = text_at(row, "architecture");
  error.shortcut = arch::find_shortcut(text_at(row, "shortcut")).value_or(arch::Shortcut::none);
  error.variant = arch::find_variant(text_at(row, "variant")).value_or(arch::Variant::v1);
  error.testing = analysis::testing_of(row.at("crop").get<std::string>(), row.value("networks", std::int64_t{1}));
  error.top1 = row.at("top1_err").get<double>();
  if (row.contains("top5_err")) error.top5 = row.at("top5_err").get<double>();
  error.count = row.at("count").get<std::int64_t>();
  return error;
}

void take_response(const Json& row, Measured& measured, std::size_t first) {
  const auto model = row.at("model").get<std::string>();
  if (measured.responses.size() == first || measured.responses.back().model != model)
    measured.responses.push_back({model, row.value("plain", false), {}});
  measured.responses.back().deviations.push_back(row.at("std").get<double>());
}

void take_json(const std::string& text, const std::string& file, Measured& measured) {
  try {
    Json rows = Json::parse(text);
    if (rows.is_object()) rows = Json::array({rows});
    const std::size_t first = measured.responses.size();
    if (!rows.is_array() || rows.empty()) fail(file, std::string("holds no rows; ") + kinds);
    for (const Json& row : rows) {
      if (row.contains("top1_err")) {
        measured.errors.push_back(error_of(row, file));
      } else if (row.contains("std")) {
        take_response(row, measured, first);
      } else {
        fail(file, std::string("is JSON of another kind; ") + kinds);
      }
    }
  } catch (const Json::exception&) {
    fail(file, std::string("is not JSON as this program writes it; ") + kinds);
  }
}

void take_file(const std::string& argument, Measured& measured, const TaskContext& context) {
  const auto [name, file] = named_file(argument);
  context.before_reading(file);
  context.stop.check();
  std::string text = read_file(file, Role::input, {.most_bytes = most_bytes, .expected = kinds});
  if (text.starts_with("\xef\xbb\xbf")) text.erase(0, 3);
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string::npos) fail(file, std::string("is empty; ") + kinds);
  if (text[begin] == '{' || text[begin] == '[') {
    take_json(text, file, measured);
    return;
  }
  for (NamedRun& run : parse_log(text, file)) {
    if (run.first.empty()) run.first = name.value_or("").empty() ? fs::path(file).stem().string() : *name;
    measured.runs.push_back({file, std::move(run)});
  }
}

std::vector<std::string> files_in(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code failure;
  for (fs::directory_iterator entry(folder, failure), end; !failure && entry != end; entry.increment(failure)) {
    const std::string ending = entry->path().extension().string();
    if (ending == ".json" || ending == ".csv") files.push_back(entry->path().string());
  }
  if (failure) throw Error(Fault::unreadable, Frame::file(Role::input, folder), "cannot be listed: " + failure.message());
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

Measured read_measured(const std::vector<std::string>& files, const std::string& folder, const TaskContext& context) {
  Measured measured;
  for (const std::string& file : files) take_file(file, measured, context);
  if (folder.empty()) return measured;
  for (const std::string& file : files_in(folder)) {
    Measured one;
    try {
      take_file(file, one, context);
    } catch (const Error& error) {
      if (error.fault() != Fault::malformed && error.fault() != Fault::unreadable) throw;
      context.observer.warning(fmt::format("{}; left out", error.what()));
      continue;
    }
    std::move(one.errors.begin(), one.errors.end(), std::back_inserter(measured.errors));
    std::move(one.runs.begin(), one.runs.end(), std::back_inserter(measured.runs));
    std::move(one.responses.begin(), one.responses.end(), std::back_inserter(measured.responses));
  }
  return measured;
}

}  // namespace resnet::cli
