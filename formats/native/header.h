// The first 64 bytes of a .resnet file, and of a prepared network's, little-endian.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace resnet::native {

// As PNG's: a byte that is not ASCII, the name, and line ends that a transfer as text would change.
inline constexpr std::string_view magic = "\x89RESNET\n";
inline constexpr std::string_view prepared_magic = "\x89RESRUN\n";
inline constexpr std::uint32_t newest_version = 1;
inline constexpr std::size_t header_size = 64, alignment = 64;
inline constexpr std::size_t tail = 128;  // zeros after the weights, which fast kernels may read

struct Header {
  std::uint32_t version = newest_version;
  std::uint64_t graph_offset = header_size, graph_size = 0;
  std::uint64_t weights_offset = 0, weights_size = 0;
  std::uint64_t file_size = 0;
  std::uint64_t checksum = 0;  // XXH3, 64 bits, of everything before it and after it

  static constexpr std::size_t checksum_offset = 56;

  std::array<std::byte, header_size> to_bytes(std::string_view file_magic) const;
  // Without a look at the values. `bytes` holds at least header_size, and the magic was checked.
  static Header from_bytes(std::span<const std::byte> bytes);
};

// Of a prepared network's header and message: its weights have checksums of their own.
std::uint64_t prepared_checksum(std::span<const std::byte> header, std::span<const std::byte> message);

}  // namespace resnet::native
