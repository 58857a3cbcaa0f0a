// Every finding about an ONNX file at once, on the ModelProto itself, so that a broken file is examined too.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lib/model/model.h"

namespace resnet::onnx {

struct Finding {
  enum class Level : std::uint8_t { note, warning, error };
  Level level = Level::error;
  std::string rule;     // short and stable: "dangling-input", "bias-length", ...
  std::string node;     // the node's name (or its first output's); empty where the finding is about the file
  std::string message;  // what was found, and what was expected
};

struct Examined {
  std::vector<std::string> data_files;  // the names of its files of external data, whether or not they can be read
  std::optional<Model> model;           // where it can be read
};

// Throws nothing for what a file can hold; throws Error(unreadable) only where the file cannot be opened at all. Rules:
// file, ir-version, opset, onnx-checker, graph, duplicate-value, duplicate-node, unknown-operator, dangling-input, order, cycle,
// unused-initializer, unused-node, initializer-size, input-shape, labels, metadata, non-finite, bias-length, negative-variance,
// add-shapes, shape-mismatch, quantization-scale, quantization-saturated, quantization-axis, quantization-bias, import.
// `examined`: what was found on the way, where it is wanted.
std::vector<Finding> lint(const std::filesystem::path& file, Examined* examined = nullptr);
std::vector<Finding> lint(std::span<const std::byte> bytes, const std::string& name, const std::filesystem::path& folder,
                          Examined* examined = nullptr);

}  // namespace resnet::onnx
