// Files that live only while something is written: names that no other program uses, and what killed processes left of them.
#pragma once

#include <filesystem>
#include <string>

namespace resnet {

// ".resnet-cli-tmp." and 16 hexadecimal digits drawn at random.
std::string temporary_name();
// Whether temporary_name() may have made it.
bool is_temporary_name(const std::string& name);

// `digits` hexadecimal digits from the system's random numbers.
std::string random_digits(std::size_t digits);

// Removes regular files of this user in `folder` that have had a temporary name for more than a day, and what version 0.1.0 left
// beside `target` (a name in that folder), which it called "TARGET.XXXXXX". Looks at a bounded number of names, and at each
// target once. Never fails.
void remove_old_temporaries(const std::filesystem::path& folder, const std::string& target);

}  // namespace resnet
