// Options as this program declares them, so that help, errors and completion tell the same of each.
#pragma once

#include <CLI/App.hpp>
#include <CLI/Option.hpp>
#include <cstdint>
#include <string>
#include <vector>

namespace resnet::cli {

// What may stand for an option's value, from its type name "FILE|imagenet1k|cifar10": literal words, and the placeholders FILE,
// N, NUMBERS, FRACTION, SHAPE and ARCH.
struct Alternatives {
  std::vector<std::string> words;
  bool files = false;
};
Alternatives alternatives_of(const CLI::Option& option);

// Takes one of the words of `choices` ("text|jsonl|csv") only.
CLI::Option* add_choice(CLI::App& app, const std::string& names, std::string& value, const std::string& choices,
                        const std::string& description);
// A whole number from `least` to `most`.
template <typename Integer>
CLI::Option* add_integer(CLI::App& app, const std::string& names, Integer& value, std::int64_t least, std::int64_t most,
                         const std::string& description);
// Text that the command examines itself; `type` names what it may be.
CLI::Option* add_text(CLI::App& app, const std::string& names, std::string& value, const std::string& type,
                      const std::string& description);

CLI::Validator integer_between(std::int64_t least, std::int64_t most);

template <typename Integer>
CLI::Option* add_integer(CLI::App& app, const std::string& names, Integer& value, std::int64_t least, std::int64_t most,
                         const std::string& description) {
  return app.add_option(names, value, description)->type_name("N")->check(integer_between(least, most));
}

}  // namespace resnet::cli
