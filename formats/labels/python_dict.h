// Lists of classes as Python prints a dict, the form in which many tutorials pass ImageNet's names on: {0: 'tench', 1:
// "goldfish"}.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace resnet::labels {

// Whether a text that begins with '{' can only be one: its first key is a number or is in single quotes, which JSON does not
// have.
bool is_python_dict(std::string_view text);

// Index and label of each entry, in the order of the text; also of {'tench': 0}. Throws Error(invalid) "NAME: line 3: ...".
std::vector<std::pair<std::uint64_t, std::string>> parse_python_dict(std::string_view text, const std::string& name);

}  // namespace resnet::labels
