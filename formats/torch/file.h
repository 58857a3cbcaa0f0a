// What a checkpoint is read from, and how its words are shown.
#pragma once

#include <string>
#include <string_view>

#include "lib/tensor/file_bytes.h"

namespace resnet::torch {

using File = FileBytes;

// A file's own words in a message: one line of at most 80 characters without control characters.
std::string shown(std::string_view text);

}  // namespace resnet::torch
