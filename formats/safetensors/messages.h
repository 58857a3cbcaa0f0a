// What errors say of the names that a file has.
#pragma once

#include <string>
#include <string_view>

#include "lib/base/error.h"

namespace resnet::safetensors {

// In quotes, without control characters, cut short.
std::string in_quotes(std::string_view text);
Frame tensor_frame(std::string_view name);

}  // namespace resnet::safetensors
