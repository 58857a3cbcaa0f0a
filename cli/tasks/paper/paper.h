// The paper, whole: what its tables print beside what networks cost and did here, its figures, and the command for each.
#pragma once

#include <string>
#include <vector>

#include "cli/tasks/paper/measured.h"
#include "formats/table/table.h"

namespace resnet::cli {

// One number that the paper prints, and ours.
struct PaperFigure {
  std::string measure;  // "top-1 error", "multiply-adds"
  std::string printed;  // "25.03", "3.6x10^9"; empty where the paper prints none
  table::Cell here;     // nothing where none was measured
};

// A row of a table.
struct PaperRow {
  std::string method;   // the paper's words
  std::string network;  // its file's name in `command`, without an ending: "resnet34-A"; empty: it cannot be built here
  std::vector<PaperFigure> figures;
  std::string remark;  // of what is printed, or of what was measured: "50000 photos"
  std::string source;  // the file that says what was measured; empty: counted, or missing
  std::string command;
  // Whether there is something to measure, and no file of it.
  bool is_missing() const;
};

struct PaperTable {
  std::string name;  // "Table 3"; "Models" for the errors that were published with the models
  std::string title;
  std::vector<PaperRow> rows;
  std::string pattern;  // the command of any row, NET in place of a network; empty where they have nothing in common
  std::string note;     // what is to be said of the numbers
};

// Table 1 and the other costs that the text prints, Tables 2 to 6, the authors' models.
std::vector<PaperTable> paper_tables(const Measured& measured);

// "3 of 31 rows have results; missing: ..." with the networks of each table; several lines.
std::string missing_text(const std::vector<PaperTable>& tables);

struct PaperPicture {
  std::string name;  // "Figure 7"
  std::string title;
  std::vector<std::string> svgs;  // side by side; none where what it shows was not given
  std::string command;
};
// Figures 3 and 5 as the networks are built; 4, 6 and 7 where there are logs and responses. Throws Error(unsupported) where
// Graphviz is not installed, Error(interrupted).
std::vector<PaperPicture> paper_pictures(const Measured& measured, const TaskContext& context);
// The names, titles and commands alone, and whether there is something to draw.
struct PaperPictureLine {
  std::string name, title, command;
  bool is_missing = false;
};
std::vector<PaperPictureLine> picture_lines(const Measured& measured);

// Every table, one below the other, at most some 110 columns wide.
std::string paper_text(const std::vector<PaperTable>& tables, const std::vector<PaperPictureLine>& pictures);
// A line for each number: table, row, measure, paper, here, remark, source, command. CSV, JSON and Markdown are of this.
table::Table flat_table(const std::vector<PaperTable>& tables, const std::vector<PaperPictureLine>& pictures);
// A page of its own. Throws as paper_pictures().
std::string paper_page(const std::vector<PaperTable>& tables, const std::vector<PaperPicture>& pictures);

}  // namespace resnet::cli
