// Table 1 of the paper: the five nets, what they cost by its blocks, and the row of FLOPs that it prints.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace resnet::analysis {

// A row of Table 1 for one net.
struct TableStage {
  std::string_view name;  // conv1, conv2_x, ... conv5_x, fc
  std::int64_t size;      // of its output map, pixels a side; 1 for fc
  std::int64_t channels;  // of its 3x3 convolutions
  int blocks;             // 0 for conv1 and fc
};

// A column of Table 1.
struct TableNet {
  int depth;
  bool bottleneck;
  std::int64_t flops_in_tenths_of_billions;  // the last row: 18 for 1.8 x 10^9; the paper's FLOPs are multiply-adds
  std::vector<TableStage> stages;
};
std::span<const TableNet> table1();

// Where a bottleneck that halves the map has its stride.
enum class StridePlace : std::uint8_t { first_1x1, the_3x3 };

// Multiply-adds per stage (in the order of table1()'s stages) at 224x224 by closed formula from the blocks, with projections
// where the size changes (option B). Nothing of the graph or its counter takes part.
std::vector<std::int64_t> multiply_adds(const TableNet& net, StridePlace stride);

// The rule that takes the paper's five nets and refuses v1.5 at 50, 101 and 152: |count - printed| < 0.1 x 10^9. (No rounding
// rule gives all five printed figures.)
bool matches_printed(const TableNet& net, std::int64_t count);

}  // namespace resnet::analysis
