#include "cli/tasks/predict/job_file.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string_view>
#include <system_error>

#include "cli/tasks/identity/nesting.h"
#include "lib/base/error.h"
#include "lib/base/files.h"
#include "lib/base/parse.h"

namespace resnet::cli {

namespace fs = std::filesystem;

namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view opening = "{\"resnet-cli predict --resume\":";
constexpr std::size_t longest = 1 << 20;

// Nothing where there is no such file. No more than could be ours is read.
std::optional<std::string> text_of(const fs::path& file) {
  std::error_code failed;
  const fs::file_status status = fs::status(file, failed);
  if (status.type() == fs::file_type::not_found) {
    // A link to nothing is somebody's, too.
    if (fs::symlink_status(file, failed).type() == fs::file_type::not_found) return std::nullopt;
    throw Error(Fault::invalid, file.string() + ": is a link to nothing");
  }
  if (!failed && !fs::is_regular_file(status)) throw Error(Fault::invalid, file.string() + ": is not a regular file");
  errno = 0;
  std::ifstream stream;
  if (!failed) stream.open(file, std::ios::binary);
  if (failed || !stream) {
    throw Error(Fault::invalid,
                fmt::format("{}: cannot be opened: {}", file.string(), failed ? failed.message() : std::strerror(errno)));
  }
  std::string text(longest + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(stream.gcount()));
  return text;
}

// Two lines: settings, and "batch 1, threads 2, images 100".
bool is_of_first_version(const std::string& text) {
  const std::vector<std::string> lines = split(text, '\n');
  unsigned batch = 0, threads = 0, images = 0;
  return lines.size() == 3 && lines[2].empty() && lines[0].find("--crop ") != std::string::npos &&
         std::sscanf(lines[1].c_str(), "batch %u, threads %u, images %u", &batch, &threads, &images) == 3;
}

JobFile::Job parse(const std::string& text, const fs::path& file) {
  const auto refuse = [&](const std::string& what) { throw Error(Fault::invalid, fmt::format("{}: {}", file.string(), what)); };
  if (is_of_first_version(text)) {
    refuse(
        "was written by version 0.1.0, which does not say what decides the answers: they cannot be resumed; expected another "
        "file");
  }
  if (!text.starts_with(opening) || text.size() > longest) refuse("is not a file of predict --resume, and is left as it is");
  JobFile::Job job;
  try {
    const Json json = Json::parse(text, [](int depth, Json::parse_event_t, const Json&) { return check_nesting(depth); });
    job.size = answers::job_size_from_json(text);
    if (json.contains("complete_bytes")) job.complete_bytes = json["complete_bytes"].get<std::uintmax_t>();
    job.identity = identity_from_json(json.at("identity").dump());
  } catch (const Json::exception&) {
    refuse("is damaged: it does not say what the answers were made with");
  } catch (const Error& error) {
    refuse(error.what());
  }
  return job;
}

}  // namespace

JobFile::JobFile(const std::string& answers) : file_(answers + ".job") {
  const std::optional<std::string> text = text_of(file_);
  if (!text) return;
  found_ = parse(*text, file_);
}

void JobFile::write(const Job& job) const {
  Json json;
  json["resnet-cli predict --resume"] = 1;
  json["batch"] = job.size.batch;
  json["threads"] = job.size.threads;
  json["images"] = job.size.images;
  if (job.complete_bytes > 0) json["complete_bytes"] = job.complete_bytes;
  json["identity"] = Json::parse(to_json(job.identity));
  AtomicFile file(file_);
  file.stream() << json.dump() << "\n";
  file.commit();
}

}  // namespace resnet::cli
