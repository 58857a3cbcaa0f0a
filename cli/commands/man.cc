// `man [COMMAND]`, for the build alone and hidden from help: manual pages in roff, made from the tree of options itself.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cli/commands/commands.h"
#include "cli/options/option.h"
#include "cli/terminal/help.h"
#include "cli/terminal/output.h"
#include "lib/base/error.h"

namespace resnet::cli {

namespace {

// What is read from the environment besides the variables that options name; of every command where `command` is empty.
struct Variable {
  const char *name, *command, *text;
};
constexpr Variable variables[] = {
    {"SLURM_CPUS_PER_TASK, OMP_NUM_THREADS", "", "where --threads is not given: at most this many threads compute"},
    {"NO_COLOR", "", "where it is not empty: no colours on stderr"},
    {"RESNET_CLI_CACHE", "predict",
     "the folder of networks that are kept ready to run (default: resnet-cli/networks in XDG_CACHE_HOME, else in ~/.cache)"},
    {"RESNET_CLI_CACHE_MIB", "predict", "how many MiB they may take; the least recently used are removed first (default: 2048)"},
    {"RESNET_CLI_CACHE", "cache", "the folder (default: resnet-cli/networks in XDG_CACHE_HOME, else in ~/.cache)"},
    {"RESNET_CLI_CACHE_MIB", "cache", "how many MiB it may take (default: 2048)"},
    {"SLURM_PROCID, SLURM_NTASKS", "predict", "for --shard auto: which part this process computes, of how many"},
    {"OMPI_COMM_WORLD_RANK, OMPI_COMM_WORLD_SIZE", "predict", "likewise, as Open MPI sets them"},
    {"JOB_COMPLETION_INDEX", "predict", "likewise, as Kubernetes sets it, for --shard auto/N"},
    {"COLUMNS", "inspect", "the width of the terminal, for tables"},
    {"OMP_WAIT_POLICY, GOMP_SPINCOUNT", "train", "how long OpenMP's threads spin while they wait (default: a short while)"},
};

// As text of a line: roff reads backslashes, and '.' or "'" where a line begins; a hyphen that is typed is not one in print.
std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '\\') {
      result += "\\e";
    } else if (c == '-') {
      result += "\\-";
    } else {
      if ((c == '.' || c == '\'') && (result.empty() || result.back() == '\n')) result += "\\&";
      result += c;
    }
  }
  return result;
}

std::string bold(std::string_view text) { return "\\fB" + escaped(text) + "\\fR"; }
std::string italic(std::string_view text) { return "\\fI" + escaped(text) + "\\fR"; }

// A tagged paragraph.
std::string entry(const std::string& tag, const std::string& text) { return ".TP\n" + tag + "\n" + escaped(text) + "\n"; }

std::string capitalised(std::string text) {
  if (!text.empty()) text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  return text;
}

std::string name_of(const CLI::Option& option) {
  if (option.get_positional()) return option.get_option_text().empty() ? option.get_name(true) : option.get_option_text();
  std::string names;
  for (const std::string& name : option.get_snames()) names += (names.empty() ? "" : ", ") + bold("-" + name);
  for (const std::string& name : option.get_lnames()) names += (names.empty() ? "" : ", ") + bold("--" + name);
  return option.get_items_expected_max() > 0 ? names + " " + italic(option.get_type_name()) : names;
}

std::string entry_of(const CLI::Option& option) {
  const std::string name = option.get_positional() ? italic(name_of(option)) : name_of(option);
  return entry(name, capitalised(describe(option)) + ".");
}

// A help text's end in its parts: what is said before "Exit codes:", each exit code, and the lines of the examples.
struct Footer {
  std::string text;
  std::vector<std::string> exit_codes, examples;
};

Footer parts_of(const std::string& footer) {
  constexpr std::string_view examples = "Examples:\n", exit_codes = "Exit codes: ";
  Footer parts;
  const std::size_t end = std::min(footer.find(examples), footer.size());
  parts.text = footer.substr(0, end);
  for (std::size_t at = end + examples.size(); at < footer.size();) {
    const std::size_t next = std::min(footer.find('\n', at), footer.size());
    parts.examples.push_back(footer.substr(at, next - at));
    at = next + 1;
  }
  std::replace(parts.text.begin(), parts.text.end(), '\n', ' ');
  while (!parts.text.empty() && parts.text.back() == ' ') parts.text.pop_back();
  const std::size_t codes = parts.text.find(exit_codes);
  if (codes == parts.text.npos) return parts;
  std::string list = parts.text.substr(codes + exit_codes.size());
  parts.text.resize(codes);
  if (list.ends_with('.')) list.pop_back();
  // "0 done, 1 a check failed, ...": a code begins where a digit follows a comma.
  for (std::size_t begin = 0; begin < list.size();) {
    std::size_t next = begin;
    do next = std::min(list.find(", ", next + 1), list.size());
    while (next < list.size() && std::isdigit(static_cast<unsigned char>(list[next + 2])) == 0);
    parts.exit_codes.push_back(list.substr(begin, next - begin));
    begin = next + 2;
  }
  return parts;
}

std::string page_name(const CLI::App& app) {
  return app.get_parent() == nullptr ? app.get_name() : app.get_parent()->get_name() + "-" + app.get_name();
}

std::string first_sentence(const std::string& text) {
  std::string first = text.substr(0, text.find(". "));
  if (first.ends_with('.')) first.pop_back();
  return first;
}

std::string synopsis(const CLI::App& app) {
  const CLI::App* parent = app.get_parent();
  std::string line = bold((parent == nullptr ? "" : parent->get_name() + " ") + app.get_name());
  if (parent == nullptr) return line + " " + italic("COMMAND") + " [" + italic("OPTIONS") + "]\n";
  line += " [" + italic("OPTIONS") + "]";
  for (const CLI::Option* option : app.get_options([](const CLI::Option* o) { return o->get_positional(); }))
    line += " " + italic(name_of(*option));
  return line + "\n";
}

std::string description(const CLI::App& app, const Footer& footer) {
  std::string text = ".SH DESCRIPTION\n" + escaped(app.get_description()) + "\n";
  for (const CLI::Option* option : app.get_options([](const CLI::Option* o) { return o->get_positional(); }))
    text += entry_of(*option);
  if (!footer.text.empty()) text += ".PP\n" + escaped(footer.text) + "\n";
  if (app.get_parent() != nullptr) return text;
  text += ".SH COMMANDS\n";
  for (const CLI::App* command : visible_commands(app))
    text += entry("\\fB" + escaped(page_name(*command)) + "\\fR(1)", first_sentence(command->get_description()) + ".");
  return text;
}

std::string options(const CLI::App& app) {
  std::string text = ".SH OPTIONS\n";
  for (const std::string& group : app.get_groups()) {
    std::string entries;
    for (const CLI::Option* option : app.get_options()) {
      if (option->get_group() == group && option->nonpositional()) entries += entry_of(*option);
    }
    if (group.empty() || entries.empty()) continue;
    if (group != "Options") text += ".SS " + escaped(group) + "\n";
    text += entries;
  }
  const CLI::App* parent = app.get_parent();
  if (parent == nullptr) return text;
  text += ".SS Options of every command\n";
  for (const CLI::Option* option : parent->get_options()) {
    if (option != parent->get_help_ptr()) text += entry_of(*option);
  }
  return text;
}

std::string exit_status(const std::vector<std::string>& codes) {
  std::string text = ".SH EXIT STATUS\n";
  for (const std::string& code : codes) {
    const std::size_t blank = code.find(' ');
    text += entry(bold(code.substr(0, blank)), capitalised(code.substr(std::min(blank, code.size() - 1) + 1)) + ".");
  }
  return codes.empty() ? "" : text;
}

std::string environment(const CLI::App& app) {
  std::string text = ".SH ENVIRONMENT\n";
  for (const CLI::App* level = &app; level != nullptr; level = level->get_parent()) {
    for (const CLI::Option* option : level->get_options()) {
      if (option->get_envname().empty()) continue;
      const std::string name = "--" + (option->get_lnames().empty() ? option->get_name() : option->get_lnames().front());
      text += entry(bold(option->get_envname()), "The value of " + name + " where that is not given.");
    }
  }
  for (const Variable& variable : variables) {
    if (*variable.command == '\0' || variable.command == app.get_name())
      text += entry(bold(variable.name), capitalised(variable.text) + ".");
  }
  return text;
}

std::string examples(const std::vector<std::string>& lines) {
  if (lines.empty()) return "";
  std::string text = ".SH EXAMPLES\n.EX\n";
  for (const std::string& line : lines) text += escaped(line) + "\n";
  return text + ".EE\n";
}

std::string see_also(const CLI::App& app) {
  const CLI::App* parent = app.get_parent();
  std::vector<std::string> pages;
  if (parent != nullptr) pages.push_back(page_name(*parent));
  for (const CLI::App* command : visible_commands(parent == nullptr ? app : *parent)) {
    if (command != &app) pages.push_back(page_name(*command));
  }
  std::string text = ".SH SEE ALSO\n";
  for (std::size_t i = 0; i < pages.size(); ++i)
    text += ".BR " + escaped(pages[i]) + " (1)" + (i + 1 < pages.size() ? ",\n" : "\n");
  return text;
}

std::string page_of(const CLI::App& program, const CLI::App& app) {
  std::string title = page_name(app);
  std::transform(title.begin(), title.end(), title.begin(), [](unsigned char c) { return std::toupper(c); });
  const Footer footer = parts_of(app.get_footer());
  std::string summary = first_sentence(app.get_description());
  summary[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(summary[0])));
  return fmt::format(".TH {} 1 \"\" \"resnet\\-cli " RESNET_VERSION "\" \"resnet\\-cli\"\n.SH NAME\n{} \\- {}\n.SH SYNOPSIS\n",
                     escaped(title), escaped(page_name(app)), escaped(summary)) +
         synopsis(app) + description(app, footer) + options(app) + exit_status(parts_of(program.get_footer()).exit_codes) +
         environment(app) + examples(footer.examples) + see_also(app);
}

struct ManOptions {
  std::string command, folder;
};

void write_page(const std::string& file, const std::string& page) {
  Output output(file);
  output.write(page);
  output.commit();
}

int run(const ManOptions& options) {
  // A tree of its own, so that nothing that was parsed is in it.
  CLI::App program("", "resnet-cli");
  CommonOptions common;
  add_everything(program, common);
  if (!options.folder.empty()) {
    std::vector<const CLI::App*> apps = visible_commands(program);
    apps.push_back(&program);
    for (const CLI::App* app : apps) write_page(options.folder + "/" + page_name(*app) + ".1", page_of(program, *app));
    return 0;
  }
  const std::vector<const CLI::App*> commands = visible_commands(program);
  const auto found =
      std::find_if(commands.begin(), commands.end(), [&](const CLI::App* app) { return app->get_name() == options.command; });
  if (!options.command.empty() && found == commands.end())
    throw Error(Fault::invalid, fmt::format("man: unknown command '{}'", options.command));
  write_page("", page_of(program, options.command.empty() ? program : **found));
  return 0;
}

}  // namespace

Command add_man(CLI::App& program) {
  auto options = std::make_shared<ManOptions>();
  CLI::App* app = program.add_subcommand("man", "A manual page, of the program or of a command.");
  app->group("");
  app->add_option("command", options->command, "the command")->option_text("COMMAND");
  add_text(*app, "-o,--output", options->folder, "FOLDER", "write all pages into this folder");
  app->footer("Examples:\n  resnet-cli man predict | man -l -");
  return {app, [options](Context&) { return run(*options); }};
}

}  // namespace resnet::cli
