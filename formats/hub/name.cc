#include "formats/hub/name.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "formats/hub/catalogue.h"
#include "formats/table/text.h"
#include "lib/base/error.h"
#include "lib/base/parse.h"

namespace resnet::hub {

namespace {

// Those who publish ResNets: their names are never taken for photos.
constexpr auto owners = std::to_array<std::string_view>({"timm", "torchvision", "microsoft", "Xenova", "onnx-community"});
constexpr std::string_view torchvision = "torchvision/";

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
}
bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

bool is_part(std::string_view part) {
  if (part.empty() || part.size() > 96 || !std::all_of(part.begin(), part.end(), is_word)) return false;
  const auto at_end = [](char c) { return c == '-' || c == '.'; };
  if (at_end(part.front()) || at_end(part.back()) || part.ends_with(".git")) return false;
  return part.find("--") == part.npos && part.find("..") == part.npos;
}

// Cuts `text` at the first `separator`; what comes after it, or nothing where there is none.
std::optional<std::string> cut_at(std::string_view& text, char separator) {
  const std::size_t at = text.find(separator);
  if (at == text.npos) return std::nullopt;
  std::string rest(text.substr(at + 1));
  text = text.substr(0, at);
  return rest;
}

// What is wrong with it; empty: nothing.
std::string take_apart(std::string_view text, Name& name) {
  const auto file = cut_at(text, ':');
  const auto revision = cut_at(text, '@');
  name.repository = text;
  name.file = file.value_or("");
  name.revision = revision.value_or("");
  if (!is_repository(text)) return "expected ORG/NAME of letters, digits, '_', '.' and '-'";
  if (revision && !is_revision(*revision)) return "expected a branch, a tag or a commit after '@'";
  if (file && !is_inner_path(*file)) return "expected a path within the repository after ':'";
  return "";
}

}  // namespace

std::string Name::text() const {
  return (has_prefix ? "hf:" : "") + repository + (revision.empty() ? "" : "@" + revision) + (file.empty() ? "" : ":" + file);
}

bool is_repository(std::string_view name) {
  const std::size_t slash = name.find('/');
  if (slash == name.npos) return is_part(name);
  return is_part(name.substr(0, slash)) && is_part(name.substr(slash + 1));
}

bool is_inner_path(std::string_view path) {
  if (path.empty() || path.size() > 512) return false;
  for (const std::string& part : split(path, '/')) {
    if (part.empty() || part == "." || part == ".." || part.size() > 255) return false;
  }
  return std::none_of(path.begin(), path.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '\\' || c == '?' || c == '#' || c == '%';
  });
}

bool is_revision(std::string_view text) {
  if (text.size() > 200 || !is_inner_path(text) || text.front() == '-') return false;
  return std::all_of(text.begin(), text.end(), [](char c) { return is_word(c) || c == '/' || c == '+'; });
}

bool is_commit(std::string_view text) { return text.size() == 40 && std::all_of(text.begin(), text.end(), is_hex); }

bool is_etag(std::string_view text) {
  return !text.empty() && text.size() <= 128 && text.front() != '.' && std::all_of(text.begin(), text.end(), is_word);
}

std::optional<Name> parse_name(std::string_view text) {
  Name name;
  std::string_view rest = text;
  for (const std::string_view prefix : {"hf:", "hf-hub:"}) {
    if (!text.starts_with(prefix)) continue;
    name.has_prefix = true;
    rest.remove_prefix(prefix.size());
  }
  const std::string wrong = take_apart(rest, name);
  if (!wrong.empty()) {
    if (!name.has_prefix) return std::nullopt;
    throw Error(Fault::invalid, fmt::format("{}: {}; a name is hf:ORG/NAME[@REVISION][:PATH]",
                                            table::shortened(table::printable(text), 200), wrong));
  }
  const std::size_t slash = name.repository.find('/');
  if (!name.has_prefix) {
    if (slash == std::string::npos) return std::nullopt;
    if (name.repository.starts_with(torchvision)) {
      if (!name.revision.empty() || !name.file.empty()) return std::nullopt;
      name.place = Name::Place::torchvision;
    }
  }
  const std::string owner = slash == std::string::npos ? "" : name.repository.substr(0, slash);
  name.known_owner = std::find(owners.begin(), owners.end(), owner) != owners.end();
  const Entry* entry = find_entry(name.repository);
  // The hub's torchvision is not PyTorch's.
  if (entry != nullptr && entry->file.empty() == (name.place == Name::Place::hub)) {
    name.in_catalogue = true;
    name.is_default = name.repository != entry->name;
    name.repository = entry->name;
  }
  return name;
}

}  // namespace resnet::hub
