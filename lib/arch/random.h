// Random numbers that are the same on every machine: of a key and a counter, by integer arithmetic and IEEE 754's exactly rounded
// operations alone.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace resnet::arch {

// The stream that belongs to one parameter.
std::uint64_t stream_key(std::uint64_t seed, std::string_view name);

// Element i depends on (key, i) alone. Standard normal numbers times `deviation`.
void fill_normal(std::span<float> target, std::uint64_t key, double deviation);
// Uniform in (-bound, bound).
void fill_uniform(std::span<float> target, std::uint64_t key, double bound);

}  // namespace resnet::arch
