// XNNPACK's handles with owners, and its status codes as errors.
#pragma once

#include <xnnpack.h>

#include <memory>
#include <string_view>

namespace resnet::xnnpack {

struct DeleteOperator {
  void operator()(xnn_operator_t op) const { xnn_delete_operator(op); }
};
using Operator = std::unique_ptr<xnn_operator, DeleteOperator>;

// Throws Error(internal) "XNNPACK: CALL: invalid parameter" for anything but success.
void check(xnn_status status, std::string_view call);

// Initialises the library once. Throws Error(internal) where the CPU is too old for it.
void initialize();

}  // namespace resnet::xnnpack
