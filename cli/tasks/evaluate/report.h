// Rows of an evaluation as text, JSON, CSV and Markdown.
#pragma once

#include <string>
#include <vector>

#include "cli/tasks/evaluate/evaluate.h"
#include "formats/table/table.h"
#include "lib/analysis/printed.h"
#include "lib/classify/classifier.h"

namespace resnet::cli {

// What the rows were asked for, as far as it is shown.
struct ReportedAs {
  Average average = Average::probability;
  std::vector<int> scales = {};
  std::size_t top_k = 5;
  bool per_class = false;      // text: also a line for each class
  bool against_paper = false;  // also what the paper prints
};

// The row of the paper for the same network, tested the same way; null where it prints none.
const analysis::PrintedRow* printed_for(const EvaluateRow& row, const ReportedAs& as);

// Text of one row is its accuracy and what is confused, of several a table. CSV has a column for each of JSON's numbers.
std::string report_of(const std::vector<EvaluateRow>& rows, table::Format format, const ReportedAs& as);

// Photos by row, true and answered class.
table::Table confusion_table(const std::vector<EvaluateRow>& rows, const ReportedAs& as);

}  // namespace resnet::cli
