#include "cli/tasks/job/whole.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <system_error>
#include <vector>

#include "cli/tasks/job/new_file.h"
#include "cli/tasks/job/part.h"
#include "formats/answers/read.h"
#include "lib/base/error.h"
#include "lib/base/files.h"

namespace resnet::cli {

namespace fs = std::filesystem;

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* numbers_name = "finished.json";
constexpr const char* over_name = "over";

Json json_of(const JobWork& work) {
  Json workers = Json::array();
  for (const auto& [who, one] : work) {
    workers.push_back({{"host", who.first},
                       {"process", who.second},
                       {"chunks", one.chunks},
                       {"inputs", one.inputs},
                       {"seconds", one.seconds},
                       {"version", one.version}});
  }
  return workers;
}

JobWork work_in(const Json& workers) {
  JobWork work;
  for (const Json& one : workers) {
    work[{one.at("host").get<std::string>(), one.at("process").get<std::int64_t>()}] = {
        one.at("chunks").get<std::size_t>(), one.at("inputs").get<std::size_t>(), one.at("seconds").get<double>(),
        one.at("version").get<std::string>()};
  }
  return work;
}

// Nothing where they are not there.
std::optional<WholeJob> read_numbers(const fs::path& folder) {
  const auto text = read_published(folder / numbers_name);
  if (!text) return std::nullopt;
  try {
    const Json json = Json::parse(*text);
    WholeJob job = {json.at("inputs").get<std::size_t>(), json.at("failed").get<std::size_t>()};
    if (json.contains("seconds")) job.seconds = json.at("seconds").get<std::vector<double>>();
    if (json.contains("workers")) job.work = work_in(json.at("workers"));
    return job;
  } catch (const Json::exception&) {
    throw Error(Fault::unreadable, Frame::file(Role::argument, (folder / numbers_name).string()), "is damaged");
  }
}

// What the answers themselves say, with what rounds of --retry-failed have made of them.
WholeJob count_answers(const fs::path& folder) {
  const fs::path file = folder / name_of_whole;
  WholeJob job;
  answers::LineReader lines(file.string());
  for (std::string line; lines.next(line); ++job.inputs) {
    const auto answer = answers::parse_answer_line(line);
    if (!answer || !lines.has_end())
      throw Error(Fault::unreadable, Frame::file(Role::argument, file.string()),
                  fmt::format("line {}: is not an answer", lines.number()));
    job.failed += answer->failed ? 1 : 0;
  }
  return job;
}

}  // namespace

std::optional<WholeJob> read_whole(const fs::path& folder) {
  if (!is_published(folder / name_of_whole)) return std::nullopt;
  const auto numbers = read_numbers(folder);
  if (!numbers) return count_answers(folder);
  WholeJob job = *numbers;
  for (std::size_t round = 1; is_round_over(folder, round); ++round) {
    const WholeJob again = read_numbers(folder_of_round(folder, round)).value_or(WholeJob{});
    job.failed = job.failed + again.failed - std::min(again.inputs, job.failed + again.failed);
    add_seconds(job.seconds, again.seconds);
  }
  return job;
}

void publish_numbers(const fs::path& folder, const WholeJob& job) {
  Json json = {{"inputs", job.inputs}, {"failed", job.failed}};
  if (!job.seconds.empty()) json["seconds"] = job.seconds;
  if (!job.work.empty()) json["workers"] = json_of(job.work);
  NewFile numbers(folder / numbers_name);
  numbers.write(json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
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
