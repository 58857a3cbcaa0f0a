#include "lib/image/bmp.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <vector>

#include "lib/image/untrusted.h"

namespace resnet::image {

namespace {

constexpr std::size_t file_header = 14, os2_header = 12, info_header = 40;
constexpr std::size_t longest_head = 2048;                   // a header, masks and a palette of 256
constexpr std::size_t masks_at = file_header + info_header;  // in a longer header, or after a short one

enum Compression : std::uint32_t { rgb = 0, rle8 = 1, rle4 = 2, bit_fields = 3, jpeg = 4, png = 5, alpha_bit_fields = 6 };

using Color = std::array<std::uint8_t, 3>;

// A channel's bits within a pixel's number.
struct Field {
  int shift = 0;
  std::uint32_t most = 0;  // its largest value; 0: the channel is not there

  std::uint8_t level(std::uint32_t pixel) const {
    if (most == 0) return 0;
    return static_cast<std::uint8_t>(std::uint64_t{(pixel >> shift) & most} * 255 / most);  // rounded down, as PIL does it
  }
};

struct Header {
  int width = 0, height = 0;
  bool top_down = false;
  std::size_t size = 0, pixels_at = 0;
  int bits = 0;
  std::uint32_t compression = rgb, colors = 0;
};

class Reader {
 public:
  explicit Reader(ByteSource& source)
      : source_(source), name_(source.name()), head_(source.at(0, std::min(source.size(), longest_head))) {}

  Header header(std::int64_t max_pixels) const {
    Header header;
    if (head_.size() < file_header + 4) refuse(name_, "is truncated");
    header.pixels_at = little_endian(head_, 10, 4);
    header.size = little_endian(head_, 14, 4);
    const bool os2 = header.size == os2_header;
    if (head_.size() < file_header + (os2 ? os2_header : std::max<std::size_t>(header.size, 16))) refuse(name_, "is truncated");
    std::int64_t width, height;
    if (os2) {
      width = little_endian(head_, 18, 2), height = little_endian(head_, 20, 2);
      header.bits = static_cast<int>(little_endian(head_, 24, 2));
    } else {
      width = static_cast<std::int32_t>(little_endian(head_, 18, 4));
      height = static_cast<std::int32_t>(little_endian(head_, 22, 4));
      header.bits = static_cast<int>(little_endian(head_, 28, 2));
    }
    if (header.size >= info_header) {
      header.compression = little_endian(head_, 30, 4);
      header.colors = little_endian(head_, 46, 4);
    }
    header.top_down = height < 0;
    check_size(name_, width, header.top_down ? -height : height, max_pixels);
    header.width = static_cast<int>(width);
    header.height = static_cast<int>(header.top_down ? -height : height);
    check_kind(header);
    return header;
  }

  Pixels decode(std::int64_t max_pixels) const {
    const Header head = header(max_pixels);
    const auto width = static_cast<std::size_t>(head.width), height = static_cast<std::size_t>(head.height);
    const auto bits = static_cast<std::size_t>(head.bits);
    const std::size_t used = (width * bits + 7) / 8, stride = (width * bits + 31) / 32 * 4;
    if (head.pixels_at < file_header + head.size)
      refuse(name_, "is not an image that can be read (its pixels begin within its header)");
    // The last row may come without what fills it up.
    if (head.pixels_at > source_.size() || source_.size() - head.pixels_at < stride * (height - 1) + used)
      refuse(name_, "is truncated");
    const std::vector<Color> palette = head.bits <= 8 ? read_palette(head) : std::vector<Color>();
    const std::array<Field, 3> fields = fields_of(head);
    Pixels pixels{head.width, head.height, std::vector<std::uint8_t>(width * height * 3)};
    for (std::size_t y = 0; y < height; ++y) {
      const auto row = source_.at(head.pixels_at + stride * (head.top_down ? y : height - 1 - y), used);
      std::uint8_t* to = &pixels.rgb[y * width * 3];
      for (std::size_t x = 0; x < width; ++x, to += 3) {
        if (head.bits <= 8) {
          const std::size_t at = x * bits, shift = 8 - bits - at % 8;
          const std::size_t index = (std::to_integer<std::size_t>(row[at / 8]) >> shift) & ((std::size_t{1} << bits) - 1);
          if (index >= palette.size())
            refuse(name_, fmt::format("is not an image that can be read (a damaged BMP: a pixel of colour {} in a palette of {})",
                                      index, palette.size()));
          std::copy_n(palette[index].data(), 3, to);
        } else if (head.bits == 24) {
          for (std::size_t c = 0; c < 3; ++c) to[c] = std::to_integer<std::uint8_t>(row[x * 3 + 2 - c]);
        } else {
          const std::uint32_t pixel = little_endian(row, x * bits / 8, bits / 8);
          for (std::size_t c = 0; c < 3; ++c) to[c] = fields[c].level(pixel);
        }
      }
    }
    return pixels;
  }

 private:
  // What is compressed is refused by name.
  void check_kind(const Header& header) const {
    const auto refuse_compressed = [&](const char* how) {
      refuse(name_, fmt::format("is a BMP compressed by {}, which is not read; expected an uncompressed one", how));
    };
    const bool fields = header.compression == bit_fields || header.compression == alpha_bit_fields;
    if (header.size == 64 && header.compression == bit_fields) refuse_compressed("OS/2's Huffman code");
    if (header.size == 64 && header.compression == jpeg) refuse_compressed("run lengths (RLE24)");
    if (header.compression == rle8) refuse_compressed("run lengths (RLE8)");
    if (header.compression == rle4) refuse_compressed("run lengths (RLE4)");
    if (header.compression == jpeg) refuse_compressed("JPEG");
    if (header.compression == png) refuse_compressed("PNG");
    if (header.compression != rgb && !fields)
      refuse_compressed(fmt::format("an unknown method ({})", header.compression).c_str());
    constexpr std::array<int, 7> known = {1, 2, 4, 8, 16, 24, 32};
    if (std::find(known.begin(), known.end(), header.bits) == known.end()) {
      refuse(name_, fmt::format("is a BMP of {} bits a pixel, expected 1, 4, 8, 16, 24 or 32", header.bits));
    }
    if (fields && header.bits != 16 && header.bits != 32) {
      refuse(name_, fmt::format("is a BMP of {} bits a pixel with bit fields, expected 16 or 32 bits", header.bits));
    }
  }

  // The colours that the file holds, no more than an index may name.
  std::vector<Color> read_palette(const Header& header) const {
    const std::size_t most = std::size_t{1} << header.bits;
    const std::size_t entry = header.size == os2_header ? 3 : 4;
    std::size_t at = file_header + header.size;
    std::size_t count = header.colors == 0 ? most : std::min<std::size_t>(header.colors, most);
    count = std::min(count, (header.pixels_at - at) / entry);
    std::vector<Color> palette(count);
    for (std::size_t i = 0; i < count; ++i, at += entry) {
      for (std::size_t c = 0; c < 3; ++c) palette[i][c] = std::to_integer<std::uint8_t>(head_[at + 2 - c]);
    }
    return palette;
  }

  // Red, green and blue.
  std::array<Field, 3> fields_of(const Header& header) const {
    std::array<std::uint32_t, 3> masks = {0x7c00, 0x03e0, 0x001f};
    if (header.bits == 32) masks = {0xff0000, 0x00ff00, 0x0000ff};
    if (header.compression != rgb) {
      if (head_.size() < masks_at + 12) refuse(name_, "is truncated");
      for (std::size_t c = 0; c < 3; ++c) masks[c] = little_endian(head_, masks_at + 4 * c, 4);
      if (masks[0] == 0 && masks[1] == 0 && masks[2] == 0)
        refuse(name_, "is not an image that can be read (a damaged BMP: its bit fields are all empty)");
    }
    std::array<Field, 3> fields;
    for (std::size_t c = 0; c < 3; ++c) {
      if (masks[c] == 0) continue;
      fields[c].shift = std::countr_zero(masks[c]);
      fields[c].most = masks[c] >> fields[c].shift;
      if ((fields[c].most & (fields[c].most + 1)) != 0)
        refuse(name_, "is not an image that can be read (a bit field of the BMP has gaps)");
    }
    return fields;
  }

  ByteSource& source_;
  const std::string& name_;
  std::span<const std::byte> head_;  // until the first row is read
};

}  // namespace

bool is_bmp(std::span<const std::byte> bytes) {
  if (bytes.size() < file_header + 4 || bytes[0] != std::byte{'B'} || bytes[1] != std::byte{'M'}) return false;
  constexpr std::array<std::uint32_t, 8> header_sizes = {os2_header, 16, info_header, 52, 56, 64, 108, 124};
  return std::find(header_sizes.begin(), header_sizes.end(), little_endian(bytes, 14, 4)) != header_sizes.end();
}

Pixels decode_bmp(ByteSource& source, std::int64_t max_pixels) { return Reader(source).decode(max_pixels); }

}  // namespace resnet::image
