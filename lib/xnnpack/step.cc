#include "lib/xnnpack/step.h"

#include "lib/xnnpack/site.h"

namespace resnet::xnnpack {

Step::Step(const Site& site) : node_(site.id()), output_{site.id(), 0}, dtype_(site.dtype().value_or(DType::float32)) {}

Step::~Step() = default;

void Step::stand_for(const Site& reader) {
  output_ = {reader.id(), 0};
  dtype_ = reader.dtype().value_or(dtype_);
}

}  // namespace resnet::xnnpack
