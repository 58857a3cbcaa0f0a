#include "lib/image/pnm.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "lib/image/untrusted.h"

namespace resnet::image {

namespace {

bool is_space(std::byte byte) {
  const char c = static_cast<char>(byte);
  return c == ' ' || (c >= '\t' && c <= '\r');
}

class Reader {
 public:
  explicit Reader(ByteSource& source)
      : bytes_(source), name_(source.name()), kind_(std::to_integer<int>(source[1]) - '0'), at_(2) {}

  Pixels decode(std::int64_t max_pixels) {
    const std::int64_t width = number("width", INT32_MAX), height = number("height", INT32_MAX);
    check_size(name_, width, height, max_pixels);
    most_ = is_bits() ? 1 : static_cast<std::uint32_t>(number("largest sample", 65535));
    if (most_ == 0) damaged("its largest sample is 0");
    const bool color = kind_ == 3 || kind_ == 6;
    const auto samples = static_cast<std::size_t>(width * height) * (color ? 3 : 1);
    check_length(samples, static_cast<std::size_t>(width), static_cast<std::size_t>(height));
    Pixels pixels{static_cast<int>(width), static_cast<int>(height), std::vector<std::uint8_t>(samples * (color ? 1 : 3))};
    std::uint8_t* to = pixels.rgb.data();
    for (std::size_t i = 0; i < samples; ++i) {
      if (kind_ == 4 && i % static_cast<std::size_t>(width) == 0) bit_ = 8;  // each row begins with a byte of its own
      const std::uint8_t level = next_level();
      to = std::fill_n(to, color ? 1 : 3, level);
    }
    return pixels;
  }

 private:
  [[noreturn]] void damaged(const std::string& what) const {
    refuse(name_, fmt::format("is not an image that can be read (a damaged PNM: {})", what));
  }

  bool is_bits() const { return kind_ == 1 || kind_ == 4; }
  bool is_text() const { return kind_ <= 3; }

  void skip_space() {
    for (; at_ < bytes_.size(); ++at_) {
      if (bytes_[at_] == std::byte{'#'}) {
        while (at_ < bytes_.size() && bytes_[at_] != std::byte{'\n'} && bytes_[at_] != std::byte{'\r'}) ++at_;
        if (at_ == bytes_.size()) return;
      } else if (!is_space(bytes_[at_])) {
        return;
      }
    }
  }

  // Digits, and what parts them from what is before them.
  std::int64_t number(const char* what, std::int64_t most) {
    skip_space();
    if (at_ == bytes_.size()) refuse(name_, "is truncated");
    std::int64_t value = 0;
    const std::size_t begin = at_;
    for (; at_ < bytes_.size(); ++at_) {
      const int digit = std::to_integer<int>(bytes_[at_]) - '0';
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
      if (value > most) damaged(fmt::format("a {} of more than {}", what, most));
    }
    if (at_ == begin) damaged(fmt::format("no number for its {}", what));
    return value;
  }

  // Whether the samples can be there, before memory is taken for them.
  void check_length(std::size_t samples, std::size_t width, std::size_t height) {
    if (!is_text()) {
      if (at_ == bytes_.size()) refuse(name_, "is truncated");
      if (!is_space(bytes_[at_])) damaged("no space before its samples");
      ++at_;
    }
    std::size_t least = samples * (most_ > 255 ? 2 : 1);
    if (kind_ == 4) least = (width + 7) / 8 * height;
    if (kind_ == 2 || kind_ == 3) least = samples * 2 - 1;  // a digit and a space
    if (bytes_.size() - at_ < least) refuse(name_, "is truncated");
  }

  std::uint8_t next_level() {
    if (is_bits()) return next_bit() ? 0 : 255;  // a 1 is ink
    if (is_text()) return level(static_cast<std::uint32_t>(number("sample", most_)));
    std::uint32_t value = std::to_integer<std::uint32_t>(bytes_[at_++]);
    if (most_ > 255) value = value << 8 | std::to_integer<std::uint32_t>(bytes_[at_++]);
    return level(std::min(value, most_));
  }

  bool next_bit() {
    if (kind_ == 1) {
      skip_space();  // which need not be there
      if (at_ == bytes_.size()) refuse(name_, "is truncated");
      const std::byte digit = bytes_[at_++];
      if (digit != std::byte{'0'} && digit != std::byte{'1'}) damaged("a sample that is neither 0 nor 1");
      return digit == std::byte{'1'};
    }
    if (bit_ == 8) current_ = bytes_[at_++], bit_ = 0;
    return ((current_ >> (7 - bit_++)) & std::byte{1}) != std::byte{0};
  }

  std::uint8_t level(std::uint32_t value) const {
    if (most_ == 255) return static_cast<std::uint8_t>(value);
    // Rounded half to even, as Python does it.
    const std::uint32_t product = value * 255, whole = product / most_, rest = product % most_ * 2;
    return static_cast<std::uint8_t>(whole + (rest > most_ || (rest == most_ && whole % 2 == 1) ? 1 : 0));
  }

  ByteSource& bytes_;
  const std::string& name_;
  int kind_;  // 1 to 6
  std::size_t at_;
  std::uint32_t most_ = 1;
  std::byte current_{};
  int bit_ = 8;  // of the current byte; 8: the next one is to be taken
};

}  // namespace

bool is_pnm(std::span<const std::byte> bytes) {
  return bytes.size() > 3 && bytes[0] == std::byte{'P'} && bytes[1] >= std::byte{'1'} && bytes[1] <= std::byte{'6'} &&
         (is_space(bytes[2]) || bytes[2] == std::byte{'#'});
}

Pixels decode_pnm(ByteSource& source, std::int64_t max_pixels) { return Reader(source).decode(max_pixels); }

}  // namespace resnet::image
