#include "cli/commands/jobs.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "cli/commands/exit_codes.h"
#include "cli/tasks/job/manifest.h"
#include "cli/tasks/job/status.h"
#include "cli/terminal/output.h"
#include "lib/base/error.h"
#include "lib/kernels/isa.h"

namespace resnet::cli {

namespace fs = std::filesystem;

namespace {

// By the job's --isa, also where this machine has more.
void use_instruction_set(const std::string& folder, const std::string& isa, Context& context) {
  if (isa.empty() || context.options.isa) return;  // another one is refused as what decides an answer
  std::vector<std::string> names;
  for (const kernels::InstructionSet set : kernels::available_instruction_sets()) {
    names.emplace_back(kernels::name_of(set));
    if (names.back() != isa) continue;
    context.options.isa = set;
    kernels::cap_instruction_set(set);
    return;
  }
  throw Error(
      Fault::invalid,
      fmt::format("{}: this job was started with --isa {}, which this machine lacks; expected a machine that has it, here "
                  "are {}",
                  folder, isa, fmt::join(names, ", ")));
}

// It goes to the job's folder, and computes by its instruction set.
Manifest join_job(const JobOptions& options, std::string_view command, const std::vector<std::string>& words, Context& context) {
  const auto manifest = read_manifest(options.folder);
  if (!manifest) {
    throw Error(Fault::invalid,
                fmt::format("{}: holds no job yet, expected a model and images beside --job FOLDER", options.folder));
  }
  if (manifest->command != command)
    throw Error(Fault::invalid,
                fmt::format("{}: is a job of {}, expected {} --job", options.folder, manifest->command, manifest->command));
  if (!words.empty())
    throw Error(Fault::invalid, fmt::format("{}: the job says how photos are answered, expected --job FOLDER without {}",
                                            options.folder, words.front()));
  use_instruction_set(options.folder, manifest->isa, context);
  enter(manifest->directory);
  return *manifest;
}

}  // namespace

std::string absolute(const std::string& path) {
  std::error_code failed;
  const fs::path whole = fs::absolute(path, failed);
  return path.empty() || failed ? path : whole.lexically_normal().string();
}

void enter(const std::string& directory) {
  std::error_code failed;
  fs::current_path(directory, failed);
  if (failed)
    throw Error(Fault::invalid, fmt::format("{}: the job's paths are meant in this folder: {}", directory, failed.message()));
}

void check_job_options(const JobOptions& options) {
  if (options.folder.empty())
    throw Error(Fault::invalid, "--status, --no-wait, --retry-failed and --chunk are of a job, expected --job FOLDER");
}

void refuse_in_job(std::initializer_list<std::pair<const char*, bool>> given) {
  for (const auto& [option, is_given] : given) {
    if (is_given) throw Error(Fault::invalid, fmt::format("--job and {} exclude each other, expected one of them", option));
  }
}

int tell_status(const std::string& folder) {
  const JobStatus status = status_of_job(folder);
  Output output("");
  output.write(to_string(status));
  output.commit();
  if (!status.is_whole) return exit_codes::not_whole;
  return status.failed > 0 || !status.failures.empty() ? exit_codes::inputs_failed : 0;
}

void refuse_in_folder(const std::string& folder, std::initializer_list<std::pair<const char*, std::string>> files) {
  std::error_code none;
  const fs::path own = fs::weakly_canonical(folder, none);
  for (const auto& [option, file] : files) {
    if (file.empty() || file == "-") continue;
    const fs::path place = fs::weakly_canonical(file, none);
    if (std::mismatch(own.begin(), own.end(), place.begin(), place.end()).first != own.end()) continue;
    throw Error(Fault::invalid, fmt::format("{}: {} is in the job's own folder, expected another place", option, file));
  }
}

JobRequest job_request(const JobOptions& options, const JobWords& words, std::span<const std::string> models,
                       const std::vector<std::string>& images, bool recursive, const Context& context) {
  JobRequest request;
  request.folder = options.folder;
  request.chunk = options.chunk;
  request.waits = !options.no_wait;
  request.retries_failed = options.retry_failed;
  request.words = words.words;
  for (const std::string& model : models) request.words.push_back("--model=" + model);
  if (!words.are_of_job) request.images = text_of_arguments(images, recursive);
  if (context.options.isa) request.instruction_set = kernels::name_of(*context.options.isa);
  std::error_code none;
  request.directory = fs::current_path(none).string();
  request.enter = enter;
  return request;
}

JobWords words_of_process(const JobOptions& options, std::string_view command, bool is_alone,
                          const std::vector<std::string>& given, const std::function<bool(const std::string&)>& is_own,
                          Context& context) {
  if (!is_alone) return {given, false};
  std::vector<std::string> own, others;
  for (const std::string& word : given) (is_own(word) ? own : others).push_back(word);
  JobWords words = {join_job(options, command, others, context).words, true};
  if (!own.empty()) std::erase_if(words.words, is_own);
  words.words.insert(words.words.end(), own.begin(), own.end());
  return words;
}

void parse_words(const std::string& folder, const std::vector<std::string>& words, const std::function<void(CLI::App&)>& setup) {
  CLI::App app;
  setup(app);
  try {
    app.parse(std::vector<std::string>(words.rbegin(), words.rend()));
  } catch (const CLI::ParseError& error) {
    throw Error(Fault::invalid, fmt::format("{}: job.json is damaged: {}", folder, error.what()));
  }
}

}  // namespace resnet::cli
