// The network that answers where none is named: a ResNet-20 that `train` has trained on CIFAR-10, a part of this program.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace resnet::cli {

// It may be named wherever a model may.
constexpr std::string_view built_in_name = "resnet20-cifar10";

// Whether this means it: that name, where there is no file of that name.
bool is_built_in(const std::string& name);

// An ONNX file, testdata/models/resnet20-cifar10.onnx.
std::span<const std::byte> built_in_model();

}  // namespace resnet::cli
