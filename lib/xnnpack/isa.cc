#include "lib/xnnpack/isa.h"

#include <cpuinfo.h>

#include <initializer_list>

#include "lib/kernels/isa.h"

namespace resnet::xnnpack {

// XNNPACK asks cpuinfo, whose answers are one public record; so there is no need for a patch.
void limit_instruction_set() {
#if CPUINFO_ARCH_X86 || CPUINFO_ARCH_X86_64
  using kernels::InstructionSet;
  if (!cpuinfo_initialize()) return;  // xnn_initialize() says so
  // Zen of 2017 alone has kernels for AVX2 that sum in another order.
  auto* core = const_cast<cpuinfo_core*>(cpuinfo_get_core(0));
  if (core->uarch == cpuinfo_uarch_zen || core->uarch == cpuinfo_uarch_dhyana) core->uarch = cpuinfo_uarch_unknown;

  const auto cap = kernels::instruction_set_cap();
  if (!cap) return;
  const auto forget = [](std::initializer_list<bool*> features) {
    for (bool* feature : features) *feature = false;
  };
  cpuinfo_x86_isa& isa = cpuinfo_isa;
  // What comes beside each set on some machines only.
  forget({&isa.avxvnni, &isa.avx512vbmi, &isa.avx512vbmi2, &isa.avx512vnni, &isa.avx512bf16, &isa.avx512fp16, &isa.avx10_1,
          &isa.avx10_2, &isa.amx_bf16, &isa.amx_tile, &isa.amx_int8, &isa.amx_fp16, &isa.avx_vnni_int8, &isa.avx_vnni_int16,
          &isa.avx_ne_convert, &isa.gfni, &isa.xop, &isa.fma4});
  if (*cap == InstructionSet::avx512) return;
  forget({&isa.avx512f, &isa.avx512cd, &isa.avx512dq, &isa.avx512bw, &isa.avx512vl});
  if (*cap == InstructionSet::avx2) return;
  forget({&isa.avx, &isa.f16c, &isa.fma3, &isa.avx2});
  if (*cap == InstructionSet::sse4) return;
  forget({&isa.ssse3, &isa.sse4_1, &isa.sse4_2});
#endif
}

}  // namespace resnet::xnnpack
