// Lists of classes in YAML, as far as data sets' descriptions have them: `names:` with a list or a map, in lines or in brackets.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace resnet::labels {

// Whether a line of the text is the key `names:`, or the file's name ends as YAML's do.
bool is_yaml(std::string_view text, std::string_view name);

// Index and label of each entry, in the order of the text: what is under `names:`, else the whole text. Lists in brackets may be
// Python's, too. Throws Error(malformed) "NAME: line 3: ...".
std::vector<std::pair<std::uint64_t, std::string>> parse_yaml(std::string_view text, const std::string& name);

}  // namespace resnet::labels
