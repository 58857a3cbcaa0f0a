// Table 1 of the paper: as it is printed, and checked against what the networks cost.
#pragma once

#include <string>
#include <vector>

#include "cli/tasks/inspect/inspection.h"
#include "formats/table/table.h"
#include "lib/arch/spec.h"

namespace resnet::cli {

// Stages as rows, the five nets as columns, blocks as the paper draws them, FLOPs in the last rows: the printed figure and the
// exact multiply-adds. Of `variant`.
table::Table paper_table(arch::Variant variant, bool one_line_cells);

struct PaperCheck {
  std::string net, stage;  // "total" for the net's sum
  std::int64_t counted = 0, expected = 0;
  std::string expected_by;  // "closed formula", or the figure of Table 1
  bool passed = false;
};
// The five nets: multiply-adds of each stage as the graph counts them against those of Table 1's blocks by closed formula (v1,
// the paper's), and the sum against the printed row of FLOPs.
std::vector<PaperCheck> check_paper(arch::Variant variant);
// One network, whatever it is: its stages and their sum against the column of Table 1 with as many blocks of its kind. None where
// Table 1 has no such column.
std::vector<PaperCheck> check_paper(const Inspection& inspection);

}  // namespace resnet::cli
