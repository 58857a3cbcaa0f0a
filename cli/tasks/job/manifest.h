// job.json: what a job is, published once all else is there.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cli/tasks/identity/identity.h"
#include "formats/answers/parts.h"

namespace resnet::cli {

struct Manifest {
  std::string command;             // "predict"
  std::vector<std::string> words;  // that it was started with, without inputs: what a worker takes that is given the folder alone
  std::string isa;                 // --isa; empty: not given, the best that the first process had
  std::string directory;           // in which paths among them and among the inputs are meant
  std::string output;              // where the whole goes; empty: into the folder
  std::string images;              // how the inputs were asked for, as text_of_arguments() has it
  answers::JobSize size;           // by which the convolutions were chosen
  std::size_t inputs = 0, chunk = 1;
  std::vector<std::string> failures = {};  // of what was to be listed and gave no input, a line each
  Identity identity;
};

// "2 arguments (digest ...)", with their whole paths.
std::string text_of_arguments(const std::vector<std::string>& arguments, bool recursive);

// Nothing where the folder has none. Throws Error(invalid) where it is damaged, of something else or of a later version.
std::optional<Manifest> read_manifest(const std::filesystem::path& folder);
// False where another process was first. Throws Error(unwritable).
bool publish_manifest(const std::filesystem::path& folder, const Manifest& manifest);

// Throws Error(invalid) naming all that differs: "FOLDER: this job was started with top-k 5, now 3; ...".
void check_same(const std::filesystem::path& folder, const Manifest& job, const Manifest& now);

// Makes the folder where it is not there. Throws Error(invalid) where it holds files but no job, and Error(unwritable).
void make_job_folder(const std::filesystem::path& folder);

}  // namespace resnet::cli
