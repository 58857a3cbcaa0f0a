// Text for people: safe on a terminal, measured in its columns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace resnet::table {

// Whether these bytes are UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view bytes);

// The same text on one line, with nothing that a terminal would obey: control characters as \n, \t or \x1b, bytes that are not
// UTF-8 as \xff.
std::string printable(std::string_view bytes);

// The same for text of several lines, whose ends stay.
std::string printable_lines(std::string_view bytes);

// UTF-8 text of at most `most` bytes (40 or more): of a longer one the beginning and the end, "..." between them.
std::string shortened(std::string_view text, std::size_t most);

// Terminal columns of a UTF-8 text: 2 for East Asian wide characters and emoji, 0 for combining marks.
std::size_t display_width(std::string_view text);

enum class Align { left, right };
// For text between tags and in quoted attributes of HTML and SVG; what printable() writes otherwise is written so here, too.
std::string escape_markup(std::string_view text);

// 4089184256 in groups of three digits.
std::string group_digits(std::int64_t number, std::string_view separator);

// `text` filled with spaces to `width` columns; longer text stays as it is.
std::string pad(std::string_view text, std::size_t width, Align align = Align::left);

// RFC 4648, with padding.
std::string base64(std::string_view bytes);

// In single quotes, with `quote` for each of those inside: as bash and zsh read it.
std::string single_quoted(std::string_view text, std::string_view quote = "'\\''");
// A word of a command that a user can copy: in single quotes where a shell would take it apart.
std::string for_shell(std::string_view text);

// "the nearest are 'fc', 'fc2', 'flatten'": the three of `known` that are most like it, by edits; those that hold it come first.
std::string nearest_text(std::string_view word, const std::vector<std::string>& known);

// The entry of `known` that `word` was most probably meant to be; empty where none is near.
template <typename Words>
std::string nearest(std::string_view word, const Words& known);

// Insertions, deletions, replacements and swaps of neighbours that make `b` of `a`.
std::size_t edit_distance(std::string_view a, std::string_view b);

template <typename Words>
std::string nearest(std::string_view word, const Words& known) {
  std::string best;
  std::size_t least = word.size() / 3 + 1;  // a third of the letters wrong, and one
  for (const auto& candidate : known) {
    if (const std::size_t distance = edit_distance(word, candidate); distance <= least && (best.empty() || distance < least)) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

}  // namespace resnet::table
