// What Tables 2 to 6 of the paper print, and the errors that its authors published of their models.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace resnet::analysis {

// How photos were shown: the centre crop (CIFAR's pictures whole), ten crops, the fully convolutional form at the scales
// 224, 256, 384, 480 and 640, and the latter by several networks together.
constexpr std::string_view full_scales = "224,256,384,480,640";
enum class Testing : std::uint8_t { center, ten, full, ensemble };
// Of `crop` as `evaluate` writes it, "ten" or "full at 224,256": one of the paper's ways, or nothing.
std::optional<Testing> testing_of(std::string_view crop, std::int64_t networks);

// An error as it is printed: in per cent, with so many digits after the point.
struct PrintedError {
  double value = 0;
  int decimals = 2;
  constexpr PrintedError(double error, int digits = 2) : value(error), decimals(digits) {}
};
// "6.8", "8.80".
std::string to_string(const PrintedError& error);

// A row of a table; nothing where the paper prints no error.
struct PrintedRow {
  int table;                // 2 to 6; 0: published with the models (github.com/KaimingHe/deep-residual-networks)
  std::string_view method;  // the paper's words
  Testing testing;
  std::optional<PrintedError> top1, top5;
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
