// Sizes of memory and files for people.
#pragma once

#include <cstdint>
#include <string>

namespace resnet::table {

// "512 bytes", "9.5 KiB", "192 KiB", "97.7 MiB", "1.5 GiB".
std::string size_text(std::int64_t bytes);

}  // namespace resnet::table
