#pragma once

#include <string>

namespace resnet::cli {

// Throws Error(unreadable) where JSON is nested deeper than any that this program writes: to write it again would take more stack
// than there is. What cannot be parsed is left to who parses it.
void check_nesting(const std::string& json);

}  // namespace resnet::cli
