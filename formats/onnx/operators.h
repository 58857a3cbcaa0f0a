// What is known of ONNX here, for people.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace resnet::onnx {

struct SupportedOperator {
  std::string type;
  std::int64_t since = 1, newest_read = 22;  // opsets
  std::int64_t oldest_written = 7, newest_written = 22;
};
// Sorted by type.
std::vector<SupportedOperator> supported_operators();

}  // namespace resnet::onnx
