// Numbers of things in texts.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace resnet {

// "1 network", "2 networks"; with `many` in place of an s: "2 classes".
inline std::string counted(std::uint64_t count, std::string_view one, std::string_view many = {}) {
  std::string text = std::to_string(count) + " ";
  text += count == 1 || many.empty() ? one : many;
  if (count != 1 && many.empty()) text += 's';
  return text;
}

}  // namespace resnet
