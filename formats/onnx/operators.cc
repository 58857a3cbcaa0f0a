#include "formats/onnx/operators.h"

#include <fmt/format.h>

#include <algorithm>

#include "formats/onnx/node_import.h"

namespace resnet::onnx {

std::vector<SupportedOperator> supported_operators() {
  std::vector<SupportedOperator> result;
  for (const OpRow& row : op_table()) {
    SupportedOperator op;
    op.type = row.domain.empty() ? std::string(row.type) : fmt::format("{}.{}", row.domain, row.type);
    op.since = row.since;
    op.is_written = row.write != nullptr;
    op.oldest_written = std::max<std::int64_t>(row.since, op.oldest_written);
    result.push_back(std::move(op));
  }
  return result;
}

}  // namespace resnet::onnx
