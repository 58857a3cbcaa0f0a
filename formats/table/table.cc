#include "formats/table/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <utility>

#include "lib/base/overloaded.h"

namespace resnet::table {

namespace {

// Floats keep their own shortest form.
using Json = nlohmann::basic_json<nlohmann::ordered_map, std::vector, std::string, bool, std::int64_t, std::uint64_t, float>;

std::string number(double value, std::optional<int> decimals) {
  if (!std::isfinite(value)) return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
  return decimals ? fmt::format("{:.{}f}", value, *decimals) : fmt::format("{}", value);
}

std::string text_of(const Cell& cell, std::optional<int> decimals) {
  return std::visit(Overloaded{
                        [](std::monostate) { return std::string(); },
                        [](bool truth) { return std::string(truth ? "true" : "false"); },
                        [](std::int64_t integer) { return fmt::format("{}", integer); },
                        [&](float value) {
                          return decimals || !std::isfinite(value) ? number(static_cast<double>(value), decimals)
                                                                   : fmt::format("{}", value);
                        },
                        [&](double value) { return number(value, decimals); },
                        [](const std::string& text) { return text; },
                    },
                    cell);
}

// A double needs more digits than Json's floats hold, so each value is dumped by a type of its own.
std::string json_of(const Cell& cell) {
  return std::visit(Overloaded{
                        [](std::monostate) { return std::string("null"); },
                        [](bool truth) { return std::string(truth ? "true" : "false"); },
                        [](std::int64_t integer) { return fmt::format("{}", integer); },
                        [](float value) { return Json(value).dump(); },
                        [](double value) { return nlohmann::json(value).dump(); },
                        [](const std::string& text) { return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace); },
                    },
                    cell);
}

std::string json_object(const std::vector<Column>& columns, const std::vector<Cell>& row) {
  std::string object = "{";
  for (std::size_t i = 0; i < columns.size(); ++i) {
    object += (i > 0 ? ", " : "") + json_of(columns[i].name) + ": " + json_of(row[i]);
  }
  return object + "}";
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

// What begins a formula in a spreadsheet, and is not a number.
bool looks_like_a_formula(const std::string& text) {
  if (text.empty() || std::string_view("=+-@\t\r").find(text.front()) == std::string_view::npos) return false;
  char* end = nullptr;
  static_cast<void>(std::strtod(text.c_str(), &end));
  return *end != '\0';
}

// Text as itself: whatever Markdown or HTML would make of it has a backslash before it.
std::string markdown_field(const std::string& text) {
  const auto is_word = [&](std::size_t at) {
    return at < text.size() && (std::isalnum(static_cast<unsigned char>(text[at])) != 0 || text[at] == '_');
  };
  // Brackets alone are brackets.
  const bool links = text.find("](") != std::string::npos || text.find("][") != std::string::npos;
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    bool escape = std::string_view("\\|`*<>&~$@").find(c) != std::string_view::npos || (links && (c == '[' || c == ']'));
    // Within a word an underscore is one; a colon makes a link of what follows it.
    if (c == '_') escape = !(i > 0 && is_word(i - 1) && is_word(i + 1));
    if (c == ':') escape = text.compare(i, 3, "://") == 0;
    if (c == '.') escape = i >= 3 && text.compare(i - 3, 3, "www") == 0;
    if (escape) result += '\\';
    result += c;
  }
  return result;
}

std::string without_trailing_spaces(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

using Rows = std::vector<std::vector<Cell>>;

std::string csv(const std::vector<Column>& columns, const Rows& rows) {
  std::vector<Cell> header;
  for (const Column& column : columns) header.emplace_back(column.name);
  std::string result = csv_line(header);
  for (const auto& row : rows) {
    std::vector<Cell> cells = row;
    // Paths are read back: they stay as they are.
    for (std::size_t c = 0; c < cells.size(); ++c) {
      if (columns[c].name == "input") continue;
      if (const auto* text = std::get_if<std::string>(&cells[c])) cells[c] = printable(*text);
      cells[c] = without_formula(cells[c]);
    }
    result += csv_line(cells);
  }
  return result;
}

// The line between the header and the rows.
std::string ruler(const std::vector<Column>& columns, const std::vector<std::size_t>& widths, bool markdown) {
  std::string line;
  for (std::size_t c = 0; c < columns.size(); ++c) {
    if (!markdown) {
      line += (c > 0 ? "  " : "") + std::string(widths[c], '-');
      continue;
    }
    const bool right = columns[c].align == Align::right;
    line += (c == 0 ? "| " : " | ") + std::string(widths[c] - (right ? 1 : 0), '-') + (right ? ":" : "");
  }
  return line + (markdown ? " |\n" : "\n");
}

// As text or as Markdown, each column as wide as its widest cell.
std::string aligned(const std::vector<Column>& columns, const Rows& rows, bool markdown) {
  const auto show = [markdown](const std::string& text) { return markdown ? markdown_field(printable(text)) : printable(text); };
  // A cell that is longer runs over: all others would be filled up to it.
  constexpr std::size_t widest = 200;
  std::vector<std::size_t> widths;
  std::vector<std::vector<std::string>> lines(rows.size() + 1);
  for (std::size_t c = 0; c < columns.size(); ++c) {
    lines[0].push_back(show(columns[c].name));
    std::size_t width = std::max<std::size_t>(display_width(lines[0].back()), markdown ? 3 : 0);
    for (std::size_t r = 0; r < rows.size(); ++r) {
      lines[r + 1].push_back(show(text_of(rows[r][c], columns[c].decimals)));
      width = std::max(width, std::min(widest, display_width(lines[r + 1].back())));
    }
    widths.push_back(width);
  }
  std::string result;
  for (std::size_t r = 0; r < lines.size(); ++r) {
    std::string line;
    for (std::size_t c = 0; c < columns.size(); ++c) {
      if (markdown) line += c == 0 ? "| " : " | ";
      if (!markdown && c > 0) line += "  ";
      line += pad(lines[r][c], widths[c], columns[c].align);
    }
    result += (markdown ? line + " |" : without_trailing_spaces(line)) + "\n";
    if (r == 0) result += ruler(columns, widths, markdown);
  }
  return result;
}

}  // namespace

void Table::add(std::vector<Cell> row) {
  assert(row.size() == columns_.size());
  rows_.push_back(std::move(row));
}

std::string Table::render(Format format) const {
  std::string result;
  switch (format) {
    case Format::json: {
      result = "[";
      for (std::size_t i = 0; i < rows_.size(); ++i) result += (i > 0 ? ",\n " : "\n ") + json_object(columns_, rows_[i]);
      return result + (rows_.empty() ? "]\n" : "\n]\n");
    }
    case Format::jsonl:
      for (const auto& row : rows_) result += json_object(columns_, row) + "\n";
      return result;
    case Format::csv: return csv(columns_, rows_);
    case Format::text: return aligned(columns_, rows_, false);
    case Format::markdown: return aligned(columns_, rows_, true);
  }
  __builtin_unreachable();
}

Cell without_formula(const Cell& cell) {
  const auto* text = std::get_if<std::string>(&cell);
  return text != nullptr && looks_like_a_formula(*text) ? Cell("'" + *text) : cell;
}

std::string csv_line(std::span<const Cell> cells) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) line += (i > 0 ? "," : "") + csv_field(to_string(cells[i]));
  return line + "\n";
}

std::string to_string(const Cell& cell) { return text_of(cell, std::nullopt); }

}  // namespace resnet::table
