// SHA-256 (FIPS 180-4): what others publish of their files.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/stop.h"

namespace resnet {

class Sha256 {
 public:
  void add(std::string_view bytes);
  // 64 hexadecimal digits; nothing may be added after it.
  std::string digits();

 private:
  void block(const unsigned char* bytes);

  std::array<std::uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<unsigned char, 64> pending_ = {};
  std::uint64_t size_ = 0;
};

// Of an open file, from its beginning. Throws Error(unreadable) with the system's reason alone, or Error(interrupted).
std::string sha256_of_file(int descriptor, const Stop& stop = {});

}  // namespace resnet
