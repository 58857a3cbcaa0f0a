// The networks of 'Deep Residual Learning for Image Recognition' as data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace resnet::arch {

enum class Block : std::uint8_t { basic, bottleneck };
enum class Shortcut : std::uint8_t { A, B, C };
// Where a bottleneck that halves the map has its stride: in the first 1x1 (the paper) or in the 3x3 (torchvision).
enum class Variant : std::uint8_t { v1, v1_5 };

struct Spec {
  std::string name;
  Block block = Block::basic;
  std::vector<int> blocks;  // per stage conv2_x, conv3_x, ...
  Shortcut shortcut = Shortcut::B;
  Variant variant = Variant::v1_5;
  std::int64_t classes = 1000;
  std::optional<std::int64_t> batch;  // nothing: symbolic "batch"
  std::int64_t height = 224, width = 224;
  friend bool operator==(const Spec&, const Spec&) = default;
};

// resnet18, resnet34, resnet50, resnet101, resnet152; nothing for another name.
std::optional<Spec> find_spec(std::string_view name);
std::vector<std::string> names();

}  // namespace resnet::arch
