// What decides an answer, as text for an Identity: equal where the values are, exact, and readable in an error.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "lib/arch/build.h"
#include "lib/arch/spec.h"
#include "lib/model/preprocessing.h"

namespace resnet::cli {

// "digest 0123abcd...": of a file, of what is built in.
std::string text_of_digest(std::string_view digest);
// Every field of a network that is built, its initial weights and their seed.
std::string text_of_built(const arch::Spec& spec, arch::Init init, std::uint64_t seed);
// "10 names from 'airplane' (digest ...)", "none".
std::string text_of_labels(std::span<const std::string> labels);
// Every number to its last bit; the convention's name decides nothing.
std::string text_of(const Preprocessing& preprocessing);
// "13 direct, 6 winograd F(4x4,3x3) (digest ...)": of convolutions in their order.
std::string text_of_methods(std::span<const std::string> methods);

}  // namespace resnet::cli
