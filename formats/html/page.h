// Self-contained HTML pages: nothing is fetched from anywhere, every text is escaped, tables sort by a click on their headers.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "formats/table/table.h"

namespace resnet::html {

class Page {
 public:
  explicit Page(std::string title) : title_(std::move(title)) {}

  void add_heading(std::string_view text);
  void add_paragraph(std::string_view text);
  // Sortable; numbers are aligned to the right and grouped by thousands.
  void add_table(const table::Table& table);
  // An SVG document as to_svg() gives it, in a frame that scrolls.
  void add_picture(std::string_view svg);

  // The whole document, the same bytes for the same contents.
  std::string render() const;

 private:
  std::string title_, body_;
};

}  // namespace resnet::html
