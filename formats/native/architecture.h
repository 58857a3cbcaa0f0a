// A file's architecture <-> Spec.
#pragma once

#include "lib/arch/spec.h"

namespace resnet::native {

class Architecture;  // the message

// Files from before a field was there give what networks were then. Throws Error(malformed) for what no network is.
arch::Spec read_architecture(const Architecture& proto);
void write_architecture(const arch::Spec& spec, Architecture& proto);

}  // namespace resnet::native
