// What bytes are, in a word: equal words stand for equal bytes, short of an attack.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "lib/base/threads.h"

namespace resnet {

// 32 hexadecimal digits: XXH3 with 128 bits, of blocks that the pool's threads take in turn and then of what came out for each.
// Bytes in memory and in a file give the same.
std::string digest(std::span<const std::byte> bytes, ThreadPool& pool);
// Reads and does not map: a file of weights does not count as memory of the process. Throws Error(invalid_model) "FILE: ...".
std::string digest_of_file(const std::filesystem::path& file, ThreadPool& pool);

}  // namespace resnet
