#include "formats/native/header.h"

#include <xxhash.h>

#include <cstring>

namespace resnet::native {

namespace {

template <typename Integer>
void put(std::span<std::byte> bytes, std::size_t at, Integer value) {
  for (std::size_t i = 0; i < sizeof(Integer); ++i) bytes[at + i] = static_cast<std::byte>(value >> (8 * i) & 0xff);
}

template <typename Integer>
Integer get(std::span<const std::byte> bytes, std::size_t at) {
  Integer value = 0;
  for (std::size_t i = 0; i < sizeof(Integer); ++i) value |= static_cast<Integer>(static_cast<Integer>(bytes[at + i]) << (8 * i));
  return value;
}

}  // namespace

std::array<std::byte, header_size> Header::to_bytes(std::string_view file_magic) const {
  std::array<std::byte, header_size> bytes{};
  std::memcpy(bytes.data(), file_magic.data(), file_magic.size());
  put(bytes, 8, version);
  put(bytes, 12, static_cast<std::uint32_t>(header_size));
  put(bytes, 16, graph_offset);
  put(bytes, 24, graph_size);
  put(bytes, 32, weights_offset);
  put(bytes, 40, weights_size);
  put(bytes, 48, file_size);
  put(bytes, checksum_offset, checksum);
  return bytes;
}

Header Header::from_bytes(std::span<const std::byte> bytes) {
  Header header;
  header.version = get<std::uint32_t>(bytes, 8);
  header.graph_offset = get<std::uint64_t>(bytes, 16);
  header.graph_size = get<std::uint64_t>(bytes, 24);
  header.weights_offset = get<std::uint64_t>(bytes, 32);
  header.weights_size = get<std::uint64_t>(bytes, 40);
  header.file_size = get<std::uint64_t>(bytes, 48);
  header.checksum = get<std::uint64_t>(bytes, checksum_offset);
  return header;
}

std::uint64_t prepared_checksum(std::span<const std::byte> header, std::span<const std::byte> message) {
  return XXH3_64bits_withSeed(message.data(), message.size(), XXH3_64bits(header.data(), header.size()));
}

}  // namespace resnet::native
