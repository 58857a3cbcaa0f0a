// What a file is that is not an ONNX model, by its bytes.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace resnet::onnx {

// By the first bytes: "is a JPEG picture, not a model"; empty where they say nothing.
std::string identify(std::string_view head);

// Why Protobuf could not parse these bytes as a ModelProto: "is truncated: ..." where a part of it is said to continue past the
// file's end, "is damaged: ..." where it starts as a model does, "is not an ONNX model" otherwise.
std::string diagnose(std::span<const std::byte> bytes);

}  // namespace resnet::onnx
