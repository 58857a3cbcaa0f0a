// What bytes are, in a word: equal words stand for equal bytes, short of an attack.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "lib/base/error.h"
#include "lib/base/threads.h"

namespace resnet {

// 32 hexadecimal digits: XXH3 with 128 bits, of blocks that the pool's threads take in turn and then of what came out for each.
// Bytes in memory and in a file give the same.
std::string digest(std::span<const std::byte> bytes, ThreadPool& pool);
// The same of short text, on the caller's thread alone.
std::string digest(std::string_view text);
// XXH3 with 64 bits, for sums over many short texts.
std::uint64_t hash_of(std::string_view text);
// Reads and does not map: a file of weights does not count as memory of the process. Throws Error(malformed) "FILE: ...".
std::string digest_of_file(const std::filesystem::path& file, ThreadPool& pool, Role role = Role::model);

}  // namespace resnet
