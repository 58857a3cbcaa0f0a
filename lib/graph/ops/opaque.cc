#include "lib/graph/ops/opaque.h"

namespace resnet {

std::vector<Fact> infer(const Opaque&, const Facts&, std::size_t outputs) { return std::vector<Fact>(outputs, Fact::unknown()); }

}  // namespace resnet
