// What the commands with --job have in common.
#pragma once

#include <CLI/App.hpp>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/commands/context.h"
#include "cli/options/job.h"
#include "cli/tasks/job/job.h"
#include "cli/tasks/job/manifest.h"

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

// Paths of `options` made whole.
JobRequest job_request(const JobOptions& options, const std::vector<std::string>& words, const Context& context);

// What a process does that is given --job FOLDER and no models: it goes to the job's folder, and computes by its instruction set.
// Throws Error(invalid) where the folder holds no job or another command's, where this machine lacks the instruction set, and
// where `words` are given, which only the job itself has.
Manifest join_job(const JobOptions& options, std::string_view command, const std::vector<std::string>& words, Context& context);
// Parses a job's words by the command's `setup`. Throws Error(invalid) where they are damaged.
void parse_words(const std::string& folder, const std::vector<std::string>& words, const std::function<void(CLI::App&)>& setup);

}  // namespace resnet::cli
