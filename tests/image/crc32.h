// CRC-32 of pixels, as the figures in testdata/images/formats have it, and the rows of those files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace resnet::test {

// As zlib's: the CRC of what came before is 0 at the start.
std::uint32_t crc32(std::span<const std::uint8_t> bytes, std::uint32_t before = 0);
// Eight hexadecimal digits.
std::string hexadecimal(std::uint32_t value);

// The fields of a file without quotes; a file that is not there has no rows.
std::vector<std::vector<std::string>> read_csv(const std::filesystem::path& file);

}  // namespace resnet::test
