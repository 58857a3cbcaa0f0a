#include "formats/onnx/notes.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace resnet::onnx {

namespace {

constexpr std::size_t shown_labels = 3, shown_notes = 2;

// The text without what is in quotes, and without digits: equal for notes of one sort.
std::string sort_of(const std::string& text) {
  std::string sort;
  bool quoted = false;
  for (const char c : text) {
    if (c == '\'') quoted = !quoted;
    if (!quoted && (c < '0' || c > '9')) sort += c;
  }
  return sort;
}

}  // namespace

void Notes::add(const std::string& text) { entries_.push_back({text, {}, {}, 0}); }

void Notes::add(const std::string& text, const std::string& label, const std::string& kind) {
  const auto [place, is_new] = places_.try_emplace({text, kind}, entries_.size());
  if (is_new) entries_.push_back({text, kind, {}, 0});
  Entry& entry = entries_[place->second];
  if (entry.count++ < shown_labels) entry.labels.push_back(label);
}

std::vector<std::string> Notes::lines() const {
  std::map<std::string, std::size_t> counts;
  for (const Entry& entry : entries_) ++counts[sort_of(entry.text)];
  std::vector<std::string> lines;
  std::map<std::string, std::size_t> seen;
  for (const Entry& entry : entries_) {
    const std::string sort = sort_of(entry.text);
    const std::size_t all = counts[sort], before = seen[sort]++;
    if (before >= shown_notes && all > shown_notes + 1) {
      if (before == shown_notes) lines.push_back(fmt::format("and {} more notes like the last one", all - shown_notes));
    } else if (entry.count == 0) {
      lines.push_back(entry.text);
    } else if (entry.count == 1) {
      lines.push_back(fmt::format("{}: {}", entry.labels.front(), entry.text));
    } else {
      lines.push_back(fmt::format("{} {} ({}{}): {}", entry.count, entry.kind, fmt::join(entry.labels, ", "),
                                  entry.count > entry.labels.size() ? ", ..." : "", entry.text));
    }
  }
  return lines;
}

}  // namespace resnet::onnx
