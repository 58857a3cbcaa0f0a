// The two forms of a config.json.
#pragma once

#include "formats/hubconfig/field.h"
#include "formats/hubconfig/hubconfig.h"

namespace resnet::hubconfig {

// A classifier has no more; arch::check() has the same limit.
inline constexpr std::int64_t most_classes = 10'000'000;

Configuration read_timm(const Field& file);
Configuration read_transformers(const Field& file);

}  // namespace resnet::hubconfig
