// `fetch NAME...`: brings published networks into the cache; `fetch --list`: those that the catalogue knows.
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cli/commands/commands.h"
#include "cli/commands/exit_codes.h"
#include "cli/options/ending.h"
#include "cli/options/hub.h"
#include "cli/options/option.h"
#include "cli/terminal/output.h"
#include "formats/hub/cache.h"
#include "formats/hub/catalogue.h"
#include "formats/hub/name.h"
#include "formats/table/table.h"
#include "lib/base/counted.h"
#include "lib/base/error.h"

namespace resnet::cli {

namespace {

struct FetchOptions {
  std::vector<std::string> names;
  bool list = false;
  bool complete = false;  // --names
  std::string output;
  std::optional<table::Format> format;
};

table::Cell number_or_nothing(double number) { return number > 0 ? table::Cell(number) : table::Cell(); }
table::Cell count_or_nothing(std::int64_t count) { return count > 0 ? table::Cell(count) : table::Cell(); }

bool is_cached(const hub::Entry& entry, const hub::Folders& folders) {
  if (entry.file.empty()) return hub::Repository(folders.hub, std::string(entry.name)).commit_of("").has_value();
  std::error_code ignored;
  return std::filesystem::is_regular_file(folders.torch / entry.file, ignored);
}

int list(const FetchOptions& options, Context& context) {
  if (options.names.size() > 1)
    throw Error(Fault::invalid, fmt::format("unexpected argument '{}', expected one PATTERN", options.names[1]));
  const std::string pattern = options.names.empty() ? "" : options.names.front();
  const auto found = hub::matching(pattern);
  if (found.empty())
    throw Error(Fault::invalid, fmt::format("no network of the catalogue matches '{}'", table::printable(pattern)));
  const HubSettings settings = hub_settings(context.options.hub);
  table::Table table({{"name"},
                      {"architecture"},
                      {"classes", table::Align::right},
                      {"parameters", table::Align::right},
                      {"input", table::Align::right},
                      {"top1", table::Align::right, 2},
                      {"test_input", table::Align::right},
                      {"test_top1", table::Align::right, 2},
                      {"licence"},
                      {"in_cache"}});
  for (const hub::Entry* entry : found) {
    table.add({std::string(entry->name), std::string(entry->architecture), entry->classes, count_or_nothing(entry->parameters),
               std::int64_t{entry->input}, number_or_nothing(entry->top1), count_or_nothing(entry->test_input),
               number_or_nothing(entry->test_top1), std::string(entry->licence), is_cached(*entry, settings.folders)});
  }
  Output output(options.output);
  output.write(table.render(choose_format(options.format, options.output, table_formats)));
  output.commit();
  return 0;
}

Fetched fetch_one(const std::string& text, const HubSettings& settings, Context& context) {
  const auto name = hub::parse_name(text);
  if (!name) {
    throw Error(Fault::invalid,
                fmt::format("'{}' is not a published network's name, expected ORG/NAME, hf:ORG/NAME[@REVISION][:PATH] or "
                            "torchvision/ARCH{}",
                            table::shortened(table::printable(text), 200), hint_for_name("timm/" + text)));
  }
  const Fetched fetched =
      fetch({.name = *name, .settings = settings, .update = context.options.hub.update}, context.messages, context.stop);
  if (!fetched.has_come) context.messages.detail(name->text() + " is in the cache");
  return fetched;
}

// For completion: what the catalogue or the cache has.
int list_names(Context& context) {
  std::set<std::string> names;
  for (const hub::Entry& entry : hub::catalogue()) names.emplace(entry.name);
  const auto cached = hub::cached_repositories(hub_settings(context.options.hub).folders.hub);
  names.insert(cached.begin(), cached.end());
  Output output("");
  for (const std::string& name : names) output.write(name + "\n");
  output.commit();
  return 0;
}

int run(const FetchOptions& options, Context& context) {
  if (options.complete) return list_names(context);
  if (options.list) return list(options, context);
  if (options.format) throw Error(Fault::invalid, "--format is for --list");
  if (options.names.empty())
    throw Error(Fault::invalid, "no name given, expected one such as timm/resnet50.a1_in1k (--list shows the catalogue)");
  const HubSettings settings = hub_settings(context.options.hub);
  Output output(options.output);
  std::size_t failed = 0;
  for (const std::string& text : options.names) {
    try {
      output.write(fetch_one(text, settings, context).path.string() + "\n");
      output.flush();
    } catch (const Error& error) {
      if (options.names.size() == 1 || error.fault() == Fault::interrupted) throw;
      context.messages.error(error.what());
      ++failed;
    }
  }
  output.commit();
  return failed > 0 ? exit_codes::inputs_failed : 0;
}

}  // namespace

Command add_fetch(CLI::App& program) {
  auto options = std::make_shared<FetchOptions>();
  CLI::App* app = program.add_subcommand("fetch", "Published networks: fetch them by their names, or list those that are known.");
  app->add_option("names", options->names, "networks to fetch, or with --list a pattern such as '*resnet50*'")
      ->type_name("PUBLISHED")
      ->option_text("NAME...");
  app->add_flag("--list", options->list, "the catalogue: architecture, input size, accuracy where there is a source, licence");
  app->add_flag("--names", options->complete, "the names of the catalogue and of the cache, one a line")->group("");
  add_choice(*app, "--format", options->format, table_formats,
             "format of the list (default: by the ending of --output, else text)");
  add_text(*app, "-o,--output", options->output, "FILE",
           "the file for the list, or for the paths of what was fetched (default: stdout)");
  app->footer(
      "A name is ORG/NAME of a hub (timm/resnet50.a1_in1k), hf:ORG/NAME[@REVISION][:PATH] for any of its repositories and files, "
      "or\n"
      "torchvision/ARCH[.WEIGHTS]. Wherever a MODEL is asked for, a name of the catalogue or with hf: will do, and is fetched at "
      "its\n"
      "first use. What was fetched is checked by its SHA-256 and kept where Python's programs keep theirs: HF_HUB_CACHE, else "
      "hub in\n"
      "HF_HOME (default: ~/.cache/huggingface); torchvision's in hub/checkpoints of TORCH_HOME (default: ~/.cache/torch). An "
      "interrupted\n"
      "fetch continues at the next one. HF_ENDPOINT names another hub, HF_TOKEN a token, HTTPS_PROXY a proxy,\n"
      "RESNET_CLI_TORCH_ENDPOINT another place of torchvision's files.\n"
      "\n"
      "Examples:\n"
      "  resnet-cli fetch timm/resnet50.a1_in1k\n"
      "  resnet-cli fetch --list resnet50\n"
      "  resnet-cli fetch hf:Xenova/resnet-50:onnx/model.onnx");
  return {app, [options](Context& context) { return run(*options, context); }};
}

}  // namespace resnet::cli
