#include <algorithm>

#include "lib/kernels/bytes.h"
#include "lib/kernels/isa.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace resnet::kernels {

namespace {

#if defined(__x86_64__)
bool has_byte_permutes() {
  static const bool found = __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512vbmi") != 0;
  const auto cap = instruction_set_cap();
  return found && (!cap || *cap == InstructionSet::avx512);
}

// 64 bytes at a time: the table is in four registers, of which an index's first bit says which two.
__attribute__((target("avx512f,avx512bw,avx512vbmi"))) void permute(const std::uint8_t* table, const std::uint8_t* x,
                                                                    std::uint8_t* y, std::size_t count) {
  __m512i quarters[4];
  for (int i = 0; i < 4; ++i) quarters[i] = _mm512_loadu_si512(table + 64 * i);
  for (std::size_t i = 0; i < count; i += 64) {
    const std::size_t rest = count - i;
    const __mmask64 here = rest >= 64 ? ~__mmask64{0} : (__mmask64{1} << rest) - 1;
    const __m512i at = _mm512_maskz_loadu_epi8(here, x + i);
    const __m512i low = _mm512_permutex2var_epi8(quarters[0], at, quarters[1]),
                  high = _mm512_permutex2var_epi8(quarters[2], at, quarters[3]);
    _mm512_mask_storeu_epi8(y + i, here, _mm512_mask_blend_epi8(_mm512_movepi8_mask(at), low, high));
  }
}
#endif

}  // namespace

void look_up(const std::uint8_t* table, const std::uint8_t* x, std::uint8_t* y, std::size_t count) {
#if defined(__x86_64__)
  if (has_byte_permutes()) return permute(table, x, y, count);
#endif
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
