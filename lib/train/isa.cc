#include "lib/train/isa.h"

#include <oneapi/dnnl/dnnl.hpp>

namespace resnet::train {

void cap_instruction_set(std::string_view set) {
  // A later call than the first layer is refused and changes nothing.
  if (set == "avx512") dnnl::set_max_cpu_isa(dnnl::cpu_isa::avx512_core);
  if (set == "avx2") dnnl::set_max_cpu_isa(dnnl::cpu_isa::avx2);
  if (set == "sse4" || set == "sse2") dnnl::set_max_cpu_isa(dnnl::cpu_isa::sse41);
}

}  // namespace resnet::train
