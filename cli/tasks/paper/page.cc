#include <fmt/format.h>

#include "cli/tasks/inspect/paper_table.h"
#include "cli/tasks/paper/paper.h"
#include "formats/html/page.h"

namespace resnet::cli {

namespace {

table::Cell shown(const PaperRow& row, const PaperFigure& figure) {
  if (!std::holds_alternative<std::monostate>(figure.here)) return figure.here;
  return std::string(row.network.empty() || figure.printed.empty() ? "" : "missing");
}

// Of each measure what is printed and what is here, with the row's command.
table::Table page_table(const PaperTable& paper) {
  std::vector<table::Column> columns = {{"method", table::Align::left, {}}};
  for (const PaperFigure& figure : paper.rows.front().figures) {
    columns.push_back({figure.measure, table::Align::right, {}});
    columns.push_back({"here", table::Align::right, 2});
  }
  for (const char* name : {"remark", "from", "command"}) columns.push_back({name, table::Align::left, {}});
  table::Table table(std::move(columns));
  for (const PaperRow& row : paper.rows) {
    std::vector<table::Cell> cells = {row.method};
    for (const PaperFigure& figure : row.figures) {
      cells.emplace_back(figure.printed);
      cells.push_back(shown(row, figure));
    }
    for (const std::string& text : {row.remark, row.source, row.command}) cells.emplace_back(text);
    table.add(std::move(cells));
  }
  return table;
}

}  // namespace

std::string paper_page(const std::vector<PaperTable>& tables, const std::vector<PaperPicture>& pictures) {
  html::Page page("Deep Residual Learning for Image Recognition");
  page.add_paragraph(
      "What the paper (He et al. 2015, arXiv:1512.03385) prints, what was counted and measured here, and the command for each "
      "row. "
      "Errors are in per cent.");
  page.add_preformatted(missing_text(tables));
  for (const PaperTable& table : tables) {
    page.add_heading(fmt::format("{}: {}", table.name, table.title));
    if (table.name == "Table 1") page.add_table(paper_table(arch::Variant::v1, true));
    if (!table.note.empty()) page.add_paragraph(table.note);
    page.add_table(page_table(table));
  }
  for (const PaperPicture& picture : pictures) {
    page.add_heading(fmt::format("{}: {}", picture.name, picture.title));
    if (picture.svgs.empty()) page.add_paragraph("Missing: no file that it could be drawn from was given.");
    if (!picture.svgs.empty()) page.add_pictures(picture.svgs);
    page.add_preformatted(picture.command);
  }
  return page.render();
}

}  // namespace resnet::cli
