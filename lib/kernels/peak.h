// What this machine can do at most.
#pragma once

#include "lib/base/threads.h"

namespace resnet::kernels {

// Billions of floating-point operations a second (a multiply-add is two) of all the pool's threads, on numbers in registers:
// the best of a few tries of about 20 ms.
double peak_gflops(ThreadPool& pool);

// The same of operations on 8-bit integers whose products are summed in 32 bits, as integer_convolution.h computes them.
double peak_int8(ThreadPool& pool);

// Billions of bytes a second that all the pool's threads read from memory together: the best of a few passes over 256 MiB.
double memory_bandwidth(ThreadPool& pool);

}  // namespace resnet::kernels
