// How much of the processor oneDNN uses.
#pragma once

#include <string_view>

namespace resnet::train {

// Nothing better than `set`, as kernels::name_of() has it; what it does not know changes nothing. oneDNN knows nothing less than
// sse4. Called before the first layer is made.
void cap_instruction_set(std::string_view set);

}  // namespace resnet::train
