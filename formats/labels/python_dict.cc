#include "formats/labels/python_dict.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <system_error>

#include "lib/base/error.h"

namespace resnet::labels {

namespace {

constexpr std::string_view spaces = " \t\r\n";

class Parser {
 public:
  Parser(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  std::vector<std::pair<std::uint64_t, std::string>> entries() {
    std::vector<std::pair<std::uint64_t, std::string>> result;
    expect('{');
    while (next() != '}') {
      if (next() == '\'' || next() == '"') {
        std::string label = string();
        expect(':');
        result.emplace_back(number(), std::move(label));
      } else {
        const std::uint64_t index = number();
        expect(':');
        result.emplace_back(index, string());
      }
      if (next() != '}') expect(',');
    }
    expect('}');
    if (next() != '\0') refuse("nothing after the closing brace");
    return result;
  }

 private:
  [[noreturn]] void refuse(const std::string& expected) const {
    const auto line = 1 + std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(at_), '\n');
    throw Error(Fault::malformed, Frame::line(static_cast<std::size_t>(line)),
                fmt::format("expected {}, as in {{0: 'tench', 1: 'goldfish'}}", expected))
        .in(Frame::file(Role::argument, name_));
  }

  // The character after spaces and comments, not taken; NUL at the end.
  char next() {
    while (at_ < text_.size()) {
      if (text_[at_] == '#') {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else if (spaces.find(text_[at_]) != spaces.npos) {
        ++at_;
      } else {
        return text_[at_];
      }
    }
    return '\0';
  }

  void expect(char character) {
    if (next() != character) refuse(fmt::format("'{}'", character));
    ++at_;
  }

  std::uint64_t number() {
    next();
    std::uint64_t value = 0;
    const char* begin = text_.data() + at_;
    const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), value);
    if (error != std::errc{}) refuse("a class index");
    at_ += static_cast<std::size_t>(end - begin);
    return value;
  }

  std::string string() {
    const char quote = next();
    if (quote != '\'' && quote != '"') refuse("a label in quotes");
    std::string label;
    for (++at_; at_ < text_.size() && text_[at_] != quote; ++at_) {
      if (text_[at_] == '\n') break;
      if (text_[at_] == '\\') {
        ++at_;
        if (at_ == text_.size() || (text_[at_] != '\\' && text_[at_] != '\'' && text_[at_] != '"'))
          refuse("a backslash only before a quote or a backslash");
      }
      label += text_[at_];
    }
    if (at_ == text_.size() || text_[at_] != quote) refuse(fmt::format("{} at the end of a label", quote));
    ++at_;
    return label;
  }

  std::string_view text_;
  const std::string& name_;
  std::size_t at_ = 0;
};

}  // namespace

bool is_python_dict(std::string_view text) {
  const std::size_t brace = text.find_first_not_of(spaces);
  if (brace == text.npos || text[brace] != '{') return false;
  const std::size_t first = text.find_first_not_of(spaces, brace + 1);
  return first != text.npos && (text[first] == '\'' || (text[first] >= '0' && text[first] <= '9'));
}

std::vector<std::pair<std::uint64_t, std::string>> parse_python_dict(std::string_view text, const std::string& name) {
  return Parser(text, name).entries();
}

}  // namespace resnet::labels
