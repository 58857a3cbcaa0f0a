// What Highway's headers call in its library: what this processor can do, and which of it is used. The meaning is Highway's; its
// library is not linked, because it measures a timer for some four milliseconds at every start.
#include <hwy/targets.h>

#include <atomic>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#if HWY_ARCH_X86
#include <cpuid.h>
#endif

namespace {

#if HWY_ARCH_X86
constexpr unsigned bit(int position) { return 1U << position; }

bool has(unsigned word, unsigned bits) { return (word & bits) == bits; }

// Which registers the operating system saves: bits of XCR0.
unsigned saved_registers() {
  unsigned low = 0, high = 0;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

std::int64_t detect() {
  std::int64_t targets = HWY_ENABLED_BASELINE | HWY_EMU128 | HWY_SCALAR;
  unsigned a = 0, b = 0, c = 0, d = 0, b7 = 0, c7 = 0, c81 = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0) return targets;
  const unsigned c1 = c, d1 = d;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) != 0) b7 = b, c7 = c;
  if (__get_cpuid(0x80000001, &a, &b, &c, &d) != 0) c81 = c;
  // SSE, SSE2; SSE3, SSSE3; then SSE4.1, SSE4.2, PCLMULQDQ, AES.
  if (!has(d1, bit(25) | bit(26)) || !has(c1, bit(0) | bit(9))) return targets;
  targets |= HWY_SSSE3;
  if (!has(c1, bit(19) | bit(20) | bit(1) | bit(25))) return targets;
  targets |= HWY_SSE4;
  // OSXSAVE, and the halves of YMM; AVX, FMA, F16C; LZCNT; BMI, AVX2, BMI2.
  constexpr unsigned xmm_ymm = bit(1) | bit(2), zmm = bit(5) | bit(6) | bit(7);
  if (!has(c1, bit(27)) || !has(saved_registers(), xmm_ymm)) return targets;
  if (!has(c1, bit(28) | bit(12) | bit(29)) || !has(c81, bit(5)) || !has(b7, bit(3) | bit(5) | bit(8))) return targets;
  targets |= HWY_AVX2;
  // ZMM and its masks; AVX512F, DQ, BW, VL.
  if (!has(saved_registers(), zmm) || !has(b7, bit(16) | bit(17) | bit(30) | bit(31))) return targets;
  targets |= HWY_AVX3;
  // VBMI, VBMI2, VAES, VPCLMULQDQ, VNNI, BITALG, VPOPCNTDQ.
  if (has(c7, bit(1) | bit(6) | bit(9) | bit(10) | bit(11) | bit(12) | bit(14))) targets |= HWY_AVX3_DL;
  return targets;
}
#else
// What the compiler takes for granted.
std::int64_t detect() { return HWY_ENABLED_BASELINE | HWY_EMU128 | HWY_SCALAR; }
#endif

std::atomic<std::int64_t> disabled_targets = 0, targets_for_test = 0;

}  // namespace

namespace hwy {

HWY_DLLEXPORT std::int64_t SupportedTargets() {
  static const std::int64_t detected = detect();
  const std::int64_t given = targets_for_test;
  const std::int64_t targets = (given != 0 ? given : detected) & ~disabled_targets;
  return targets == 0 ? HWY_STATIC_TARGET : targets;
}

HWY_DLLEXPORT void DisableTargets(std::int64_t targets) {
  // The baseline is always there.
  disabled_targets = targets & ~HWY_ENABLED_BASELINE;
  GetChosenTarget().DeInit();
}

HWY_DLLEXPORT void SetSupportedTargetsForTest(std::int64_t targets) {
  targets_for_test = targets;
  GetChosenTarget().DeInit();
}

HWY_DLLEXPORT ChosenTarget& GetChosenTarget() {
  static ChosenTarget chosen;
  return chosen;
}

HWY_DLLEXPORT HWY_NORETURN void HWY_FORMAT(3, 4) Abort(const char* file, int line, const char* format, ...) {
  std::va_list arguments;
  va_start(arguments, format);
  std::fprintf(stderr, "%s:%d: ", file, line);
  std::vfprintf(stderr, format, arguments);
  va_end(arguments);
  std::abort();
}

}  // namespace hwy
