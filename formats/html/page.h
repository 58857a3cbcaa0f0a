// Self-contained HTML pages: nothing is fetched from anywhere, every text is escaped, tables sort by a click on their headers.
#pragma once

#include <span>
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
  // Lines as they are, such as a command: in the letters of a terminal.
  void add_preformatted(std::string_view text);
  // An SVG document as to_svg() gives it, in a frame that scrolls.
  void add_picture(std::string_view svg);
  // Several side by side, in one frame.
  void add_pictures(std::span<const std::string> svgs);

  // The whole document, the same bytes for the same contents.
  std::string render() const;

 private:
  // The names of an SVG's parts made the page's own: two pictures may have the same ones.
  std::string embedded(std::string_view svg);

  std::string title_, body_;
  int pictures_ = 0;
};

}  // namespace resnet::html
