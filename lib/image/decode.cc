#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <shared_mutex>
#include <string_view>
#include <system_error>

#include "lib/base/error.h"
#include "lib/base/file_kind.h"
#include "lib/base/files.h"
#include "lib/image/bmp.h"
#include "lib/image/byte_source.h"
#include "lib/image/exif.h"
#include "lib/image/image.h"
#include "lib/image/pnm.h"
#include "lib/image/untrusted.h"
#include "lib/image/vips_library.h"

namespace resnet::image {

namespace fs = std::filesystem;
using std::string_view_literals::operator""sv;

namespace {

constexpr std::uintmax_t large_file = std::uintmax_t{64} << 20;
// Rows that are decoded at once.
constexpr int strip_height = 64;

struct Unref {
  void operator()(void* object) const { vips_library().g_object_unref(object); }
};
using ImageHandle = std::unique_ptr<VipsImage, Unref>;
using RegionHandle = std::unique_ptr<VipsRegion, Unref>;

// libvips keeps things for each thread, which it wants to give back when the thread ends.
struct ThreadEnd {
  ~ThreadEnd() { vips_library().vips_thread_shutdown(); }
};

// libvips has refused; what it says is in its error buffer, which all threads share.
struct Refused {
  bool known_format;
};

// Readers decode; the one that has met an error decodes again alone, so that what the buffer then holds is about its file.
std::shared_mutex& error_buffer_mutex() {
  static std::shared_mutex mutex;
  return mutex;
}

bool is_supported_loader(std::string_view loader) {
  // Formats that hold pixels: no documents or drawings, which would be rendered at some size.
  static constexpr std::array<std::string_view, 6> prefixes = {"VipsForeignLoadJpeg", "VipsForeignLoadPng",
                                                               "VipsForeignLoadWebp", "VipsForeignLoadNsgif",
                                                               "VipsForeignLoadTiff", "VipsForeignLoadHeif"};
  return std::any_of(prefixes.begin(), prefixes.end(), [&](std::string_view prefix) { return loader.starts_with(prefix); });
}

// PIL's convert("RGB") of CMYK: what the black leaves, less the ink's share of it, rounded as PIL rounds a product over 255.
std::uint8_t from_ink(int ink, int black) {
  const int left = 255 - black;
  const int product = ink * left + 128;
  return static_cast<std::uint8_t>(std::max(0, left - (((product >> 8) + product) >> 8)));
}

// A row of `bands` 8-bit samples per pixel to RGB.
void convert_row(const VipsPel* row, int width, int bands, bool cmyk, std::uint8_t* rgb) {
  if (bands == 3) {
    std::copy_n(row, static_cast<std::size_t>(width) * 3, rgb);
    return;
  }
  for (int x = 0; x < width; ++x, row += bands, rgb += 3) {
    if (cmyk) {
      for (int c = 0; c < 3; ++c) rgb[c] = from_ink(row[c], row[3]);
    } else if (bands < 3) {
      rgb[0] = rgb[1] = rgb[2] = row[0];
    } else {
      std::copy_n(row, 3, rgb);
    }
  }
}

// 16 bits per sample to 8: the high byte, as PIL takes it of RGB.
void take_high_bytes(const VipsPel* row, std::size_t samples, std::vector<VipsPel>& high) {
  high.resize(samples);
  for (std::size_t i = 0; i < samples; ++i) {
    std::uint16_t sample;
    std::memcpy(&sample, row + 2 * i, 2);
    high[i] = static_cast<VipsPel>(sample >> 8);
  }
}

bool is_turned(int orientation) { return orientation >= 2 && orientation <= 8; }

// Turns and mirrors as the eight EXIF orientations say (TIFF 6.0, tag 274: where the stored row 0 and column 0 are seen).
Pixels oriented(Pixels&& pixels, int orientation) {
  if (!is_turned(orientation)) return std::move(pixels);
  const int width = pixels.width, height = pixels.height;
  const bool transposed = orientation >= 5;
  Pixels result{transposed ? height : width, transposed ? width : height, std::vector<std::uint8_t>(pixels.rgb.size())};
  const bool flip_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool flip_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  std::uint8_t* to = result.rgb.data();
  for (int y = 0; y < result.height; ++y) {
    for (int x = 0; x < result.width; ++x, to += 3) {
      int from_x = transposed ? y : x;
      int from_y = transposed ? x : y;
      if (flip_x) from_x = width - 1 - from_x;
      if (flip_y) from_y = height - 1 - from_y;
      std::copy_n(
          &pixels
               .rgb[(static_cast<std::size_t>(from_y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(from_x)) * 3],
          3, to);
    }
  }
  return result;
}

// What libvips says of the orientation, and what a PNG's text says where there is no eXIf chunk.
int orientation_of(VipsImage* image) {
  const VipsLibrary& vips = vips_library();
  if (vips.vips_image_get_typeof(image, VIPS_META_ORIENTATION) != 0 ||
      vips.vips_image_get_typeof(image, VIPS_META_EXIF_NAME) != 0)
    return vips.vips_image_get_orientation(image);
  // libvips keeps a PNG's texts as "png-comment-0-KEYWORD".
  int found = 0;
  const auto look = [](VipsImage* of, const char* name, GValue* /*value*/, void* result) -> void* {
    const std::string_view field = name;
    const char* text = nullptr;
    if (field.starts_with("png-comment-") &&
        (field.ends_with("-Raw profile type exif") || field.ends_with("-Raw profile type APP1")) &&
        vips_library().vips_image_get_string(of, name, &text) == 0) {
      *static_cast<int*>(result) = orientation_of_raw_profile(text);
    }
    return *static_cast<int*>(result) != 0 ? result : nullptr;  // not null: enough has been seen
  };
  vips.vips_image_map(image, look, &found);
  return found;
}

// Makes of an image one of 8 or 16 bits per sample in grey, RGB or ink. Whether it is ink (CMYK).
bool convert_colours(ImageHandle& image) {
  const VipsLibrary& vips = vips_library();
  bool cmyk = false;
  switch (vips.vips_image_get_interpretation(image.get())) {
    case VIPS_INTERPRETATION_CMYK: cmyk = vips.vips_image_get_bands(image.get()) >= 4; break;
    // Samples that are levels already; what the profile says of them is ignored, as PIL ignores it.
    case VIPS_INTERPRETATION_sRGB:
    case VIPS_INTERPRETATION_RGB:
    case VIPS_INTERPRETATION_RGB16:
    case VIPS_INTERPRETATION_B_W:
    case VIPS_INTERPRETATION_GREY16:
    case VIPS_INTERPRETATION_MULTIBAND: break;
    // Lab and its kin (TIFF).
    default: {
      VipsImage* converted = nullptr;
      if (vips.vips_colourspace(image.get(), &converted, VIPS_INTERPRETATION_sRGB, nullptr) != 0) throw Refused{true};
      image.reset(converted);
    }
  }
  const VipsBandFormat format = vips.vips_image_get_format(image.get());
  if (format != VIPS_FORMAT_UCHAR && format != VIPS_FORMAT_USHORT) {
    VipsImage* clipped = nullptr;
    if (vips.vips_cast(image.get(), &clipped, VIPS_FORMAT_UCHAR, nullptr) != 0) throw Refused{true};
    image.reset(clipped);
  }
  return cmyk;
}

// Of an image that convert_colours() has made.
Pixels read_pixels(VipsImage* image, bool cmyk, const Stop& stop) {
  const VipsLibrary& vips = vips_library();
  const int width = vips.vips_image_get_width(image), height = vips.vips_image_get_height(image);
  const int bands = vips.vips_image_get_bands(image);
  const bool two_bytes = vips.vips_image_get_format(image) == VIPS_FORMAT_USHORT;
  const auto row_bytes = static_cast<std::size_t>(width) * 3;
  // Filled strip by strip: a header that promises much and a file that holds little takes little.
  Pixels pixels{width, height, {}};
  pixels.rgb.reserve(row_bytes * static_cast<std::size_t>(height));
  const RegionHandle region(vips.vips_region_new(image));
  if (!region) throw Refused{true};
  std::vector<VipsPel> high;
  for (int top = 0; top < height; top += strip_height) {
    stop.check();
    const VipsRect strip{0, top, width, std::min(strip_height, height - top)};
    if (vips.vips_region_prepare(region.get(), &strip) != 0) throw Refused{true};
    const VipsRect& valid = region->valid;
    pixels.rgb.resize(pixels.rgb.size() + row_bytes * static_cast<std::size_t>(strip.height));
    for (int y = top; y < top + strip.height; ++y) {
      const VipsPel* row = region->data + static_cast<std::ptrdiff_t>(y - valid.top) * region->bpl;
      if (two_bytes) {
        take_high_bytes(row, static_cast<std::size_t>(width) * static_cast<std::size_t>(bands), high);
        row = high.data();
      }
      convert_row(row, width, bands, cmyk, &pixels.rgb[static_cast<std::size_t>(y) * row_bytes]);
    }
  }
  return pixels;
}

Pixels decode_once(std::span<const std::byte> bytes, const std::string& name, const DecodeOptions& options) {
  const VipsLibrary& vips = vips_library();
  const char* loader = vips.vips_foreign_find_load_buffer(bytes.data(), bytes.size());
  if (loader == nullptr || !is_supported_loader(loader)) throw Refused{false};
  ImageHandle image(vips.vips_image_new_from_buffer(bytes.data(), bytes.size(), "", "access", VIPS_ACCESS_SEQUENTIAL, "fail_on",
                                                    VIPS_FAIL_ON_TRUNCATED, nullptr));
  if (!image) throw Refused{true};
  const int orientation = orientation_of(image.get());
  check_size(name, vips.vips_image_get_width(image.get()), vips.vips_image_get_height(image.get()), options.max_pixels);
  const bool cmyk = convert_colours(image);
  Pixels pixels = read_pixels(image.get(), cmyk, options.stop);
  if (options.exif) return oriented(std::move(pixels), orientation);
  if (options.unheeded_orientations != nullptr && is_turned(orientation)) ++*options.unheeded_orientations;
  return pixels;
}

char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool starts_with_ignoring_case(std::string_view text, std::string_view lower) {
  return text.size() >= lower.size() &&
         std::equal(lower.begin(), lower.end(), text.begin(), [](char a, char b) { return a == to_lower(b); });
}

std::string text_of_stranger(const std::optional<FileKind>& kind) {
  return fmt::format("is not an image that can be read{}, expected JPEG, PNG, WebP, GIF, TIFF, HEIF, AVIF, BMP or PNM",
                     kind && kind->group != FileGroup::picture ? fmt::format(" (it is {})", kind->name) : "");
}

// What is not an image, named for what it is where it is one of the usual mistakes.
std::string describe_stranger(std::span<const std::byte> bytes) {
  std::string_view text(reinterpret_cast<const char*>(bytes.data()), std::min(bytes.size(), kind_bytes));
  const auto kind = kind_of_content(text);
  if (text.starts_with("version https://git-lfs"))
    return "is a Git LFS pointer, not the image itself: fetch it with git lfs pull";
  if (const auto start = text.find_first_not_of(" \t\r\n"); start != text.npos) text.remove_prefix(start);
  if (starts_with_ignoring_case(text, "<!doctype html") || starts_with_ignoring_case(text, "<html"))
    return "is a web page, not an image";
  return text_of_stranger(kind);
}

// One line of what libvips says, without its function's name before it: "VipsJpeg: Premature end of JPEG file\n...".
std::string first_line(std::string_view text) {
  text = text.substr(0, text.find('\n'));
  if (const auto colon = text.find(": "); colon != text.npos) text.remove_prefix(colon + 2);
  std::string line;
  for (const char c : text) line += static_cast<unsigned char>(c) < 32 ? ' ' : c;
  return line;
}

std::uint32_t number_at(std::span<const std::byte> bytes, std::size_t offset, bool big_endian) {
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < 4; ++i)
    number |= std::to_integer<std::uint32_t>(bytes[offset + i]) << (8 * (big_endian ? 3 - i : i));
  return number;
}

// Whether the file's own structure says that it continues past its end; for the formats whose readers do not notice.
bool is_cut_off(std::span<const std::byte> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.starts_with("\x89PNG\r\n\x1a\n")) {
    // Chunks: length, type, data, checksum.
    for (std::size_t offset = 8; offset + 8 <= bytes.size();) {
      if (text.substr(offset + 4, 4) == "IEND") return false;
      offset += std::size_t{number_at(bytes, offset, true)} + 12;
      if (offset + 8 > bytes.size()) return true;
    }
    return true;
  }
  if (text.starts_with("RIFF") && bytes.size() >= 8) return std::size_t{number_at(bytes, 4, false)} + 8 > bytes.size();
  if ((text.starts_with("II*") || text.starts_with("MM\0*"sv)) && bytes.size() >= 8) {
    return number_at(bytes, 4, text[0] == 'M') + std::size_t{2} > bytes.size();  // where its directory of tags is
  }
  return false;
}

bool tells_of_truncation(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), to_lower);
  if (lower.find("read error") != lower.npos && lower.find("expected") != lower.npos)
    return true;  // libtiff's "got 5 bytes, expected 8"
  for (const std::string_view word :
       {"premature", "truncated", "unexpected end", "end of file", "end of stream", "out of data"}) {
    if (lower.find(word) != lower.npos) return true;
  }
  return false;
}

// What to say of a file of a known format that libvips refuses with `message`.
std::string describe_refusal(std::span<const std::byte> bytes, std::string_view message) {
  const std::string reason = first_line(message);
  const bool truncated = is_cut_off(bytes) || tells_of_truncation(message);
  return fmt::format("{}{}", truncated ? "is truncated" : "is not an image that can be read",
                     reason.empty() ? "" : " (" + reason + ")");
}

// A large file of a format that our own readers read; nothing of others.
std::optional<Pixels> decode_in_pieces(const fs::path& file, const std::string& name, const DecodeOptions& options) {
  struct Descriptor {
    ~Descriptor() {
      if (value >= 0) close(value);
    }
    int value;
  };
  const Descriptor opened{open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
  struct stat status = {};
  if (opened.value < 0 || fstat(opened.value, &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  ByteSource source(opened.value, static_cast<std::size_t>(status.st_size), name, options.stop);
  const std::span<const std::byte> head = source.at(0, std::min(source.size(), kind_bytes));
  const bool bmp = is_bmp(head), pnm = is_pnm(head);
  if (!bmp && !pnm) return std::nullopt;
  try {
    return bmp ? decode_bmp(source, options.max_pixels) : decode_pnm(source, options.max_pixels);
  } catch (const std::bad_alloc&) {
    refuse(name, "is too large for the memory");
  }
}

}  // namespace

Pixels decode(const fs::path& file, const DecodeOptions& options) {
  const std::string name = file.string();
  // What is large is looked at before it is read.
  std::error_code none;
  if (fs::is_regular_file(file, none) && fs::file_size(file, none) > large_file && access(file.c_str(), R_OK) == 0) {
    const auto kind = kind_of_file(file);
    if (!kind || kind->group != FileGroup::picture) refuse(name, text_of_stranger(kind));
    if (auto pixels = decode_in_pieces(file, name, options)) return std::move(*pixels);
  }
  // More bytes than any picture of so many pixels has, 16 bits of four channels each.
  constexpr std::uintmax_t bytes_per_pixel = 8, least_bound = most_piped_bytes;
  const auto pixels = static_cast<std::uintmax_t>(std::max<std::int64_t>(options.max_pixels, 0));
  const std::string bytes =
      read_file(file, Role::input,
                {.most_bytes = std::max(least_bound, pixels * bytes_per_pixel), .expected = "an image", .stop = options.stop});
  return decode(std::as_bytes(std::span(bytes)), name, options);
}

Pixels decode(std::span<const std::byte> bytes, const std::string& name, const DecodeOptions& options) {
  if (bytes.empty()) refuse(name, "is empty");
  try {
    ByteSource source(bytes, name);
    if (is_bmp(bytes)) return decode_bmp(source, options.max_pixels);
    if (is_pnm(bytes)) return decode_pnm(source, options.max_pixels);
    const VipsLibrary& vips = vips_library();
    thread_local const ThreadEnd thread_end;
    try {
      const std::shared_lock lock(error_buffer_mutex());
      return decode_once(bytes, name, options);
    } catch (const Refused&) {
    }
    const std::unique_lock lock(error_buffer_mutex());
    vips.vips_error_clear();
    try {
      return decode_once(bytes, name, options);
    } catch (const Refused& refused) {
      const std::string message = vips.vips_error_buffer();
      vips.vips_error_clear();
      if (!refused.known_format) refuse(name, is_cut_off(bytes) ? "is truncated" : describe_stranger(bytes));
      refuse(name, describe_refusal(bytes, message));
    }
  } catch (const std::bad_alloc&) {
    refuse(name, "is too large for the memory");
  }
}

}  // namespace resnet::image
