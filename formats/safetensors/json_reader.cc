#include "formats/safetensors/json_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <system_error>

#include "formats/safetensors/messages.h"
#include "formats/table/text.h"
#include "lib/base/error.h"

namespace resnet::safetensors {

namespace {

constexpr std::size_t most_levels = 128;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// -?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?
bool is_number(std::string_view text) {
  const auto digits = [&text] {
    const std::size_t count = static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_digit) - text.begin());
    text.remove_prefix(count);
    return count;
  };
  if (text.starts_with('-')) text.remove_prefix(1);
  const bool zero = text.starts_with('0');
  if (const std::size_t count = digits(); count == 0 || (zero && count > 1)) return false;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    if (digits() == 0) return false;
  }
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
    if (digits() == 0) return false;
  }
  return text.empty();
}

void append_utf8(std::uint32_t code, std::string& text) {
  const auto put = [&text](std::uint32_t byte) { text += static_cast<char>(static_cast<std::uint8_t>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | code >> 6);
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3f));
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  }
}

}  // namespace

JsonReader::JsonReader(std::string_view text, std::string what, std::size_t offset)
    : text_(text), what_(std::move(what)), offset_(offset) {
  if (!table::is_utf8(text_)) throw Error(Fault::malformed, fmt::format("{} is not UTF-8 text", what_));
}

void JsonReader::refuse(const std::string& expected) const {
  const std::string where = fmt::format("{} is broken at byte {}: ", what_, offset_ + position_);
  if (position_ == text_.size()) throw Error(Fault::malformed, where + "it ends, expected " + expected);
  std::size_t end = position_ + 1;
  while (end < text_.size() && (static_cast<std::uint8_t>(text_[end]) & 0xc0) == 0x80) ++end;
  throw Error(Fault::malformed,
              fmt::format("{}found {}, expected {}", where, in_quotes(text_.substr(position_, end - position_)), expected));
}

char JsonReader::peek() {
  while (position_ < text_.size()) {
    const char c = text_[position_];
    if (c != ' ' && c != '\n' && c != '\r' && c != '\t') return c;
    ++position_;
  }
  return '\0';
}

bool JsonReader::accept(char character) {
  if (peek() != character) return false;
  ++position_;
  return true;
}

void JsonReader::expect(char character) {
  if (!accept(character)) refuse(fmt::format("'{}'", character));
}

std::string JsonReader::string(std::size_t most) {
  if (peek() != '"') refuse("a text in quotes");
  const std::size_t begin = position_++;
  std::string result;
  for (;;) {
    const auto plain = [](char c) { return c != '"' && c != '\\' && static_cast<std::uint8_t>(c) >= 0x20; };
    const char* from = text_.data() + position_;
    const char* to = std::find_if_not(from, text_.data() + text_.size(), plain);
    const auto count = static_cast<std::size_t>(to - from);
    if (result.size() + count > most) {
      throw Error(Fault::malformed, fmt::format("{} has a text of more than {} bytes at byte {}", what_, most, offset_ + begin));
    }
    result.append(from, count);
    position_ += count;
    if (position_ == text_.size()) refuse("the end of a text");
    if (text_[position_] == '"') break;
    if (text_[position_] != '\\') refuse("an escape for a control character");
    append_escape(result);
  }
  ++position_;
  return result;
}

std::uint32_t JsonReader::hex_digits() {
  std::uint32_t code = 0;
  const std::string_view digits = text_.substr(position_, 4);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
  if (digits.size() < 4 || error != std::errc{} || end != digits.data() + 4) refuse("four hexadecimal digits");
  position_ += 4;
  return code;
}

void JsonReader::append_escape(std::string& result) {
  constexpr std::string_view letters = "\"\\/bfnrt", meanings = "\"\\/\b\f\n\r\t";
  const std::size_t begin = position_++;
  if (position_ == text_.size()) refuse("an escape");
  if (const std::size_t i = letters.find(text_[position_]); i != letters.npos) {
    ++position_;
    result += meanings[i];
    return;
  }
  if (text_[position_] != 'u') refuse("one of \"\\/bfnrtu after a backslash");
  ++position_;
  std::uint32_t code = hex_digits();
  const auto is_surrogate = [](std::uint32_t c) { return c >= 0xd800 && c < 0xe000; };
  if (is_surrogate(code)) {
    std::uint32_t low = 0;
    if (code < 0xdc00 && text_.substr(position_).starts_with("\\u")) {
      position_ += 2;
      low = hex_digits();
    }
    if (low < 0xdc00 || low >= 0xe000) {
      throw Error(Fault::malformed,
                  fmt::format("{} has half of a surrogate pair at byte {}, which is not a character", what_, offset_ + begin));
    }
    code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
  }
  append_utf8(code, result);
}

std::string_view JsonReader::token() {
  peek();
  const auto fits = [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' || c == '-' || c == '.';
  };
  const char* begin = text_.data() + position_;
  const auto size = static_cast<std::size_t>(std::find_if_not(begin, text_.data() + text_.size(), fits) - begin);
  position_ += size;
  return {begin, size};
}

std::uint64_t JsonReader::size() {
  const std::string_view found = token();
  if (found.empty()) refuse("a number");
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(found.data(), found.data() + found.size(), value);
  if (error != std::errc{} || end != found.data() + found.size() || (found.size() > 1 && found[0] == '0')) {
    throw Error(Fault::malformed,
                fmt::format("{} has {} at byte {}, expected a whole number from 0 to {}", what_, in_quotes(found),
                            offset_ + position_ - found.size(), std::numeric_limits<std::uint64_t>::max()));
  }
  return value;
}

void JsonReader::scalar() {
  if (peek() == '"') {
    string(text_.size());
    return;
  }
  const std::string_view found = token();
  if (found == "true" || found == "false" || found == "null" || is_number(found)) return;
  position_ -= found.size();
  refuse("a value");
}

void JsonReader::skip() {
  std::string open;  // the brackets around
  const auto key = [&] {
    string(text_.size());
    expect(':');
  };
  do {
    const char bracket = peek();
    if (bracket == '{' || bracket == '[') {
      ++position_;
      if (!accept(bracket == '{' ? '}' : ']')) {
        if (open.size() == most_levels) {
          throw Error(Fault::malformed,
                      fmt::format("{} is nested more than {} levels deep at byte {}", what_, most_levels, offset_ + position_));
        }
        open += bracket;
        if (bracket == '{') key();
        continue;
      }
    } else {
      scalar();
    }
    while (!open.empty()) {
      if (accept(',')) {
        if (open.back() == '{') key();
        break;
      }
      expect(open.back() == '{' ? '}' : ']');
      open.pop_back();
    }
  } while (!open.empty());
}

void JsonReader::finish() {
  peek();
  if (position_ != text_.size()) refuse("nothing after the last brace");
}

}  // namespace resnet::safetensors
