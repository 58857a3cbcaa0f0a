// What Tables 2 to 6 of the paper print, and the errors that its authors published of their models.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace resnet::analysis {

// How photos were shown: the centre crop (CIFAR's pictures whole), ten crops, the fully convolutional form at the scales
// 224, 256, 384, 480 and 640, and the latter by several networks together.
constexpr std::string_view full_scales = "224,256,384,480,640";
enum class Testing : std::uint8_t { center, ten, full, ensemble };

// A row of a table. Errors are in per cent; nothing where the paper prints none.
struct PrintedRow {
  int table;                // 2 to 6; 0: published with the models (github.com/KaimingHe/deep-residual-networks)
  std::string_view method;  // the paper's words
  Testing testing;
  std::optional<double> top1, top5;
  std::string_view network = {};     // the architecture that can be built, or "ensemble"; empty: another's, or none
  std::string_view shortcut = {};    // its option, A to C; empty: a plain net
  int layers = 0;                    // of Table 6
  std::string_view parameters = {};  // of Table 6, as printed: "0.27M"
  std::string_view remark = {};
};
// In the paper's order.
std::span<const PrintedRow> printed_rows();

// "Classification error on ImageNet validation, 10-crop", of Tables 2 to 6 and of 0.
std::string_view title_of_table(int table);

// The row for a network of that option tested so; of several the last table's, none in the tables of others' data. Null for none.
const PrintedRow* find_printed(std::string_view network, std::string_view shortcut, Testing testing);

}  // namespace resnet::analysis
