#include "lib/xnnpack/handles.h"

#include <string>

#include "lib/base/error.h"
#include "lib/xnnpack/isa.h"

namespace resnet::xnnpack {

namespace {

const char* text_of(xnn_status status) {
  switch (status) {
    case xnn_status_success: return "success";
    case xnn_status_uninitialized: return "not initialised";
    case xnn_status_invalid_parameter: return "invalid parameter";
    case xnn_status_invalid_state: return "invalid state";
    case xnn_status_unsupported_parameter: return "unsupported parameter";
    case xnn_status_unsupported_hardware: return "unsupported hardware";
    case xnn_status_out_of_memory: return "out of memory";
    case xnn_status_reallocation_required: return "reallocation required";
    case xnn_status_deprecated: return "deprecated";
  }
  return "unknown status";
}

}  // namespace

void check(xnn_status status, std::string_view call) {
  if (status == xnn_status_success) return;
  if (status == xnn_status_out_of_memory) throw Error(Fault::exhausted, "not enough memory (" + std::string(call) + ")");
  throw Error(Fault::internal, "XNNPACK: " + std::string(call) + ": " + text_of(status));
}

void initialize() {
  static const xnn_status status = [] {
    limit_instruction_set();
    return xnn_initialize(nullptr);
  }();
  check(status, "xnn_initialize");
}

}  // namespace resnet::xnnpack
