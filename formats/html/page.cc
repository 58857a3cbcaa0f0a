#include "formats/html/page.h"

#include <fmt/format.h>

#include <algorithm>

#include "formats/table/text.h"

namespace resnet::html {

namespace {

constexpr std::string_view narrow_space = "\xe2\x80\xaf";
constexpr std::size_t longest_line = 60;  // characters of a cell before it may have several lines

constexpr std::string_view style = R"(
:root { color-scheme: light dark; --text: #222; --ground: #fff; --head: #f0f2f4; --line: #d5d9de; --hover: #eef5ff; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6e6e6; --ground: #16181b; --head: #24282d; --line: #3a4047; --hover: #1d2a3a; }
}
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 78rem; padding: 0 1rem;
  color: var(--text); background: var(--ground); overflow-wrap: break-word; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
.scroll { overflow: auto; max-height: 80vh; border: 1px solid var(--line); border-radius: 6px; }
pre { overflow: auto; padding: .5rem .6rem; background: var(--head); border-radius: 6px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; border-bottom: 1px solid var(--line); text-align: left; white-space: nowrap; }
th { position: sticky; top: 0; background: var(--head); cursor: pointer; user-select: none; }
th[aria-sort=ascending]::after { content: ' \25B2'; } th[aria-sort=descending]::after { content: ' \25BC'; }
td.n, th.n { text-align: right; } td.w { white-space: normal; min-width: 18rem; overflow-wrap: anywhere; }
tr:hover td { background: var(--hover); }
.row { display: flex; gap: 1rem; align-items: flex-start; background: #fff; color: #222; width: max-content; min-width: 100%; }
svg { display: block; margin: 0 auto; flex: none; background: #fff; }
@media (max-width: 40rem) { body { margin: 1rem auto; padding: 0 .6rem; } th, td { padding: .2rem .4rem; } }
)";

// Sorts by the column whose header was clicked: numbers by value, texts as people order them; a second click turns it about.
constexpr std::string_view script = R"(
for (const table of document.querySelectorAll('table')) {
  const headers = [...table.tHead.rows[0].cells];
  headers.forEach((header, column) => header.addEventListener('click', () => {
    const down = header.getAttribute('aria-sort') === 'ascending';
    headers.forEach(other => other.removeAttribute('aria-sort'));
    header.setAttribute('aria-sort', down ? 'descending' : 'ascending');
    const value = row => row.cells[column].dataset.v ?? row.cells[column].textContent;
    const numeric = header.classList.contains('n');
    const order = (a, b) => numeric ? (Number(value(a)) || 0) - (Number(value(b)) || 0)
                                    : value(a).localeCompare(value(b), undefined, {numeric: true});
    const rows = [...table.tBodies[0].rows].sort((a, b) => down ? order(b, a) : order(a, b));
    table.tBodies[0].append(...rows);
  }));
}
)";

bool is_number(const table::Cell& cell) {
  return std::holds_alternative<std::int64_t>(cell) || std::holds_alternative<float>(cell) ||
         std::holds_alternative<double>(cell);
}

std::string cell_text(const table::Cell& cell, const table::Column& column) {
  if (const auto* number = std::get_if<std::int64_t>(&cell)) return table::group_digits(*number, narrow_space);
  if (column.decimals) {
    if (const auto* value = std::get_if<double>(&cell)) return fmt::format("{:.{}f}", *value, *column.decimals);
    if (const auto* value = std::get_if<float>(&cell)) return fmt::format("{:.{}f}", *value, *column.decimals);
  }
  return table::escape_markup(table::to_string(cell));
}

}  // namespace

void Page::add_heading(std::string_view text) { body_ += fmt::format("<h2>{}</h2>\n", table::escape_markup(text)); }

void Page::add_paragraph(std::string_view text) { body_ += fmt::format("<p>{}</p>\n", table::escape_markup(text)); }

void Page::add_table(const table::Table& table) {
  body_ += "<div class=\"scroll\" tabindex=\"0\"><table><thead><tr>";
  for (const table::Column& column : table.columns()) {
    body_ += fmt::format("<th{}>{}</th>", column.align == table::Align::right ? " class=\"n\"" : "",
                         table::escape_markup(column.name));
  }
  body_ += "</tr></thead>\n<tbody>\n";
  for (const auto& row : table.rows()) {
    body_ += "<tr>";
    for (std::size_t i = 0; i < row.size(); ++i) {
      const table::Column& column = table.columns()[i];
      const auto* text = std::get_if<std::string>(&row[i]);
      const bool right = column.align == table::Align::right, wraps = text != nullptr && text->size() > longest_line;
      body_ += right ? "<td class=\"n\"" : wraps ? "<td class=\"w\"" : "<td";
      if (is_number(row[i])) body_ += fmt::format(" data-v=\"{}\"", table::escape_markup(table::to_string(row[i])));
      body_ += fmt::format(">{}</td>", cell_text(row[i], column));
    }
    body_ += "</tr>\n";
  }
  body_ += "</tbody></table></div>\n";
}

void Page::add_preformatted(std::string_view text) {
  std::string lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    lines += (lines.empty() ? "" : "\n") + table::escape_markup(text.substr(begin, end - begin));
    begin = end + 1;
  }
  body_ += fmt::format("<pre tabindex=\"0\">{}</pre>\n", lines);
}

std::string Page::embedded(std::string_view svg) {
  // Without the XML declaration and the document type before it.
  if (const std::size_t begin = svg.find("<svg"); begin != std::string_view::npos) svg.remove_prefix(begin);
  std::string text(svg);
  const std::string prefix = fmt::format("id=\"p{}-", ++pictures_);
  for (std::size_t at = text.find(" id=\""); at != std::string::npos; at = text.find(" id=\"", at + prefix.size()))
    text.replace(at + 1, 4, prefix);
  return text;
}

void Page::add_picture(std::string_view svg) {
  body_ += fmt::format("<div class=\"scroll\" tabindex=\"0\">{}</div>\n", embedded(svg));
}

void Page::add_pictures(std::span<const std::string> svgs) {
  body_ += "<div class=\"scroll\" tabindex=\"0\"><div class=\"row\">";
  for (const std::string& svg : svgs) body_ += embedded(svg);
  body_ += "</div></div>\n";
}

std::string Page::render() const {
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<link rel=\"icon\" href=\"data:,\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, "
      "initial-scale=1\">\n<title>{0}</title>\n<style>{1}</style>\n</head>\n"
      "<body>\n<main>\n<h1>{0}</h1>\n{2}</main>\n<script>{3}</script>\n</body>\n</html>\n",
      table::escape_markup(title_), style, body_, script);
}

}  // namespace resnet::html
