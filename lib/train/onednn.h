// The library that computes forward and backward.
#pragma once

#include "lib/base/shared_library.h"

namespace resnet::train {

// Loads oneDNN at the first call, and OpenMP's run time, whose functions are found through it. Throws Error where it cannot.
const SharedLibrary& onednn();

}  // namespace resnet::train
