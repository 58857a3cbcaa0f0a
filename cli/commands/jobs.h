// What the commands with --job have in common.
#pragma once

#include <CLI/App.hpp>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/commands/context.h"
#include "cli/options/job.h"
#include "cli/tasks/job/job.h"

namespace resnet::cli {

// As it is from any folder; empty stays so.
std::string absolute(const std::string& path);
// Goes to the folder in which a job's paths are meant. Throws Error(invalid).
void enter(const std::string& directory);

// Throws Error(invalid) where options of a job are given without one.
void check_job_options(const JobOptions& options);
// Throws Error(invalid) for an option that is given and that several processes cannot follow.
void refuse_in_job(std::initializer_list<std::pair<const char*, bool>> given);
// Throws Error(invalid) where FILE of an option would lie in the job's own folder. Empty and "-" name no file.
void refuse_in_folder(const std::string& folder, std::initializer_list<std::pair<const char*, std::string>> files);
// `--job FOLDER --status`: prints it, and returns the exit code.
int tell_status(const std::string& folder);

// By which options a process works.
struct JobWords {
  std::vector<std::string> words;
  bool are_of_job = false;  // that it joins, else its own
};
// `given`: its own, as words_of_options has them; `is_alone`: neither models nor arguments beside them. Then it goes to the job's
// folder, computes by its instruction set, and takes its words; for those that `is_own` knows, each process may have others.
// Throws Error(invalid) where the folder holds no job or another command's, where this machine lacks the instruction set, and
// where words are given that only the job itself has.
JobWords words_of_process(const JobOptions& options, std::string_view command, bool is_alone,
                          const std::vector<std::string>& given, const std::function<bool(const std::string&)>& is_own,
                          Context& context);
// Parses a job's words by the command's `setup`. Throws Error(invalid) where they are damaged.
void parse_words(const std::string& folder, const std::vector<std::string>& words, const std::function<void(CLI::App&)>& setup);
template <typename Options>
Options options_of_job(const JobOptions& job, const JobWords& words, void (*setup)(CLI::App&, Options&)) {
  Options options;
  parse_words(job.folder, words.words, [&options, setup](CLI::App& app) { setup(app, options); });
  options.job = job;
  return options;
}

// Paths of `options` made whole. `images`: how the inputs were asked for; nothing where the job has its list.
JobRequest job_request(const JobOptions& options, const JobWords& words, std::span<const std::string> models,
                       const std::vector<std::string>& images, bool recursive, const Context& context);

}  // namespace resnet::cli
