#include "formats/table/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <utility>
#include <vector>

namespace resnet::table {

namespace {

// One character of UTF-8 text: its code point and bytes; bytes 0 where the text does not continue with a valid one.
struct Character {
  std::uint32_t code = 0;
  std::size_t bytes = 0;
};

Character first_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  if (text.empty()) return {};
  const std::uint8_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  std::size_t bytes = 0;
  std::uint32_t code = 0, least = 0;
  if (lead >= 0xc2 && lead <= 0xdf) {
    bytes = 2, code = lead & 0x1fu, least = 0x80;
  } else if ((lead & 0xf0) == 0xe0) {
    bytes = 3, code = lead & 0x0fu, least = 0x800;
  } else if (lead >= 0xf0 && lead <= 0xf4) {
    bytes = 4, code = lead & 0x07u, least = 0x10000;
  } else {
    return {};
  }
  if (text.size() < bytes) return {};
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3fu);
  }
  if (code < least || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return {};
  return {code, bytes};
}

// Ranges after Unicode's East Asian Width (W and F) and the general category Mn, as far as labels and file names need them.
std::size_t columns_of(std::uint32_t code) {
  struct Range {
    std::uint32_t first, last;
  };
  static constexpr std::array<Range, 10> none = {{{0x0300, 0x036f},
                                                  {0x0483, 0x0489},
                                                  {0x0591, 0x05bd},
                                                  {0x064b, 0x065f},
                                                  {0x1ab0, 0x1aff},
                                                  {0x1dc0, 0x1dff},
                                                  {0x200b, 0x200f},
                                                  {0x20d0, 0x20ff},
                                                  {0xfe00, 0xfe0f},
                                                  {0xfe20, 0xfe2f}}};
  static constexpr std::array<Range, 12> wide = {{{0x1100, 0x115f},
                                                  {0x2e80, 0x303e},
                                                  {0x3041, 0x33ff},
                                                  {0x3400, 0x4dbf},
                                                  {0x4e00, 0x9fff},
                                                  {0xa000, 0xa4cf},
                                                  {0xac00, 0xd7a3},
                                                  {0xf900, 0xfaff},
                                                  {0xfe30, 0xfe4f},
                                                  {0xff00, 0xff60},
                                                  {0x1f300, 0x1faff},
                                                  {0x20000, 0x3fffd}}};
  const auto holds = [code](const Range& range) { return code >= range.first && code <= range.last; };
  if (std::any_of(none.begin(), none.end(), holds)) return 0;
  return std::any_of(wide.begin(), wide.end(), holds) ? 2 : 1;
}

}  // namespace

bool is_utf8(std::string_view bytes) {
  while (!bytes.empty()) {
    const Character character = first_character(bytes);
    if (character.bytes == 0) return false;
    bytes.remove_prefix(character.bytes);
  }
  return true;
}

std::string printable(std::string_view bytes) {
  std::string result;
  while (!bytes.empty()) {
    const Character character = first_character(bytes);
    const auto byte = static_cast<std::uint8_t>(bytes.front());
    if (character.bytes == 0) {
      result += fmt::format("\\x{:02x}", byte);
    } else if (character.code == '\n') {
      result += "\\n";
    } else if (character.code == '\r') {
      result += "\\r";
    } else if (character.code == '\t') {
      result += "\\t";
    } else if (character.code < 0x20 || character.code == 0x7f) {
      result += fmt::format("\\x{:02x}", byte);
    } else if ((character.code >= 0x80 && character.code < 0xa0) || (character.code >= 0x2028 && character.code <= 0x202e) ||
               (character.code >= 0x2066 && character.code <= 0x2069)) {
      result += fmt::format("\\u{:04x}", character.code);  // C1 controls; line separators and changes of direction
    } else {
      result += bytes.substr(0, character.bytes);
    }
    bytes.remove_prefix(std::max<std::size_t>(character.bytes, 1));
  }
  return result;
}

std::string printable_lines(std::string_view bytes) {
  std::string result;
  for (std::size_t end = bytes.find('\n'); end != bytes.npos; end = bytes.find('\n')) {
    result += printable(bytes.substr(0, end)) + '\n';
    bytes.remove_prefix(end + 1);
  }
  return result + printable(bytes);
}

std::string shortened(std::string_view text, std::size_t most) {
  if (text.size() <= most) return std::string(text);
  constexpr std::string_view between = " ... ";
  const auto continues = [&](std::size_t at) { return at < text.size() && (static_cast<std::uint8_t>(text[at]) & 0xc0) == 0x80; };
  std::size_t head = (most - between.size()) * 2 / 3, tail = text.size() - (most - between.size() - head);
  while (head > 0 && continues(head)) --head;
  while (continues(tail)) ++tail;
  return std::string(text.substr(0, head)) + std::string(between) + std::string(text.substr(tail));
}

std::size_t display_width(std::string_view text) {
  std::size_t columns = 0;
  while (!text.empty()) {
    const Character character = first_character(text);
    columns += character.bytes == 0 ? 1 : columns_of(character.code);
    text.remove_prefix(std::max<std::size_t>(character.bytes, 1));
  }
  return columns;
}

std::string pad(std::string_view text, std::size_t width, Align align) {
  const std::size_t columns = display_width(text);
  const std::string spaces(width > columns ? width - columns : 0, ' ');
  return align == Align::left ? std::string(text) + spaces : spaces + std::string(text);
}

std::string escape_markup(std::string_view text) {
  std::string result;
  for (const char c : printable(text)) {
    switch (c) {
      case '&': result += "&amp;"; break;
      case '<': result += "&lt;"; break;
      case '>': result += "&gt;"; break;
      case '"': result += "&quot;"; break;
      case '\'': result += "&#39;"; break;
      default: result += c;
    }
  }
  return result;
}

std::string group_digits(std::int64_t number, std::string_view separator) {
  std::string digits = std::to_string(number);
  const std::size_t first = digits.front() == '-' ? 1 : 0;
  for (std::size_t i = digits.size(); i > first + 3;) {
    i -= 3;
    digits.insert(i, separator);
  }
  return digits;
}

std::string base64(std::string_view bytes) {
  static constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string result;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto byte = [&](std::size_t k) { return i + k < bytes.size() ? static_cast<std::uint8_t>(bytes[i + k]) : 0u; };
    const std::uint32_t group = byte(0) << 16 | byte(1) << 8 | byte(2);
    for (std::size_t k = 0; k < 4; ++k) {
      result += i + k > bytes.size() ? '=' : alphabet[group >> (18 - 6 * k) & 63u];
    }
  }
  return result;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> least(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        least[i][j] = i + j;
        continue;
      }
      const std::size_t replaced = least[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      least[i][j] = std::min({replaced, least[i - 1][j] + 1, least[i][j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        least[i][j] = std::min(least[i][j], least[i - 2][j - 2] + 1);
    }
  }
  return least[a.size()][b.size()];
}

std::string single_quoted(std::string_view text, std::string_view quote) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? quote : std::string_view(&c, 1);
  return result + "'";
}

std::string for_shell(std::string_view text) {
  const bool plain = !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return c < 128 &&
           (std::isalnum(c) != 0 || std::string_view("_./:,-+=@%").find(static_cast<char>(c)) != std::string_view::npos);
  });
  return plain ? std::string(text) : single_quoted(text);
}

std::string nearest_text(std::string_view word, const std::vector<std::string>& known) {
  constexpr std::size_t longest = 200, most = 3;
  std::vector<std::pair<std::size_t, std::string_view>> rated;
  for (const std::string& candidate : known) {
    const bool holds = !word.empty() && candidate.find(word) != std::string::npos;
    rated.emplace_back(holds ? 0 : edit_distance(word.substr(0, longest), std::string_view(candidate).substr(0, longest)),
                       candidate);
  }
  const std::size_t count = std::min(most, rated.size());
  std::partial_sort(rated.begin(), rated.begin() + static_cast<std::ptrdiff_t>(count), rated.end());
  std::string text = count == 0 ? "there are none" : count == 1 ? "the nearest is " : "the nearest are ";
  for (std::size_t i = 0; i < count; ++i) text += (i == 0 ? "'" : ", '") + std::string(rated[i].second) + "'";
  return text;
}

}  // namespace resnet::table
