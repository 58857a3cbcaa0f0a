#include "cli/terminal/help.h"

#include <fmt/format.h>
#include <CLI/Option.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <vector>

#include "cli/terminal/suggestions.h"
#include "formats/table/text.h"

namespace resnet::cli {

namespace {

constexpr std::size_t line_width = 100, description_column = 30;

// Words of `text` in lines of at most `line_width` columns, each after `indent` spaces but the first.
std::string wrap(const std::string& text, std::size_t indent) {
  std::string result;
  std::size_t column = indent;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    const std::size_t width = table::display_width(word);
    if (column > indent && column + 1 + width > line_width) {
      result += "\n" + std::string(indent, ' ');
      column = indent;
    }
    if (column > indent) {
      result += ' ';
      ++column;
    }
    result += word;
    column += width;
  }
  return result;
}

std::string entry(const std::string& head, const std::string& description) {
  std::string result = "  " + head;
  if (result.size() + 2 > description_column) {
    result += "\n" + std::string(description_column, ' ');
  } else {
    result.resize(description_column, ' ');
  }
  return result + wrap(description, description_column) + "\n";
}

std::string head_of(const CLI::Option& option) {
  if (option.get_positional()) return option.get_option_text().empty() ? option.get_name(true) : option.get_option_text();
  std::string head;
  for (const std::string& name : option.get_snames()) head += (head.empty() ? "-" : ", -") + name;
  if (head.empty()) head = "    ";
  for (const std::string& name : option.get_lnames()) head += (head == "    " ? "--" : ", --") + name;
  if (option.get_items_expected_max() > 0) head += " " + option.get_type_name();
  return head;
}

// The options of `app` by their groups, in the order in which they were declared.
std::string option_groups(const CLI::App& app, const std::string& title) {
  std::string result;
  for (const std::string& group : app.get_groups()) {
    std::string entries;
    for (const CLI::Option* option : app.get_options()) {
      if (option->get_group() == group && option->nonpositional()) entries += entry(head_of(*option), describe(*option));
    }
    if (!group.empty() && !entries.empty()) result += "\n" + (group == "Options" ? title : group) + ":\n" + entries;
  }
  return result;
}

// "--threads: expected ..., got 'many'" where the environment has said so: the variable is to blame, by its name.
std::string blame_variable(const CLI::App& program, const std::vector<std::string>& words, const std::string& mistake) {
  for (const CLI::Option* option : program.get_options()) {
    const std::string name = option->get_name(), variable = option->get_envname();
    const char* value = variable.empty() ? nullptr : std::getenv(variable.c_str());
    if (value == nullptr || !mistake.starts_with(name + ":") || option->results() != std::vector<std::string>{value}) continue;
    const bool on_the_command_line = std::any_of(
        words.begin(), words.end(), [&](const std::string& word) { return word == name || word.starts_with(name + "="); });
    if (!on_the_command_line) return variable + mistake.substr(name.size());
  }
  return mistake;
}

// CLI11 begins with the option's name: the option and what follows its name, or none.
const CLI::Option* option_of(const CLI::App& app, const std::string& mistake) {
  for (const CLI::App* level = &app; level != nullptr; level = level->get_parent()) {
    for (const CLI::Option* option : level->get_options()) {
      const std::string name = option->get_name();
      if (mistake.starts_with(name + ":") || mistake.starts_with(name + " ")) return option;
    }
  }
  return nullptr;
}

// "DATA" of "[ARCH|MODEL] DATA...": what the usage line says must be there.
std::string required_words(const CLI::Option& positional) {
  std::istringstream words(head_of(positional));
  std::string result;
  for (std::string word; words >> word;) {
    if (word.starts_with('[')) continue;
    if (word.ends_with("...")) word.resize(word.size() - 3);
    result += (result.empty() ? "" : " ") + word;
  }
  return result;
}

// CLI11's own sentences in this program's words; those that it has from our checks are kept.
std::string in_our_words(const CLI::App& app, const CLI::ParseError& error) {
  const std::string mistake = error.what();
  const char* const no_value = ": is a flag, expected no value";
  const auto is = [&error]<typename Kind>(const Kind*) { return dynamic_cast<const Kind*>(&error) != nullptr; };
  if (is(static_cast<const CLI::ConversionError*>(nullptr))) {
    const std::string lead = "Could not convert: ";
    if (!mistake.starts_with(lead)) {
      const CLI::Option* flag = option_of(app, mistake);
      return flag == nullptr ? mistake : flag->get_name() + no_value;
    }
    const std::string rest = mistake.substr(lead.size());
    const CLI::Option* option = option_of(app, rest);
    if (option == nullptr) return rest + ": not understood";
    if (option->get_items_expected_max() == 0) return option->get_name() + no_value;
    const std::string value = rest.substr(std::min(rest.size(), option->get_name().size() + 3));
    return fmt::format("{}: '{}' is not a number", option->get_name(), value);
  }
  const CLI::Option* option = option_of(app, mistake);
  if (option == nullptr) return mistake;
  if (is(static_cast<const CLI::RequiredError*>(nullptr)) && option->get_positional())
    return fmt::format("no {} given", required_words(*option));
  if (!is(static_cast<const CLI::ArgumentMismatch*>(nullptr))) return mistake;
  if (option->get_items_expected_max() == 0) return option->get_name() + no_value;
  const bool missing = mistake.find("missing") != std::string::npos || mistake.find("At least") != std::string::npos;
  return missing ? fmt::format("{}: no value given, expected {}", option->get_name(), option->get_type_name())
                 : option->get_name() + ": given more than once, expected one value";
}

// "nofile.toml: cannot be opened: No such file or directory"
std::string why_not_opened(const CLI::App& program) {
  const std::string file = program.get_config_ptr()->as<std::string>();
  errno = 0;
  const std::ifstream stream(file);
  return fmt::format("{}: cannot be opened: {}", file, std::strerror(stream.is_open() || errno == 0 ? EIO : errno));
}

}  // namespace

std::string describe(const CLI::Option& option) {
  std::string text = option.get_description();
  if (!option.get_default_str().empty() && option.get_items_expected_max() > 0)
    text += " (default: " + option.get_default_str() + ")";
  if (!option.get_envname().empty()) text += " (environment: " + option.get_envname() + ")";
  if (option.get_required() && option.nonpositional()) text += " (required)";
  return text;
}

std::vector<const CLI::App*> visible_commands(const CLI::App& program) {
  return program.get_subcommands([](const CLI::App* command) { return !command->get_group().empty(); });
}

std::string HelpFormatter::make_help(const CLI::App* app, std::string, CLI::AppFormatMode) const {
  const CLI::App* parent = app->get_parent();
  std::string result = "Usage: ";
  if (parent != nullptr) result += parent->get_name() + " ";
  result += app->get_name() + (parent == nullptr ? " COMMAND [OPTIONS]" : " [OPTIONS]");
  std::string arguments;
  for (const CLI::Option* option : app->get_options([](const CLI::Option* o) { return o->get_positional(); })) {
    result += " " + head_of(*option);
    arguments += entry(head_of(*option), describe(*option));
  }
  result += "\n\n" + wrap(app->get_description(), 0) + "\n";
  if (!arguments.empty()) result += "\nArguments:\n" + arguments;
  const auto commands = visible_commands(*app);
  if (!commands.empty()) {
    result += "\nCommands:\n";
    for (const CLI::App* command : commands) {
      std::string first = command->get_description();
      first.resize(std::min(first.size(), first.find(". ")));
      if (!first.empty() && first.back() == '.') first.pop_back();
      result += entry(command->get_name(), first);
    }
  }
  result += option_groups(*app, parent == nullptr ? "Options of every command" : "Options");
  if (parent != nullptr) {
    // Its own --help is above.
    std::string common;
    for (const CLI::Option* option : parent->get_options()) {
      if (option != parent->get_help_ptr()) common += entry(head_of(*option), describe(*option));
    }
    result += "\nOptions of every command:\n" + common;
  }
  if (!app->get_footer().empty()) result += "\n" + app->get_footer() + "\n";
  return result;
}

std::string describe_mistake(CLI::App& program, const std::vector<std::string>& command_line, const CLI::ParseError& error) {
  const auto parsed = program.get_subcommands();
  CLI::App& app = parsed.empty() ? program : *parsed.front();
  const std::string help = parsed.empty() ? "resnet-cli --help" : "resnet-cli " + app.get_name() + " --help";
  std::string mistake = error.what();
  std::vector<std::string> rest = program.remaining(true);
  rest.erase(std::remove(rest.begin(), rest.end(), "--"), rest.end());
  const bool over =
      dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr || dynamic_cast<const CLI::RequiredError*>(&error) != nullptr;
  if (dynamic_cast<const CLI::ConfigError*>(&error) != nullptr) {
    // CLI11 names the entry after words of its own.
    const std::string words = CLI::ConfigError::Extras("").what();
    mistake = mistake.starts_with(words)
                  ? fmt::format("--config: unknown entry '{}'", mistake.substr(words.size()))
                  : fmt::format("--config: '{}' may not be in a file", mistake.substr(0, mistake.find(": ")));
  } else if (dynamic_cast<const CLI::FileError*>(&error) != nullptr) {
    mistake = "--config: " + why_not_opened(program);
  } else if (over && !rest.empty()) {
    std::string word = rest.front();
    if (word.size() > 1 && word[0] == '-') {
      word.resize(std::min(word.size(), word.find('=')));
      mistake = fmt::format("unknown option '{}'{}", word, suggest_option(program, app, word));
    } else if (parsed.empty()) {
      mistake = fmt::format("unknown command '{}'{}", word, suggest_command(program, word));
    } else {
      mistake = fmt::format("unexpected argument '{}'", word);
    }
  } else if (parsed.empty() && dynamic_cast<const CLI::RequiredError*>(&error) != nullptr) {
    mistake = "no command given";
  } else {
    mistake = blame_variable(program, command_line, in_our_words(app, error));
  }
  std::replace(mistake.begin(), mistake.end(), '\n', ' ');
  return fmt::format("{}{} (see {})", parsed.empty() ? "" : app.get_name() + ": ", mistake, help);
}

}  // namespace resnet::cli
