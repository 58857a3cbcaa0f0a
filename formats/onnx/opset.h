// The range of ONNX that is known: here and nowhere else.
#pragma once

#include <cstdint>

namespace resnet::onnx {

// Versions of ONNX's own set of operators.
inline constexpr std::int64_t newest_opset = 25;  // that is read as it is meant, and written
// The newest one that the ONNX library which is built in describes; version_check.cc has what changed after it.
inline constexpr std::int64_t newest_described_opset = 22;
inline constexpr std::int64_t oldest_written_opset = 7;
// Softmax works along one axis since the next one; the older meaning can only be written up to here.
inline constexpr std::int64_t newest_opset_with_old_softmax = 12;

inline constexpr std::int64_t newest_ir_version = 13;

}  // namespace resnet::onnx
