// JSON of a known form, read strictly in one pass: whoever reads asks for what must come next. A general parser keeps of two
// equal keys the last one, takes a NUL for the end and skips a byte order mark; here all of that is refused, and nothing of a
// header is kept that nobody asked for. Nothing recurses but over the form itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace resnet::safetensors {

class JsonReader {
 public:
  // `what` is the text in errors, `offset` where it begins in its file. Throws Error(malformed), as everything here does, where
  // the text is not UTF-8: "the header is broken at byte 31: found 'x', expected ','".
  JsonReader(std::string_view text, std::string what, std::size_t offset);

  // The next character after white space, not taken; NUL at the end.
  char peek();
  bool accept(char character);
  void expect(char character);
  // With escapes resolved. A lone surrogate, and more than `most` bytes, are refused.
  std::string string(std::size_t most);
  // A number without sign, fraction and exponent; what does not fit is refused.
  std::uint64_t size();
  // Any value; more than 128 levels are refused.
  void skip();
  // Nothing but white space is left.
  void finish();

  // {...}: `member(key)` reads each value.
  template <typename Member>
  void object(std::size_t most_key_bytes, const Member& member) {
    expect('{');
    if (accept('}')) return;
    do {
      std::string key = string(most_key_bytes);
      expect(':');
      member(std::move(key));
    } while (accept(','));
    expect('}');
  }
  // [...]: `element()` reads each.
  template <typename Element>
  void array(const Element& element) {
    expect('[');
    if (accept(']')) return;
    do {
      element();
    } while (accept(','));
    expect(']');
  }

 private:
  // What is found at the position, in an error.
  [[noreturn]] void refuse(const std::string& expected) const;
  // The characters of a number or a word from the position on, taken.
  std::string_view token();
  void append_escape(std::string& result);
  std::uint32_t hex_digits();
  void scalar();

  std::string_view text_;
  std::string what_;
  std::size_t offset_, position_ = 0;
};

}  // namespace resnet::safetensors
