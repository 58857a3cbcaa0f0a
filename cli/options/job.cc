#include "cli/options/job.h"

#include <CLI/App.hpp>
#include <CLI/Option.hpp>
#include <algorithm>
#include <array>

#include "cli/options/option.h"

namespace resnet::cli {

namespace {

constexpr auto own_options = std::to_array<std::string_view>({"--job", "--chunk", "--no-wait", "--retry-failed", "--status"});

}  // namespace

void add_job_options(CLI::App& app, JobOptions& options) {
  add_text(app, "--job", options.folder, "FOLDER",
           "share the work with every process that is given this folder, on any machine that sees it: whoever is last writes the "
           "whole; after the first, --job FOLDER alone is enough");
  add_integer(app, "--chunk", options.chunk, 1, 1'000'000'000,
              "how many inputs a process of --job takes at a time (default: 64, more of more than 640,000)");
  app.add_flag("--no-wait", options.no_wait,
               "leave where others compute what is left of --job: exit code 75 where it is not whole yet");
  app.add_flag("--retry-failed", options.retry_failed,
               "compute the inputs that failed, and only those, once more when --job is whole");
  app.add_flag("--status", options.status, "say how far --job is: exit code 0 whole, 5 whole with failed inputs, 75 not yet");
}

std::vector<std::string> words_of_options(const CLI::App& app, std::initializer_list<std::string_view> left_out) {
  std::vector<std::string> words;
  const auto is_in = [](const auto& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  for (const CLI::Option* option : app.get_options()) {
    const std::string name = option->get_name();
    if (option->count() == 0 || !name.starts_with("-") || is_in(own_options, name) || is_in(left_out, name)) continue;
    for (const std::string& result : option->results()) {
      words.push_back(option->get_type_size() == 0 ? name : name + (name.starts_with("--") ? "=" : "") + result);
    }
  }
  return words;
}

}  // namespace resnet::cli
