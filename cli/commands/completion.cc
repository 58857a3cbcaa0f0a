// `completion SHELL`: a script for the shell, made from the tree of options itself, so that the two never drift apart.
#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "cli/commands/commands.h"
#include "cli/options/option.h"
#include "cli/terminal/help.h"
#include "cli/terminal/output.h"
#include "formats/table/text.h"

namespace resnet::cli {

namespace {

enum class Shell { bash, zsh, fish };
constexpr auto words_of(Shell) {
  return std::to_array<Word<Shell>>({{Shell::bash, "bash"}, {Shell::zsh, "zsh"}, {Shell::fish, "fish"}});
}

struct CompletionOptions {
  Shell shell = Shell::bash;
};

// An option (or, without names, a positional argument) as a shell needs it.
struct Argument {
  std::vector<std::string> names;  // with their dashes
  std::string description;
  bool takes_value = false;
  Alternatives values;
};

struct CommandWords {
  std::string name, description;
  std::vector<Argument> options, positionals;  // the last positional may be repeated
};

Argument argument_of(const CLI::Option& option) {
  Argument word;
  for (const std::string& name : option.get_snames()) word.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) word.names.push_back("--" + name);
  word.description = option.get_description().substr(0, option.get_description().find_first_of(".;("));
  while (!word.description.empty() && word.description.back() == ' ') word.description.pop_back();
  word.takes_value = option.get_items_expected_max() > 0;
  word.values = alternatives_of(option);
  return word;
}

CommandWords words_of(const CLI::App& app) {
  CommandWords result;
  result.name = app.get_name();
  result.description = app.get_description().substr(0, app.get_description().find_first_of(".;"));
  for (const CLI::Option* option : app.get_options()) {
    (option->get_positional() ? result.positionals : result.options).push_back(argument_of(*option));
  }
  if (app.get_parent() == nullptr) return result;
  for (const CLI::Option* option : app.get_parent()->get_options()) {
    if (option != app.get_parent()->get_help_ptr()) result.options.push_back(argument_of(*option));
  }
  return result;
}

std::vector<CommandWords> commands_of(const CLI::App& program) {
  std::vector<CommandWords> result;
  for (const CLI::App* app : visible_commands(program)) result.push_back(words_of(*app));
  return result;
}

std::string joined(const std::vector<std::string>& words, const char* separator = " ") {
  std::string result;
  for (const std::string& word : words) result += (result.empty() ? "" : separator) + word;
  return result;
}

std::vector<std::string> names_of(const std::vector<CommandWords>& commands) {
  std::vector<std::string> names;
  for (const CommandWords& command : commands) names.push_back(command.name);
  return names;
}

std::string bash_values(const Alternatives& values) {
  std::string result;
  if (!values.words.empty()) result += fmt::format(" _resnet_cli_words '{}';", joined(values.words));
  if (values.files) result += " _resnet_cli_files -f;";
  if (values.folders) result += " _resnet_cli_files -d;";
  if (values.published) result += " _resnet_cli_words \"$(\"${COMP_WORDS[0]}\" fetch --names 2>/dev/null)\";";
  return result.empty() ? " :;" : result;
}

std::string bash_script(const CommandWords& program, const std::vector<CommandWords>& commands) {
  std::string names, skipped, values, words;
  for (const CommandWords& command : commands) names += (names.empty() ? "" : "|") + command.name;
  for (const Argument& option : program.options) {
    if (option.takes_value) skipped += (skipped.empty() ? "" : "|") + joined(option.names, "|");
  }
  const auto add = [&](const std::string& name, const CommandWords& command) {
    std::string all;
    for (const Argument& option : command.options) {
      all += (all.empty() ? "" : " ") + joined(option.names);
      if (!option.takes_value) continue;
      std::string patterns;
      for (const std::string& spelling : option.names) patterns += (patterns.empty() ? "" : "|") + name + ":" + spelling;
      values += fmt::format("    {}){} return ;;\n", patterns, bash_values(option.values));
    }
    std::string positionals;
    for (const Argument& positional : command.positionals) positionals += bash_values(positional.values);
    if (name.empty()) {
      positionals = fmt::format(" _resnet_cli_words '{}';", joined(names_of(commands)));
    }
    words += fmt::format("    {0})\n      if [[ $cur == -* ]]; then _resnet_cli_words '{1}'; else{2} fi ;;\n",
                         name.empty() ? "''" : name, all, positionals.empty() ? " :;" : positionals);
  };
  add("", program);
  for (const CommandWords& command : commands) add(command.name, command);
  return fmt::format(R"(# bash completion for resnet-cli; to load it: source <(resnet-cli completion bash)
_resnet_cli_words() {{
  local word
  while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -W "$1" -- "$cur")
}}
_resnet_cli_files() {{
  local file
  compopt -o filenames 2>/dev/null
  while IFS= read -r file; do COMPREPLY+=("$file"); done < <(compgen "$1" -- "$cur")
}}
_resnet_cli() {{
  local cur=${{COMP_WORDS[COMP_CWORD]}} prev='' command='' i
  if ((COMP_CWORD > 0)); then prev=${{COMP_WORDS[COMP_CWORD - 1]}}; fi
  COMPREPLY=()
  # --option=value comes as three words.
  if [[ $cur == = ]]; then
    cur=''
  elif [[ $prev == = ]] && ((COMP_CWORD > 1)); then
    prev=${{COMP_WORDS[COMP_CWORD - 2]}}
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${{COMP_WORDS[i]}} in
      {}) ((i++)) ;;
      {}) command=${{COMP_WORDS[i]}}; break ;;
    esac
  done
  case $command:$prev in
{}  esac
  case $command in
{}  esac
}}
complete -F _resnet_cli resnet-cli
)",
                     skipped, names, values, words);
}

// A text within [...] of _arguments.
std::string zsh_text(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') result += '\\';
    result += c;
  }
  return result;
}

std::string zsh_action(const Alternatives& values) {
  const std::string words = joined(values.words);
  const std::string files = values.files ? "_files" : values.folders ? "_files -/" : "";
  if (values.published && files.empty()) return "_resnet_cli_published";
  if (values.published) {
    return fmt::format("{{_alternative \"words:word:({})\" \"names:name:_resnet_cli_published\" \"files:file:{}\"}}", words,
                       files);
  }
  if (!files.empty() && !words.empty())
    return fmt::format("{{_alternative \"words:word:({})\" \"files:file:{}\"}}", words, files);
  if (!files.empty()) return files;
  return words.empty() ? " " : "(" + words + ")";
}

std::string zsh_arguments(const CommandWords& command, const char* indent) {
  std::string result;
  for (const Argument& option : command.options) {
    const std::string value = option.takes_value ? ":value:" + zsh_action(option.values) : "";
    const std::string exclusive = "(" + joined(option.names) + ")";
    for (const std::string& name : option.names) {
      const std::string equals = option.takes_value ? (name.starts_with("--") ? "=" : "+") : "";
      result += fmt::format(
          " \\\n{}{}", indent,
          table::single_quoted(fmt::format("{}{}{}[{}]{}", exclusive, name, equals, zsh_text(option.description), value)));
    }
  }
  for (std::size_t i = 0; i < command.positionals.size(); ++i) {
    const std::string place = i + 1 == command.positionals.size() ? "*" : fmt::format("{}", i + 1);
    result +=
        fmt::format(" \\\n{}{}", indent, table::single_quoted(place + ":argument:" + zsh_action(command.positionals[i].values)));
  }
  return result;
}

std::string zsh_script(const CommandWords& program, const std::vector<CommandWords>& commands) {
  std::string names, cases;
  for (const CommandWords& command : commands) {
    names += "    " + table::single_quoted(command.name + ":" + command.description) + "\n";
    cases += fmt::format("    {})\n      _arguments -s{} ;;\n", command.name, zsh_arguments(command, "        "));
  }
  return fmt::format(R"(#compdef resnet-cli
# zsh completion for resnet-cli; to load it: source <(resnet-cli completion zsh), after compinit
_resnet_cli_published() {{ compadd "$@" -- $(resnet-cli fetch --names 2>/dev/null); }}
_resnet_cli() {{
  local curcontext=$curcontext state line
  typeset -A opt_args
  local -a commands
  commands=(
{}  )
  _arguments -C -s{} \
    '1:command:->command' '*::argument:->arguments' && return
  if [[ $state == command ]]; then
    _describe command commands
    return
  fi
  case $line[1] in
{}  esac
}}
if [[ $funcstack[1] == _resnet-cli ]]; then _resnet_cli "$@"; else compdef _resnet_cli resnet-cli; fi
)",
                     names, zsh_arguments(program, "    "), cases);
}

std::string fish_text(const std::string& text) {
  std::string escaped;
  for (const char c : text) escaped += c == '\\' ? std::string("\\\\") : std::string(1, c);
  return table::single_quoted(escaped, "\\'");
}

constexpr const char* fish_published = "'(resnet-cli fetch --names 2>/dev/null)'";

std::string fish_option(const std::string& condition, const Argument& option) {
  std::string line = "complete -c resnet-cli -n " + fish_text(condition);
  for (const std::string& name : option.names) line += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  if (option.takes_value) {
    line += option.values.files ? " -rF" : " -x";
    if (!option.values.words.empty()) line += " -a " + fish_text(joined(option.values.words));
    if (option.values.published) line += std::string(" -a ") + fish_published;
    if (option.values.folders) line += " -a '(__fish_complete_directories)'";
  }
  return line + (option.description.empty() ? "" : " -d " + fish_text(option.description)) + "\n";
}

std::string fish_script(const CommandWords& program, const std::vector<CommandWords>& commands) {
  const std::string before = "not __fish_seen_subcommand_from " + joined(names_of(commands));
  std::string result =
      "# fish completion for resnet-cli; to load it: resnet-cli completion fish | source\ncomplete -c resnet-cli -f\n";
  for (const Argument& option : program.options) result += fish_option(before, option);
  for (const CommandWords& command : commands) {
    result += fmt::format("complete -c resnet-cli -n {} -a {} -d {}\n", fish_text(before), command.name,
                          fish_text(command.description));
  }
  for (const CommandWords& command : commands) {
    const std::string within = "__fish_seen_subcommand_from " + command.name;
    for (const Argument& option : command.options) result += fish_option(within, option);
    for (const Argument& positional : command.positionals) {
      if (positional.values.files) result += fmt::format("complete -c resnet-cli -n {} -F\n", fish_text(within));
      if (positional.values.published) {
        result += fmt::format("complete -c resnet-cli -n {} -a {}\n", fish_text(within), fish_published);
      }
      if (!positional.values.words.empty()) {
        result +=
            fmt::format("complete -c resnet-cli -n {} -a {}\n", fish_text(within), fish_text(joined(positional.values.words)));
      }
    }
  }
  return result;
}

void setup(CLI::App& app, CompletionOptions& options) {
  add_choice(app, "shell", options.shell, "the shell that the script is for")->option_text("SHELL")->required();
  app.footer(
      "Examples:\n"
      "  source <(resnet-cli completion bash)          # this shell; put the line into ~/.bashrc for all\n"
      "  resnet-cli completion zsh > ~/.zfunc/_resnet-cli   # a folder of $fpath\n"
      "  resnet-cli completion fish > ~/.config/fish/completions/resnet-cli.fish");
}

int run(const CompletionOptions& options) {
  // A tree of its own, so that nothing that was parsed is in it.
  CLI::App program("", "resnet-cli");
  CommonOptions common;
  add_everything(program, common);
  const CommandWords words = words_of(program);
  const std::vector<CommandWords> commands = commands_of(program);
  Output output("");
  switch (options.shell) {
    case Shell::bash: output.write(bash_script(words, commands)); break;
    case Shell::zsh: output.write(zsh_script(words, commands)); break;
    case Shell::fish: output.write(fish_script(words, commands)); break;
  }
  output.commit();
  return 0;
}

}  // namespace

Command add_completion(CLI::App& program) {
  auto options = std::make_shared<CompletionOptions>();
  CLI::App* app =
      program.add_subcommand("completion", "A script that lets your shell complete commands, options and their values.");
  setup(*app, *options);
  return {app, [options](Context&) { return run(*options); }};
}

}  // namespace resnet::cli
