#include "formats/answers/job.h"

#include <cstdio>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "lib/base/error.h"
#include "lib/base/parse.h"

namespace resnet::answers {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view opening = "{\"resnet-cli predict --resume\":";

[[noreturn]] void refuse(const char* what) { throw Error(Fault::invalid, what); }

// Two lines: settings, and "batch 1, threads 2, images 100".
bool is_of_first_version(const std::string& text) {
  const std::vector<std::string> lines = split(text, '\n');
  unsigned batch = 0, threads = 0, images = 0;
  return lines.size() == 3 && lines[2].empty() && lines[0].find("--crop ") != std::string::npos &&
         std::sscanf(lines[1].c_str(), "batch %u, threads %u, images %u", &batch, &threads, &images) == 3;
}

}  // namespace

std::string to_line(const JobRecord& job) {
  Json json;
  json["resnet-cli predict --resume"] = 1;
  json["batch"] = job.size.batch;
  json["threads"] = job.size.threads;
  json["images"] = job.size.images;
  if (job.complete_bytes > 0) json["complete_bytes"] = job.complete_bytes;
  json["identity"] = Json::parse(job.identity);
  return json.dump() + "\n";
}

JobRecord parse_job(const std::string& text) {
  if (is_of_first_version(text)) {
    refuse(
        "was written by version 0.1.0, which does not say what decides the answers: they cannot be resumed; expected another "
        "file");
  }
  if (!text.starts_with(opening) || text.size() > longest_job) refuse("is not a file of predict --resume, and is left as it is");
  JobRecord job;
  try {
    const Json json = Json::parse(text);
    job.size = {json.at("batch").get<std::size_t>(), json.at("threads").get<std::size_t>(), json.at("images").get<std::size_t>()};
    if (json.contains("complete_bytes")) job.complete_bytes = json["complete_bytes"].get<std::uintmax_t>();
    job.identity = json.at("identity").dump();
  } catch (const Json::exception&) {
    refuse("is damaged: it does not say what the answers were made with");
  }
  if (job.size.batch == 0 || job.size.threads == 0) refuse("is damaged: it is of no batch or no threads");
  return job;
}

}  // namespace resnet::answers
