// What is known of ONNX here, for people.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "formats/onnx/opset.h"

namespace resnet::onnx {

struct SupportedOperator {
  std::string type;
  std::int64_t since = 1, newest_read = newest_opset;  // opsets
  // Operators that become others as they are read are not written.
  bool is_written = true;
  std::int64_t oldest_written = oldest_written_opset, newest_written = newest_opset;
};
// Sorted by type.
std::vector<SupportedOperator> supported_operators();

}  // namespace resnet::onnx
