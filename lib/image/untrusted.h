// What the readers of our own share: numbers out of bytes, and the checks that come before memory is taken.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace resnet::image {

// Throws Error(Role::input) "NAME: WHAT".
[[noreturn]] void refuse(const std::string& name, const std::string& what);

// 1 to 4 bytes, which are there.
std::uint32_t little_endian(std::span<const std::byte> bytes, std::size_t offset, std::size_t count);

// Refuses what has no pixels, or more than `max_pixels`.
void check_size(const std::string& name, std::int64_t width, std::int64_t height, std::int64_t max_pixels);

}  // namespace resnet::image
