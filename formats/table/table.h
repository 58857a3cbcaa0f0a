// Tables: rows of typed cells, as text, JSON, CSV or Markdown.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "formats/table/text.h"
#include "lib/base/words.h"

namespace resnet::table {

// Nothing (an empty field, JSON's null), a truth, a number, or text. A float is written as the shortest text that reads back as
// the same float; what is not finite is nan, inf or -inf in text and CSV and null in JSON.
using Cell = std::variant<std::monostate, bool, std::int64_t, float, double, std::string>;

enum class Format { text, json, jsonl, csv, markdown };
constexpr auto words_of(Format) {
  return std::to_array<Word<Format>>(
      {{Format::text, "text"}, {Format::json, "json"}, {Format::jsonl, "jsonl"}, {Format::csv, "csv"}, {Format::markdown, "md"}});
}

struct Column {
  std::string name;                  // the key in JSON, the header elsewhere
  Align align = Align::left;         // in text and Markdown
  std::optional<int> decimals = {};  // of floats and doubles in text and Markdown; nothing: as many as needed
};

class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // As many cells as there are columns.
  void add(std::vector<Cell> row);
  const std::vector<Column>& columns() const { return columns_; }
  const std::vector<std::vector<Cell>>& rows() const { return rows_; }

  // Whole lines. Text and Markdown never hold control characters (see printable); text has a line under its header. JSON: an
  // array of objects; jsonl: one object a line; in both, bytes that are not UTF-8 become U+FFFD. CSV: RFC 4180 with \n, the
  // header first; text as printable() and without_formula() have it, but for the column "input".
  std::string render(Format format) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

// For CSV, which spreadsheets open: text that begins as a formula does (=, +, -, @) and is not a number, with a ' before it. What
// is read back by a program, as paths are, is not for it.
Cell without_formula(const Cell& cell);

// One line of CSV with its \n: fields with a comma, a quote, or a line's end are quoted.
std::string csv_line(std::span<const Cell> cells);

// A cell as text and CSV write it, not yet quoted.
std::string to_string(const Cell& cell);

}  // namespace resnet::table
