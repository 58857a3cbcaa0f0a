#include "lib/analysis/printed.h"

#include <fmt/format.h>

#include <array>

namespace resnet::analysis {

namespace {

constexpr std::optional<PrintedError> none = std::nullopt;
constexpr PrintedError one(double error) { return {error, 1}; }
using enum Testing;

constexpr auto rows = std::to_array<PrintedRow>({
    {2, "plain, 18 layers", ten, 27.94, none, "plain18"},
    {2, "plain, 34 layers", ten, 28.54, none, "plain34"},
    {2, "ResNet, 18 layers", ten, 27.88, none, "resnet18", "A"},
    {2, "ResNet, 34 layers", ten, 25.03, none, "resnet34", "A"},
    {3, "VGG-16", ten, 28.07, 9.33, "vgg16"},
    {3, "GoogLeNet", ten, none, 9.15},
    {3, "PReLU-net", ten, 24.27, 7.38},
    {3, "plain-34", ten, 28.54, 10.02, "plain34"},
    {3, "ResNet-34 A", ten, 25.03, 7.76, "resnet34", "A"},
    {3, "ResNet-34 B", ten, 24.52, 7.46, "resnet34", "B"},
    {3, "ResNet-34 C", ten, 24.19, 7.40, "resnet34", "C"},
    {3, "ResNet-50", ten, 22.85, 6.71, "resnet50", "B"},
    {3, "ResNet-101", ten, 21.75, 6.05, "resnet101", "B"},
    {3, "ResNet-152", ten, 21.43, 5.71, "resnet152", "B"},
    {4, "VGG (ILSVRC'14)", full, none, 8.43, {}, {}, 0, {}, "on the test set"},
    {4, "GoogLeNet (ILSVRC'14)", full, none, 7.89},
    {4, "VGG (v5)", full, one(24.4), one(7.1)},
    {4, "PReLU-net", full, 21.59, 5.71},
    {4, "BN-inception", full, 21.99, 5.81},
    {4, "ResNet-34 B", full, 21.84, 5.71, "resnet34", "B"},
    {4, "ResNet-34 C", full, 21.53, 5.60, "resnet34", "C"},
    {4, "ResNet-50", full, 20.74, 5.25, "resnet50", "B"},
    {4, "ResNet-101", full, 19.87, 4.60, "resnet101", "B"},
    {4, "ResNet-152", full, 19.38, 4.49, "resnet152", "B"},
    {5, "VGG (ILSVRC'14)", ensemble, none, 7.32},
    {5, "GoogLeNet (ILSVRC'14)", ensemble, none, 6.66},
    {5, "VGG (v5)", ensemble, none, one(6.8)},
    {5, "PReLU-net", ensemble, none, 4.94},
    {5, "BN-inception", ensemble, none, 4.82},
    {5, "ResNet (ILSVRC'15)", ensemble, none, 3.57, "ensemble", {}, 0, {}, "six nets, two of them of 152 layers"},
    {6, "Maxout", center, 9.38, none},
    {6, "NIN", center, 8.81, none},
    {6, "DSN", center, 8.22, none},
    {6, "FitNet", center, 8.39, none, {}, {}, 19, "2.5M"},
    {6, "Highway", center, 7.54, none, {}, {}, 19, "2.3M", "best of five; mean 7.72 +- 0.16"},
    {6, "Highway", center, 8.80, none, {}, {}, 32, "1.25M"},
    {6, "ResNet", center, 8.75, none, "resnet20", "A", 20, "0.27M"},
    {6, "ResNet", center, 7.51, none, "resnet32", "A", 32, "0.46M"},
    {6, "ResNet", center, 7.17, none, "resnet44", "A", 44, "0.66M"},
    {6, "ResNet", center, 6.97, none, "resnet56", "A", 56, "0.85M"},
    {6, "ResNet", center, 6.43, none, "resnet110", "A", 110, "1.7M", "best of five; mean 6.61 +- 0.16"},
    {6, "ResNet", center, 7.93, none, "resnet1202", "A", 1202, "19.4M"},
    {0, "ResNet-50", center, one(24.7), one(7.8), "resnet50", "B"},
    {0, "ResNet-101", center, one(23.6), one(7.1), "resnet101", "B"},
    {0, "ResNet-152", center, one(23.0), one(6.7), "resnet152", "B"},
});

}  // namespace

std::optional<Testing> testing_of(std::string_view crop, std::int64_t networks) {
  if (crop == fmt::format("full at {}", full_scales)) return networks > 1 ? ensemble : full;
  if (networks > 1) return std::nullopt;
  if (crop == "ten") return ten;
  return crop == "center" ? std::optional(center) : std::nullopt;
}

std::string to_string(const PrintedError& error) { return fmt::format("{:.{}f}", error.value, error.decimals); }

std::span<const PrintedRow> printed_rows() { return rows; }

std::string_view title_of_table(int table) {
  switch (table) {
    case 2: return "top-1 error on ImageNet validation, 10-crop";
    case 3: return "error on ImageNet validation, 10-crop";
    case 4: return "error of single models on ImageNet validation, fully convolutional at five scales";
    case 5: return "top-5 error of ensembles on ImageNet's test set";
    case 6: return "error on CIFAR-10's test set";
    default: return "error of the authors' published models on ImageNet validation, centre crop";
  }
}

const PrintedRow* find_printed(std::string_view network, std::string_view shortcut, Testing testing) {
  const PrintedRow* found = nullptr;
  if (network.empty()) return found;
  for (const PrintedRow& row : rows) {
    if (row.network == network && row.shortcut == shortcut && row.testing == testing) found = &row;
  }
  return found;
}

}  // namespace resnet::analysis
