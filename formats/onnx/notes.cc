#include "formats/onnx/notes.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <span>

namespace resnet::onnx {

void Notes::add(const std::string& text, const std::string& label, const std::string& kind) {
  for (Entry& entry : entries_) {
    if (entry.text == text && entry.kind == kind && !entry.labels.empty()) {
      entry.labels.push_back(label);
      return;
    }
  }
  entries_.push_back({text, {label}, kind});
}

std::vector<std::string> Notes::lines() const {
  constexpr std::size_t shown = 3;
  std::vector<std::string> lines;
  for (const Entry& entry : entries_) {
    if (entry.labels.empty()) {
      lines.push_back(entry.text);
    } else if (entry.labels.size() == 1) {
      lines.push_back(fmt::format("{}: {}", entry.labels.front(), entry.text));
    } else {
      const std::span<const std::string> first(entry.labels.data(), std::min(shown, entry.labels.size()));
      lines.push_back(fmt::format("{} {} ({}{}): {}", entry.labels.size(), entry.kind, fmt::join(first, ", "),
                                  entry.labels.size() > shown ? ", ..." : "", entry.text));
    }
  }
  return lines;
}

}  // namespace resnet::onnx
