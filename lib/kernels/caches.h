// What this machine's caches hold: how work is cut, and never what comes out of it.
#pragma once

#include <cstdint>

namespace resnet::kernels {

// Of one core, in bytes; a usual size where the system does not say.
std::int64_t second_level_cache();

}  // namespace resnet::kernels
