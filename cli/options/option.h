// Options as this program declares them, so that help, errors and completion say the same of each.
#pragma once

#include <CLI/App.hpp>
#include <CLI/Option.hpp>
#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "lib/base/words.h"

namespace resnet::cli {

// What an option's value may be, from its type name "FILE|imagenet1k|cifar10": literal words, files, folders, for ARCH the
// architectures' names, and for the other placeholders (N, X, SHAPE, ...) nothing that could be offered.
struct Alternatives {
  std::vector<std::string> words;
  bool files = false, folders = false;
};
Alternatives alternatives_of(const CLI::Option& option);

// Takes one of the words of a table (lib/base/words.h) and gives its value; without a table the enum's own. An optional value is
// nothing where the option is not given.
template <typename T>
CLI::Option* add_choice(CLI::App& app, const std::string& names, T& value, std::type_identity_t<std::span<const Word<T>>> table,
                        const std::string& description);
template <typename T>
CLI::Option* add_choice(CLI::App& app, const std::string& names, std::optional<T>& value,
                        std::type_identity_t<std::span<const Word<T>>> table, const std::string& description);
template <HasWords E>
CLI::Option* add_choice(CLI::App& app, const std::string& names, E& value, const std::string& description);
template <HasWords E>
CLI::Option* add_choice(CLI::App& app, const std::string& names, std::optional<E>& value, const std::string& description);

// Text that `parse` turns into a value, and throws Error(invalid) for what is not one; `shown`: the value as text, for help.
CLI::Option* add_parsed(CLI::App& app, const std::string& names, std::function<void(const std::string&)> parse,
                        std::function<std::string()> shown, const std::string& type, const std::string& description);

// A whole number from `least` to `most`.
template <typename Integer>
CLI::Option* add_integer(CLI::App& app, const std::string& names, Integer& value, std::int64_t least, std::int64_t most,
                         const std::string& description);
// A finite number from `least` to `most`, which may be the largest one or infinite.
template <typename Real>
CLI::Option* add_number(CLI::App& app, const std::string& names, Real& value, double least, double most,
                        const std::string& description);
// Text that the command examines itself; `type` names what it may be. A file's or a folder's name is not empty.
CLI::Option* add_text(CLI::App& app, const std::string& names, std::string& value, const std::string& type,
                      const std::string& description);

CLI::Validator integer_between(std::int64_t least, std::int64_t most);
// A finite number; a `most` of infinity or of the largest number sets no bound.
CLI::Validator number_between(double least, double most);
// "--output: the name is empty, expected FILE": nobody means the option's absence by it, a script's variable was not set.
CLI::Validator name_of_file(const std::string& type);

// A table without the type of its values. `set` is given a word's place in it; `shown` is the word of the value as it is.
struct AnyChoice {
  std::vector<std::string_view> words;
  std::function<void(std::size_t)> set;
  std::function<std::string()> shown;
};
CLI::Option* add_any_choice(CLI::App& app, const std::string& names, AnyChoice choice, const std::string& description);

template <typename T, typename Value>
AnyChoice choice_of(Value& value, std::span<const Word<T>> table) {
  AnyChoice choice;
  std::vector<T> values;
  for (const Word<T>& word : table) {
    choice.words.push_back(word.text);
    values.push_back(word.value);
  }
  choice.shown = [&value, values, words = choice.words] {
    const auto found = std::find(values.begin(), values.end(), value);
    return found == values.end() ? std::string() : std::string(words[static_cast<std::size_t>(found - values.begin())]);
  };
  choice.set = [&value, values](std::size_t place) { value = values[place]; };
  return choice;
}

template <typename T>
CLI::Option* add_choice(CLI::App& app, const std::string& names, T& value, std::type_identity_t<std::span<const Word<T>>> table,
                        const std::string& description) {
  return add_any_choice(app, names, choice_of<T>(value, table), description);
}

template <typename T>
CLI::Option* add_choice(CLI::App& app, const std::string& names, std::optional<T>& value,
                        std::type_identity_t<std::span<const Word<T>>> table, const std::string& description) {
  return add_any_choice(app, names, choice_of<T>(value, table), description);
}

template <HasWords E>
CLI::Option* add_choice(CLI::App& app, const std::string& names, E& value, const std::string& description) {
  return add_choice<E>(app, names, value, words<E>, description);
}

template <HasWords E>
CLI::Option* add_choice(CLI::App& app, const std::string& names, std::optional<E>& value, const std::string& description) {
  return add_choice<E>(app, names, value, words<E>, description);
}

template <typename Integer>
CLI::Option* add_integer(CLI::App& app, const std::string& names, Integer& value, std::int64_t least, std::int64_t most,
                         const std::string& description) {
  return app.add_option(names, value, description)->type_name("N")->check(integer_between(least, most));
}

template <typename Real>
CLI::Option* add_number(CLI::App& app, const std::string& names, Real& value, double least, double most,
                        const std::string& description) {
  return app.add_option(names, value, description)->type_name("X")->check(number_between(least, most));
}

}  // namespace resnet::cli
