#include "formats/hub/catalogue.h"

#include <fnmatch.h>

#include <algorithm>
#include <iterator>

#include "formats/table/text.h"

namespace resnet::hub {

namespace {

constexpr Entry entries[] = {
#include "formats/hub/catalogue.inc"
};

constexpr std::string_view torchvision = "torchvision/";

bool in_place_of(const Entry& entry, std::string_view name) {
  if (!entry.is_default || entry.name.size() <= name.size() || entry.name[name.size()] != '.') return false;
  return entry.name.starts_with(name);
}

}  // namespace

std::span<const Entry> catalogue() { return entries; }

const Entry* find_entry(std::string_view name) {
  constexpr std::string_view by_default = ".DEFAULT";
  if (name.starts_with(torchvision) && name.ends_with(by_default)) name.remove_suffix(by_default.size());
  const auto exact = std::find_if(std::begin(entries), std::end(entries), [&](const Entry& entry) { return entry.name == name; });
  if (exact != std::end(entries)) return exact;
  const auto found =
      std::find_if(std::begin(entries), std::end(entries), [&](const Entry& entry) { return in_place_of(entry, name); });
  return found == std::end(entries) ? nullptr : found;
}

const Entry* entry_of_file(std::string_view file) {
  if (file.empty()) return nullptr;
  const auto found = std::find_if(std::begin(entries), std::end(entries),
                                  [&](const Entry& entry) { return entry.file == file || entry.older_file == file; });
  return found == std::end(entries) ? nullptr : found;
}

std::string_view pretrained_of(std::string_view architecture) {
  const Entry* any = nullptr;
  for (const Entry& entry : entries) {
    if (entry.architecture != architecture) continue;
    if (entry.is_default) return entry.name;
    if (any == nullptr) any = &entry;
  }
  return any == nullptr ? std::string_view() : any->name;
}

std::vector<const Entry*> matching(std::string_view pattern) {
  std::string wanted(pattern);
  if (wanted.find_first_of("*?[") == std::string::npos) wanted = "*" + wanted + "*";
  std::vector<const Entry*> found;
  for (const Entry& entry : entries) {
    const auto holds = [&](std::string_view text) {
      return fnmatch(wanted.c_str(), std::string(text).c_str(), FNM_CASEFOLD) == 0;
    };
    if (holds(entry.name) || holds(entry.architecture)) found.push_back(&entry);
  }
  return found;
}

std::string nearest_name(std::string_view name) {
  std::vector<std::string> names;
  for (const Entry& entry : entries) names.emplace_back(entry.name);
  // A default is near where the tag is left out and the rest mistyped.
  std::string best = table::nearest(name, names);
  if (!best.empty()) return best;
  std::vector<std::string> heads;
  for (const Entry& entry : entries) {
    if (entry.is_default) heads.emplace_back(entry.name.substr(0, entry.name.find('.')));
  }
  const std::string head = table::nearest(name, heads);
  if (head.empty()) return "";
  const Entry* entry = find_entry(head);
  return entry == nullptr ? "" : std::string(entry->name);
}

}  // namespace resnet::hub
