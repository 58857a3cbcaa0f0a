// `cache list|clear`: the networks that are kept ready to run.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "cli/commands/commands.h"
#include "cli/options/cache.h"
#include "cli/options/ending.h"
#include "cli/options/option.h"
#include "cli/tasks/prepare/network_cache.h"
#include "cli/terminal/output.h"
#include "formats/table/table.h"
#include "lib/base/counted.h"

namespace resnet::cli {

namespace {

enum class Action { list, clear };
constexpr auto words_of(Action) { return std::to_array<Word<Action>>({{Action::list, "list"}, {Action::clear, "clear"}}); }

struct CacheOptions {
  Action action = Action::list;
  std::string output;
  std::optional<table::Format> format;
};

std::string time_of(std::chrono::system_clock::time_point time) {
  return fmt::format("{:%Y-%m-%d %H:%M:%S}", fmt::localtime(std::chrono::system_clock::to_time_t(time)));
}

// What a key says between the model's digest and the program: what the network was made ready for.
std::string purpose_of(const std::string& key) {
  const std::size_t begin = key.find("; "), end = key.find("; ", begin == key.npos ? 0 : begin + 2);
  return end == key.npos ? "" : key.substr(begin + 2, end - begin - 2);
}

int run(const CacheOptions& options, Context& context) {
  const NetworkCache cache(cache_settings());
  if (options.action == Action::clear) {
    const NetworkCache::Cleared cleared = cache.clear();
    context.messages.note(fmt::format("{}: {} removed, {:.1f} MiB", cache.folder().string(), counted(cleared.files, "network"),
                                      static_cast<double>(cleared.bytes) / (1 << 20)));
    return 0;
  }
  table::Table table({{"model", table::Align::left, {}},
                      {"mib", table::Align::right, 1},
                      {"last_used", table::Align::left, {}},
                      {"made_for", table::Align::left, {}},
                      {"file", table::Align::left, {}}});
  std::uint64_t bytes = 0;
  const auto entries = cache.entries();
  for (const NetworkCache::Entry& entry : entries) {
    bytes += entry.bytes;
    table.add({entry.model.empty() ? "(unfinished or damaged)" : entry.model, static_cast<double>(entry.bytes) / (1 << 20),
               time_of(entry.last_used), purpose_of(entry.key), entry.file.filename().string()});
  }
  Output output(options.output);
  output.write(table.render(choose_format(options.format, options.output, table_formats)));
  output.commit();
  context.messages.note(fmt::format("{}: {}, {:.1f} of {} MiB", cache.folder().string(), counted(entries.size(), "network"),
                                    static_cast<double>(bytes) / (1 << 20), cache.limit_in_mib()));
  return 0;
}

}  // namespace

Command add_cache(CLI::App& program) {
  auto options = std::make_shared<CacheOptions>();
  CLI::App* app =
      program.add_subcommand("cache", "Networks that predict keeps ready to run for the next time: list or clear them.");
  add_choice(*app, "action", options->action, "list them, the one used last first, or clear: remove them all")
      ->option_text(joined_words<Action>("|"))
      ->required();
  add_choice(*app, "--format", options->format, table_formats,
             "format of the list (default: by the ending of --output, else text)");
  add_text(*app, "-o,--output", options->output, "FILE", "the file to write, whole or not at all (default: stdout)");
  app->footer(
      "predict keeps, for each model file and for what it was asked (up to 256 images), the graph as it runs and the weights as\n"
      "this processor's kernels want them. The next process maps them: a model is read and packed once. Another file, another\n"
      "build of this program or another processor finds nothing there and makes its own; what is damaged is made again.\n"
      "\n"
      "RESNET_CLI_CACHE names the folder (default: resnet-cli/networks in XDG_CACHE_HOME or ~/.cache), RESNET_CLI_CACHE_MIB how\n"
      "much it may hold (default: 2048): the least recently used are removed first. predict --no-cache does without. A folder "
      "that\n"
      "belongs to another user or that others may write to is not used; only files that this program has made are removed.\n"
      "\n"
      "Examples:\n"
      "  resnet-cli cache list\n"
      "  resnet-cli cache clear");
  return {app, [options](Context& context) { return run(*options, context); }};
}

}  // namespace resnet::cli
