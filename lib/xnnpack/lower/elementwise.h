// Element by element, on whatever layout there is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "lib/xnnpack/emitter.h"
#include "lib/xnnpack/site.h"
#include "lib/xnnpack/step.h"

namespace resnet::xnnpack {

constexpr std::size_t loop_grain = 16384;  // elements of one part of a loop: 64 KiB of float32

// Of an elementwise node: a chain of lib/kernels, which absorbs the elementwise nodes after it; else by_element() where there is
// one operand, and null where there are more.
std::unique_ptr<Step> elementwise(const Site& site);

// Of a node whose first operand alone has more than one element, by lib/reference.
std::unique_ptr<Step> by_element(const Site& site);

// In which layout an input of the graph is wanted that may be a photo: what is normalized or quantized goes to a convolution.
Layout layout_of_photo(const Fact& source);

// The axes of an operand as if it had `rank` of them: those that it lacks, of one element each, come first.
std::vector<std::int64_t> full_dims(const Shape& shape, std::size_t rank);

}  // namespace resnet::xnnpack
