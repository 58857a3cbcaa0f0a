#include "cli/tasks/job/manifest.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string_view>
#include <system_error>

#include "cli/tasks/identity/nesting.h"
#include "cli/tasks/job/new_file.h"
#include "formats/table/text.h"
#include "lib/base/counted.h"
#include "lib/base/digest.h"
#include "lib/base/error.h"
#include "lib/base/temporaries.h"

namespace resnet::cli {

namespace fs = std::filesystem;

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* name = "job.json";
constexpr const char* format_key = "resnet-cli job";
constexpr int format_number = 1;

[[noreturn]] void refuse(const fs::path& file, const std::string& what) {
  throw Error(Fault::invalid, fmt::format("{}: {}", file.string(), what));
}

answers::JobSize size_in(const Json& json, const fs::path& file) {
  try {
    return answers::job_size_from_json(json.dump());
  } catch (const Error& error) {
    refuse(file, error.problem());
  }
}

Identity identity_in(const Json& json, const fs::path& file) {
  try {
    return identity_from_json(json.dump());
  } catch (const Error& error) {
    refuse(file, error.what());
  }
}

}  // namespace

std::string text_of_arguments(const std::vector<std::string>& arguments, bool recursive) {
  std::string all, first;
  for (const std::string& argument : arguments) {
    const bool list = argument.starts_with('@');
    const fs::path path = list ? argument.substr(1) : argument;
    std::error_code none;
    const std::string whole = argument == "-" ? argument : fs::absolute(path, none).lexically_normal().string();
    const std::string text = (list ? "@" : "") + whole;
    if (first.empty()) first = text;
    all += text + '\0';
  }
  return fmt::format("{} from '{}' on{} (digest {})", counted(arguments.size(), "argument"), table::printable(first),
                     recursive ? ", --recursive" : "", digest(all));
}

std::optional<Manifest> read_manifest(const fs::path& folder) {
  const fs::path file = folder / name;
  const auto text = read_published(file);
  if (!text) return std::nullopt;
  try {
    const Json json = Json::parse(*text, [](int depth, Json::parse_event_t, const Json&) { return check_nesting(depth); });
    if (!json.is_object() || !json.contains(format_key)) refuse(file, "is not of a job of this program; expected another folder");
    if (const int format = json.at(format_key).get<int>(); format != format_number)
      refuse(file, fmt::format("is of format {}, expected {}: another version of this program wrote it", format, format_number));
    Manifest job;
    job.command = json.at("command").get<std::string>();
    job.words = json.at("words").get<std::vector<std::string>>();
    job.isa = json.value("isa", "");
    job.directory = json.at("directory").get<std::string>();
    job.output = json.at("output").get<std::string>();
    job.images = json.at("images").get<std::string>();
    job.inputs = json.at("inputs").get<std::size_t>();
    job.chunk = json.at("chunk").get<std::size_t>();
    job.size = size_in(json.at("settings"), file);
    if (json.contains("failures")) job.failures = json.at("failures").get<std::vector<std::string>>();
    job.identity = identity_in(json.at("identity"), file);
    return job;
  } catch (const Json::exception&) {
    refuse(file, "is damaged, or of something else; expected another folder");
  } catch (const Error& error) {
    if (error.fault() == Fault::unreadable) refuse(file, error.problem());
    throw;
  }
}

bool publish_manifest(const fs::path& folder, const Manifest& manifest) {
  Json json;
  json[format_key] = format_number;
  json["command"] = manifest.command;
  json["inputs"] = manifest.inputs;
  json["chunk"] = manifest.chunk;
  json["images"] = manifest.images;
  json["output"] = manifest.output;
  json["directory"] = manifest.directory;
  json["words"] = manifest.words;
  if (!manifest.isa.empty()) json["isa"] = manifest.isa;
  json["settings"] = Json::parse(answers::to_json(manifest.size));
  for (const std::string& failure : manifest.failures) json["failures"].push_back(table::printable(failure));
  json["identity"] = Json::parse(to_json(manifest.identity));
  NewFile file(folder / name);
  try {
    file.write(json.dump(1) + "\n");
  } catch (const Json::exception&) {
    refuse(folder, "the names of the model, the output or the folder that paths are meant in are not UTF-8, which job.json is");
  }
  return file.publish();
}

void check_same(const fs::path& folder, const Manifest& job, const Manifest& now) {
  std::vector<std::string> different;
  if (job.command != now.command) different.push_back(fmt::format("{}, now {}", job.command, now.command));
  if (!now.images.empty() && job.images != now.images)
    different.push_back(fmt::format("images {}, now {}", job.images, now.images));
  for (const Difference& one : differences(job.identity, now.identity)) {
    const std::string left = left_of(std::span(&one, 1)), right = right_of(std::span(&one, 1));
    different.push_back(fmt::format("{}, now {}", left, right));
  }
  if (different.empty()) return;
  const bool other_processor = job.isa.empty() && job.identity.instruction_set != now.identity.instruction_set;
  refuse(folder, fmt::format("this job was started with {}; start it with the same, or in another folder{}",
                             fmt::join(different, "; "), other_processor ? " with an --isa that all machines have" : ""));
}

void make_job_folder(const fs::path& folder) {
  make_folder(folder);
  std::error_code failed;
  bool any = false;
  for (fs::directory_iterator entry(folder, failed), end; !failed && entry != end; entry.increment(failed)) {
    const std::string found = entry->path().filename().string();
    constexpr std::array ours = {std::string_view("inputs"), std::string_view("inputs.at"), std::string_view(name)};
    any = any || (std::find(ours.begin(), ours.end(), found) == ours.end() && !is_temporary_name(found));
  }
  if (failed) refuse(folder, fmt::format("is not a folder that can be read: {}", failed.message()));
  if (any && !is_published(folder / name)) refuse(folder, "holds files, but no job; expected a new or an empty folder");
}

}  // namespace resnet::cli
