// Where a part of a photo may lie.
#pragma once

#include "lib/image/image.h"

namespace resnet::image {

// Throws Error(invalid) where the part has no pixels, or lies outside of a photo of this size.
void check_crop(Size photo, int left, int top, int width, int height);

}  // namespace resnet::image
