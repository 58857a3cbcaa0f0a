#pragma once

#include <string>

namespace resnet::cli {

// Asked by a parser of JSON at each level: true. Throws Error(unreadable) where it is nested deeper than any that this program
// writes: to write it again would take more stack than there is.
bool check_nesting(int depth);

}  // namespace resnet::cli
