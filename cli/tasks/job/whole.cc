#include "cli/tasks/job/whole.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <system_error>
#include <vector>

#include "cli/tasks/job/new_file.h"
#include "cli/tasks/job/part.h"
#include "lib/base/error.h"
#include "lib/base/files.h"

namespace resnet::cli {

namespace fs = std::filesystem;

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* numbers_name = "finished.json";
constexpr const char* over_name = "over";

WholeJob read_numbers(const fs::path& folder) {
  const auto text = read_published(folder / numbers_name);
  if (!text) return {};
  try {
    const Json json = Json::parse(*text);
    WholeJob job = {json.at("inputs").get<std::size_t>(), json.at("failed").get<std::size_t>()};
    if (json.contains("seconds")) job.seconds = json.at("seconds").get<std::vector<double>>();
    return job;
  } catch (const Json::exception&) {
    throw Error(Fault::unreadable, Frame::file(Role::argument, (folder / numbers_name).string()), "is damaged");
  }
}

}  // namespace

std::optional<WholeJob> read_whole(const fs::path& folder) {
  if (!is_published(folder / name_of_whole)) return std::nullopt;
  WholeJob job = read_numbers(folder);
  for (std::size_t round = 1; is_round_over(folder, round); ++round) {
    const WholeJob again = read_numbers(folder_of_round(folder, round));
    job.failed = job.failed + again.failed - std::min(again.inputs, job.failed + again.failed);
    add_seconds(job.seconds, again.seconds);
  }
  return job;
}

void publish_numbers(const fs::path& folder, const WholeJob& job) {
  Json json = {{"inputs", job.inputs}, {"failed", job.failed}};
  if (!job.seconds.empty()) json["seconds"] = job.seconds;
  NewFile numbers(folder / numbers_name);
  numbers.write(json.dump() + "\n");
  numbers.publish();
}

void clear_away(const fs::path& folder) {
  // Several processes that do it get into each other's way.
  constexpr int most_tries = 100;
  std::error_code ignored;
  for (const char* kind : {"claims", "parts"}) {
    for (int i = 0; i < most_tries && fs::exists(folder / kind, ignored); ++i) fs::remove_all(folder / kind, ignored);
  }
}

void copy_whole(const fs::path& folder, const fs::path& file, Stop stop) {
  std::ifstream whole(folder / name_of_whole, std::ios::binary);
  AtomicFile copy(file);
  std::vector<char> block(1 << 20);
  while (whole) {
    stop.check();
    whole.read(block.data(), static_cast<std::streamsize>(block.size()));
    copy.stream().write(block.data(), whole.gcount());
  }
  if (whole.bad() || !whole.eof())
    throw Error(Fault::unreadable, Frame::file(Role::argument, (folder / name_of_whole).string()), "cannot be read");
  copy.commit();
}

fs::path folder_of_round(const fs::path& folder, std::size_t round) { return folder / "retry" / fmt::format("{}", round); }

bool is_round_over(const fs::path& folder, std::size_t round) { return is_published(folder_of_round(folder, round) / over_name); }

void end_round(const fs::path& folder, std::size_t round) { publish(folder_of_round(folder, round) / over_name, ""); }

}  // namespace resnet::cli
