// How good the written network is beside the one in floats.
#pragma once

#include "cli/tasks/quantize/quantize.h"

namespace resnet::cli {

// Both are opened from their files and evaluated as evaluate does it; times are measured in turns. Throws Error as that does.
QuantizeResult::Check check_networks(const QuantizeRequest& request, const TaskContext& context);

}  // namespace resnet::cli
