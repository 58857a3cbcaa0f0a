#include <algorithm>
#include <utility>
#include <vector>

#include "formats/onnx/ops/ops.h"

namespace resnet::onnx {

namespace {

template <typename T>
Op import_as(NodeImport& node) {
  return import_op(node, T{});
}
template <typename T>
void export_as(const Op& op, NodeExport& node) {
  export_op(get<T>(op), node);
}

// The row of an operator that a file may hold.
template <typename T>
void add_row(std::vector<OpRow>& rows) {
  if constexpr (!std::is_same_v<T, Input> && !std::is_same_v<T, Opaque>) {
    rows.push_back({T::traits.type, T::traits.since, import_as<T>, export_as<T>, T::traits.domain});
  }
}

template <std::size_t... indices>
std::vector<OpRow> make_rows(std::index_sequence<indices...>) {
  std::vector<OpRow> rows;
  (add_row<OperatorAt<indices>>(rows), ...);
  for (const auto& list : {aliases(), microsoft_aliases()}) rows.insert(rows.end(), list.begin(), list.end());
  std::sort(rows.begin(), rows.end(),
            [](const OpRow& a, const OpRow& b) { return std::pair(a.type, a.domain) < std::pair(b.type, b.domain); });
  return rows;
}

}  // namespace

std::span<const OpRow> op_table() {
  static const std::vector<OpRow> rows = make_rows(Operators::Indices());
  return rows;
}

}  // namespace resnet::onnx
