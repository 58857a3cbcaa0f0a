#include "formats/labels/yaml.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <system_error>

#include "lib/base/error.h"

namespace resnet::labels {

namespace {

using Entries = std::vector<std::pair<std::uint64_t, std::string>>;

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r");
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

class Parser {
 public:
  Parser(std::string_view text, const std::string& name) : text_(text), name_(name) {
    while (!text.empty()) {
      const std::size_t end = text.find('\n');
      lines_.push_back(text.substr(0, end));
      if (end == text.npos) break;
      text.remove_prefix(end + 1);
    }
  }

  Entries run() {
    std::size_t first = 0;
    std::string_view rest;
    bool keyed = false;
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      if (!lines_[i].starts_with("names:")) continue;
      rest = uncommented(lines_[i].substr(6));
      first = i + 1;
      keyed = true;
      break;
    }
    line_ = first;
    if (!rest.empty()) return flow(static_cast<std::size_t>(rest.data() - text_.data()));
    for (; first < lines_.size(); ++first) {
      const std::string_view line = uncommented(lines_[first]);
      if (line.empty() || line == "---") continue;
      if (line[0] == '[' || line[0] == '{') return flow(static_cast<std::size_t>(line.data() - text_.data()));
      break;
    }
    return block(first, keyed);
  }

 private:
  [[noreturn]] void refuse(const std::string& expected) const {
    throw Error(Fault::malformed, Frame::line(line_), fmt::format("expected {}", expected))
        .in(Frame::file(Role::argument, name_));
  }

  // Without a comment, which begins a line or follows a space.
  static std::string_view uncommented(std::string_view line) {
    char quote = '\0';
    for (std::size_t i = 0; i < line.size(); ++i) {
      if (quote != '\0') {
        if (line[i] == quote) quote = '\0';
      } else if ((line[i] == '\'' || line[i] == '"') &&
                 (i == 0 || std::string_view(" \t[{,:-").find(line[i - 1]) != std::string_view::npos)) {
        quote = line[i];
      } else if (line[i] == '#' && (i == 0 || line[i - 1] == ' ' || line[i - 1] == '\t')) {
        return trimmed(line.substr(0, i));
      }
    }
    return trimmed(line);
  }

  std::uint64_t index_of(std::string_view key) const {
    std::uint64_t index = 0;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), index);
    if (error != std::errc{} || end != key.data() + key.size()) refuse("a class index before the colon, as in 0: tench");
    return index;
  }

  // A whole scalar: 'it''s', "a \"b\"", or plain.
  std::string scalar(std::string_view text) const {
    if (text.empty()) refuse("a label");
    if (text[0] != '\'' && text[0] != '"') return std::string(text);
    std::size_t at = 0;
    std::string label = quoted(text, at);
    if (!trimmed(text.substr(at)).empty()) refuse("nothing after the closing quote");
    return label;
  }

  // From an opening quote at `at`, which is moved past the closing one.
  std::string quoted(std::string_view text, std::size_t& at) const {
    const char quote = text[at++];
    std::string label;
    for (; at < text.size() && text[at] != '\n'; ++at) {
      if (text[at] == quote) {
        if (quote == '\'' && text.substr(at + 1, 1) == "'") {
          ++at;
        } else {
          ++at;
          return label;
        }
      } else if (text[at] == '\\' && at + 1 < text.size() && (quote == '"' || text[at + 1] == '\'')) {
        ++at;
        if (text[at] != '"' && text[at] != '\\' && text[at] != '\'') refuse("a backslash only before a quote or a backslash");
      }
      label += text[at];
    }
    refuse(fmt::format("{} at the end of a label", quote));
  }

  // Lines "- tench" or "0: tench"; under a key until one that belongs to another.
  Entries block(std::size_t first, bool keyed) {
    Entries entries;
    for (std::size_t i = first; i < lines_.size(); ++i) {
      const std::string_view line = uncommented(lines_[i]);
      if (line.empty()) continue;
      line_ = i + 1;
      const bool item = line[0] == '-' && (line.size() == 1 || line[1] == ' ');
      if (!item && keyed && lines_[i][0] != ' ' && lines_[i][0] != '\t') break;
      if (item) {
        entries.emplace_back(entries.size(), scalar(trimmed(line.substr(1))));
        continue;
      }
      const std::size_t colon = line.find(':');
      if (colon == line.npos) refuse("- LABEL or INDEX: LABEL");
      entries.emplace_back(index_of(trimmed(line.substr(0, colon))), scalar(trimmed(line.substr(colon + 1))));
    }
    return entries;
  }

  // The character after spaces, line ends and comments.
  char next() {
    while (at_ < text_.size()) {
      if (text_[at_] == '#') {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else if (std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) {
        line_ += text_[at_] == '\n' ? 1 : 0;
        ++at_;
      } else {
        return text_[at_];
      }
    }
    return '\0';
  }

  std::string flow_scalar(std::string_view ends) {
    const char first = next();
    if (first == '\'' || first == '"') return quoted(text_, at_);
    const std::size_t end = std::min(text_.find_first_of(ends, at_), text_.size());
    std::string label(trimmed(text_.substr(at_, end - at_)));
    if (label.empty() || label.find('\n') != std::string::npos) refuse("a label");
    at_ = end;
    return label;
  }

  // "[tench, 'goldfish']" or "{0: tench, 1: goldfish}", from `begin` on.
  Entries flow(std::size_t begin) {
    line_ = 1 + static_cast<std::size_t>(std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(begin), '\n'));
    at_ = begin;
    const char open = next();
    if (open != '[' && open != '{') refuse("a list or a map of labels after names:");
    const char close = open == '[' ? ']' : '}';
    Entries entries;
    for (++at_; next() != close;) {
      std::uint64_t index = entries.size();
      if (open == '{') {
        index = index_of(flow_scalar(":,}\n"));
        if (next() != ':') refuse("a colon after the class index");
        ++at_;
      }
      entries.emplace_back(index, flow_scalar(open == '[' ? ",]\n" : ",}\n"));
      if (next() == ',') {
        ++at_;
      } else if (next() != close) {
        refuse(fmt::format("',' or '{}'", close));
      }
    }
    return entries;
  }

  std::string_view text_;
  const std::string& name_;
  std::vector<std::string_view> lines_;
  std::size_t at_ = 0, line_ = 0;
};

}  // namespace

bool is_yaml(std::string_view text, std::string_view name) {
  return name.ends_with(".yaml") || name.ends_with(".yml") || text.starts_with("names:") || text.find("\nnames:") != text.npos;
}

Entries parse_yaml(std::string_view text, const std::string& name) { return Parser(text, name).run(); }

}  // namespace resnet::labels
