#include <algorithm>

#include "lib/kernels/bytes.h"

namespace resnet::kernels {

void look_up(const std::uint8_t* table, const std::uint8_t* x, std::uint8_t* y, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) y[i] = table[x[i]];
}

void look_up(const std::uint8_t* tables, std::size_t channels, std::size_t inner, const std::uint8_t* x, std::uint8_t* y,
             std::size_t begin, std::size_t end) {
  const std::size_t period = channels * inner;
  for (std::size_t i = begin; i < end;) {
    const std::size_t at = i % period;
    if (inner == 1) {  // what is left of the pixel
      const std::uint8_t* table = tables + at * 256;
      for (const std::size_t stop = std::min(end, i + (channels - at)); i < stop; ++i, table += 256) y[i] = table[x[i]];
    } else {  // what is left of the channel
      const std::size_t count = std::min(inner - at % inner, end - i);
      look_up(tables + at / inner * 256, x + i, y + i, count);
      i += count;
    }
  }
}

}  // namespace resnet::kernels
