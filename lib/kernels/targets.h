// The instruction sets that kernels with arrays of vectors are compiled for; to be included before Highway.
#pragma once

// Vectors whose length is only known at run time cannot be held in arrays; what lies between SSE2 and SSE4 is not worth the time.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV | HWY_SSSE3)
