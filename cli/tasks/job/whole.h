// What a job has given when all of it is done: FOLDER/answers.jsonl, and how many inputs failed.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <vector>

#include "cli/tasks/job/work.h"
#include "lib/base/stop.h"

namespace resnet::cli {

// How the whole is called in the folder. It appears last: whoever finds it has nothing to do.
inline constexpr const char* name_of_whole = "answers.jsonl";

// How many inputs there were, and how many of them failed.
struct WholeJob {
  std::size_t inputs = 0, failed = 0;
  std::vector<double> seconds = {};  // of all workers together, by the command's stages
  JobWork work = {};                 // of whom the parts were, without the rounds of --retry-failed
};
// Nothing as long as the job is not whole. With what rounds of --retry-failed have made of it; where the numbers are gone, what
// failed is counted in the answers. Throws Error(unreadable).
std::optional<WholeJob> read_whole(const std::filesystem::path& folder);
// Before the whole itself. Throws Error(unwritable).
void publish_numbers(const std::filesystem::path& folder, const WholeJob& job);
// Removes what a job that is whole needs no more. Any process that sees it whole does; one may have been killed before it did.
void clear_away(const std::filesystem::path& folder);
// Writes the whole of a job that is done to another file, whole or not at all. Throws Error(unwritable, unreadable).
void copy_whole(const std::filesystem::path& folder, const std::filesystem::path& file, Stop stop);

// A round of --retry-failed, counted from 1: a job of its own in FOLDER/retry/ROUND, whose inputs are those that failed.
std::filesystem::path folder_of_round(const std::filesystem::path& folder, std::size_t round);
// Whether the answers of the job have what the round has given.
bool is_round_over(const std::filesystem::path& folder, std::size_t round);
// Throws Error(unwritable).
void end_round(const std::filesystem::path& folder, std::size_t round);

}  // namespace resnet::cli
