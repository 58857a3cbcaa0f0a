// What both libraries' configurations say about the photo's way to the network.
#pragma once

#include <array>

#include "formats/hubconfig/field.h"
#include "lib/model/preprocessing.h"

namespace resnet::hubconfig {

// A side of the network's input, in pixels.
int read_side(const Field& field);
// The share of the resized side that a crop takes, for a crop of `side`; what is resized to is checked, too.
double read_crop_pct(const Field& field, int side);
std::array<float, 3> read_mean(const Field& field);
std::array<float, 3> read_std(const Field& field);

}  // namespace resnet::hubconfig
