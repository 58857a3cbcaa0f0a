#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "lib/base/error.h"
#include "lib/base/files.h"
#include "lib/image/exif.h"
#include "lib/image/image.h"
#include "tests/image/crc32.h"
#include "tests/support/assets.h"
#include "tests/support/temporary_folder.h"

namespace resnet::image {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

fs::path formats() { return test::testdata() / "images" / "formats"; }

std::string bytes_of(const std::string& name) { return read_file(formats() / name, Role::input); }

Pixels decode_bytes(const std::string& bytes, const DecodeOptions& options = {}) {
  return decode(std::as_bytes(std::span(bytes)), "photo", options);
}

// What decode() says of these bytes, "" where it takes them.
std::string complaint(const std::string& bytes, const DecodeOptions& options = {}) {
  try {
    decode_bytes(bytes, options);
  } catch (const Error& error) {
    EXPECT_EQ(error.role(), Role::input);
    return error.what();
  }
  return "";
}

std::string complaint_about(const fs::path& file) {
  try {
    decode(file);
  } catch (const Error& error) {
    EXPECT_EQ(error.role(), Role::input);
    return error.what();
  }
  return "";
}

TEST(Decode, EveryFormatAndColorModeGivesTheBitsOfPil) {
  const auto rows = test::read_csv(formats() / "decode.csv");
  ASSERT_GE(rows.size(), 30u);
  for (const auto& row : rows) {
    SCOPED_TRACE(row[0] + " exif " + row[1]);
    const Pixels pixels = decode(formats() / row[0], {.exif = row[1] == "1"});
    EXPECT_EQ(std::to_string(pixels.width), row[2]);
    EXPECT_EQ(std::to_string(pixels.height), row[3]);
    EXPECT_EQ(pixels.rgb.size(), static_cast<std::size_t>(pixels.width * pixels.height * 3));
    EXPECT_EQ(test::hexadecimal(test::crc32(pixels.rgb)), row[4]);
  }
}

TEST(Decode, OrientationIsIgnoredUnlessAskedFor) {
  const Pixels upright = decode(formats() / "exif1.jpg");
  EXPECT_EQ(upright.width, 53);
  for (int orientation = 2; orientation <= 8; ++orientation) {
    const fs::path file = formats() / ("exif" + std::to_string(orientation) + ".jpg");
    EXPECT_EQ(decode(file).rgb, upright.rgb) << orientation;
    const Pixels turned = decode(file, {.exif = true});
    EXPECT_NE(turned.rgb, upright.rgb) << orientation;
    EXPECT_EQ(turned.width, orientation >= 5 ? 37 : 53) << orientation;
  }
  // Orientation 6, a camera held upright: the stored left edge is the top, so the top right corner is the stored top left one.
  const Pixels turned = decode(formats() / "exif6.jpg", {.exif = true});
  for (std::size_t c = 0; c < 3; ++c) EXPECT_EQ(turned.rgb[(37 - 1) * 3 + c], upright.rgb[c]);
}

TEST(Decode, FromMemoryIsTheSameAsFromTheFile) {
  EXPECT_EQ(decode_bytes(bytes_of("420.jpg")).rgb, decode(formats() / "420.jpg").rgb);
}

TEST(Decode, FileThatIsNotThere) {
  EXPECT_EQ(complaint_about("/nowhere/photo.jpg"), "/nowhere/photo.jpg: cannot be opened: No such file or directory");
}

TEST(Decode, Folder) {
  const test::TemporaryFolder folder;
  EXPECT_EQ(complaint_about(folder.path()), folder.path().string() + ": is a folder, expected an image");
}

TEST(Decode, EmptyFile) {
  const test::TemporaryFolder folder;
  const fs::path file = folder.write("photo.jpg", "");
  EXPECT_EQ(complaint_about(file), file.string() + ": is empty");
}

TEST(Decode, WhatIsNoImageIsNamed) {
  EXPECT_EQ(complaint("hello"),
            "photo: is not an image that can be read, expected JPEG, PNG, WebP, GIF, TIFF, HEIF, AVIF, BMP or PNM");
  EXPECT_EQ(complaint(std::string(1000, '\0')),
            "photo: is not an image that can be read, expected JPEG, PNG, WebP, GIF, TIFF, HEIF, AVIF, BMP or PNM");
  EXPECT_EQ(complaint("\n <!DOCTYPE HTML><html></html>"), "photo: is a web page, not an image");
  EXPECT_EQ(complaint("<HTML><body></body></html>"), "photo: is a web page, not an image");
  EXPECT_EQ(complaint("version https://git-lfs.github.com/spec/v1\noid sha256:0\n"),
            "photo: is a Git LFS pointer, not the image itself: fetch it with git lfs pull");
}

TEST(Decode, DocumentsAndDrawingsAreNotRendered) {
  EXPECT_THAT(
      complaint("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9\" height=\"9\"><rect width=\"5\" height=\"5\"/></svg>"),
      StartsWith("photo: is not an image that can be read"));
  EXPECT_THAT(complaint("%PDF-1.4\n"), StartsWith("photo: is not an image that can be read"));
}

TEST(Decode, TruncatedFilesAreRefused) {
  // A GIF's and a PNG's last bytes hold no pixels, so these are cut further in.
  for (const std::string name :
       {"420.jpg", "progressive.jpg", "cmyk.jpg", "grey.jpg", "rgb.png", "palette.png", "rgba.webp", "rgb.tif"}) {
    const std::string bytes = bytes_of(name);
    for (const double part : {0.3, 0.6, 0.9}) {
      SCOPED_TRACE(name + " " + std::to_string(part));
      const std::string cut = bytes.substr(0, static_cast<std::size_t>(static_cast<double>(bytes.size()) * part));
      EXPECT_THAT(complaint(cut), StartsWith("photo: is truncated"));
    }
  }
  EXPECT_EQ(complaint(bytes_of("420.jpg").substr(0, 1000)), "photo: is truncated (Premature end of input file)");
  EXPECT_THAT(complaint(bytes_of("animated.gif").substr(0, 1200)), StartsWith("photo: is truncated"));
}

TEST(Decode, JpegWithoutItsEndMarkerIsTruncated) {
  const std::string bytes = bytes_of("444.jpg");
  EXPECT_THAT(complaint(bytes.substr(0, bytes.size() - 2)), StartsWith("photo: is truncated"));
}

TEST(Decode, DamagedFileOfAKnownFormat) {
  std::string bytes = bytes_of("rgb.png");
  for (std::size_t i = bytes.size() / 2; i < bytes.size() / 2 + 20; ++i) bytes[i] = static_cast<char>(bytes[i] ^ 0x5a);
  EXPECT_THAT(complaint(bytes), AllOf(StartsWith("photo: is not an image that can be read ("), EndsWith(")")));
}

TEST(Decode, EveryCutOfASmallFileIsAnErrorOrAnImage) {
  for (const std::string name : {"grey.jpg", "one_bit.png", "palette.png"}) {
    const std::string bytes = bytes_of(name);
    for (std::size_t size = 0; size < bytes.size(); size += 7) {
      const std::string said = complaint(bytes.substr(0, size));
      EXPECT_TRUE(said.empty() || said.find('\n') == std::string::npos) << said;
    }
  }
}

TEST(Decode, TooManyPixelsAreRefusedBeforeTheyAreDecoded) {
  EXPECT_EQ(complaint(bytes_of("rgb.png"), {.max_pixels = 53 * 37 - 1}),
            "photo: has 53x37 pixels, more than the 1960 that are allowed");
  EXPECT_EQ(complaint(bytes_of("rgb.png"), {.max_pixels = 53 * 37}), "");
  // A header that promises 60000x60000 pixels before the data of a small picture; its checksum is wrong, which is looked at later
  // than the size.
  std::string bytes = bytes_of("rgb.png");
  bytes.replace(16, 8, std::string("\x00\x00\xea\x60\x00\x00\xea\x60", 8));
  const std::string said = complaint(bytes);
  EXPECT_THAT(said, StartsWith("photo: "));
  EXPECT_NE(said, "");
}

TEST(Decode, HeaderThatPromisesMuchTakesLittleMemory) {
  // 60000x60000 greyscale pixels of which none is there: well-formed up to the image data.
  const auto chunk = [](const std::string& kind, const std::string& data) {
    const auto number = [](std::uint32_t n) {
      return std::string{static_cast<char>(n >> 24), static_cast<char>(n >> 16), static_cast<char>(n >> 8), static_cast<char>(n)};
    };
    const std::string body = kind + data;
    const std::uint32_t crc = test::crc32(std::span(reinterpret_cast<const std::uint8_t*>(body.data()), body.size()));
    return number(static_cast<std::uint32_t>(data.size())) + body + number(crc);
  };
  const std::string header("\x00\x00\xea\x60\x00\x00\xea\x60\x08\x00\x00\x00\x00", 13);
  const std::string bytes = "\x89PNG\r\n\x1a\n" + chunk("IHDR", header) + chunk("IDAT", "") + chunk("IEND", "");
  EXPECT_EQ(complaint(bytes), "photo: has 60000x60000 pixels, more than the 300000000 that are allowed");
  EXPECT_THAT(complaint(bytes, {.max_pixels = std::int64_t{1} << 40}), StartsWith("photo: "));
}

TEST(Decode, AnyFileNameWillDo) {
  const test::TemporaryFolder folder;
  for (const std::string name : {"line\nbreak.jpg", "not \xff\xfe UTF-8.jpg", "-n", "100%s.jpg", "a[strip].jpg", "no suffix"}) {
    const fs::path file = folder.write(name, bytes_of("420.jpg"));
    EXPECT_EQ(decode(file).width, 53) << name;
  }
  const fs::path bad = folder.write("bad\nname \xff.jpg", "hello");
  EXPECT_THAT(complaint_about(bad), StartsWith(bad.string() + ": is not an image"));
}

TEST(Decode, ReadsFromAPipe) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const std::string bytes = bytes_of("rgb16.png");
  std::thread writer([&] {
    for (std::size_t done = 0; done < bytes.size();) {
      done += static_cast<std::size_t>(write(ends[1], bytes.data() + done, bytes.size() - done));
    }
    close(ends[1]);
  });
  const Pixels pixels = decode("/dev/fd/" + std::to_string(ends[0]));
  writer.join();
  close(ends[0]);
  EXPECT_EQ(pixels.rgb, decode(formats() / "rgb16.png").rgb);
}

TEST(Decode, AFifoIsNotWaitedFor) {
  const test::TemporaryFolder folder;
  const fs::path fifo = folder.path() / "fifo.jpg";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_EQ(complaint_about(fifo), fifo.string() + ": is a FIFO, expected an image");
}

TEST(Decode, OrientationsThatAreNotHeededAreCounted) {
  std::atomic<std::size_t> count = 0;
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const fs::path file = formats() / ("exif" + std::to_string(orientation) + ".jpg");
    decode(file, {.unheeded_orientations = &count});
    decode(file, {.exif = true, .unheeded_orientations = &count});
  }
  EXPECT_EQ(count, 7u);
}

// A PNG chunk, and data as zlib stores it without compression.
std::string big_endian(std::uint32_t number) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(number >> shift & 0xff);
  return bytes;
}
std::string chunk(const std::string& type, const std::string& data) {
  const std::string body = type + data;
  return big_endian(static_cast<std::uint32_t>(data.size())) + body +
         big_endian(test::crc32(std::span(reinterpret_cast<const std::uint8_t*>(body.data()), body.size())));
}
std::string stored(const std::string& data) {
  std::uint32_t a = 1, b = 0;
  for (const char c : data) {
    a = (a + static_cast<unsigned char>(c)) % 65521;
    b = (b + a) % 65521;
  }
  const auto size = static_cast<std::uint16_t>(data.size()), inverse = static_cast<std::uint16_t>(~size);
  std::string block = "\x78\x01\x01";
  for (const std::uint16_t number : {size, inverse}) {
    block += static_cast<char>(number & 0xff);
    block += static_cast<char>(number >> 8);
  }
  return block + data + big_endian(b << 16 | a);
}

// An EXIF block with one entry, as hexadecimal digits in lines of 72, as ImageMagick writes them.
std::string raw_profile(int orientation) {
  const std::string tiff{"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0", 32};
  std::string digits;
  for (std::size_t i = 0; i < tiff.size(); ++i) {
    const int byte = i == 24 ? orientation : static_cast<unsigned char>(tiff[i]);
    digits += "0123456789abcdef"[byte / 16];
    digits += "0123456789abcdef"[byte % 16];
    if (i == 19) digits += '\n';
  }
  return "\nexif\n      32\n" + digits + "\n";
}

TEST(Decode, TheOrientationInAPngsTextIsHeededAsThatOfEXif) {
  const std::string png = bytes_of("rgb.png");
  const std::size_t after_header = 33;
  const auto with = [&](const std::string& chunks) { return std::string(png).insert(after_header, chunks); };
  const std::string key{"Raw profile type exif\0", 22};
  const std::string compressed = with(chunk("zTXt", key + '\0' + stored(raw_profile(6))));
  const std::string plain = with(chunk("tEXt", key + raw_profile(6)));
  const Pixels upright = decode_bytes(png), turned = decode_bytes(compressed, {.exif = true});
  EXPECT_EQ(turned.width, upright.height);
  EXPECT_EQ(decode_bytes(plain, {.exif = true}).rgb, turned.rgb);
  EXPECT_EQ(decode_bytes(compressed).rgb, upright.rgb);
  std::atomic<std::size_t> count = 0;
  decode_bytes(compressed, {.unheeded_orientations = &count});
  EXPECT_EQ(count, 1u);
  // An eXIf chunk has the last word; text of another kind has none.
  const std::string exif{"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x03\0\0\0\0\0\0\0", 26};
  const std::string both = with(chunk("zTXt", key + '\0' + stored(raw_profile(6))) + chunk("eXIf", exif));
  EXPECT_EQ(decode_bytes(both, {.exif = true}).width, upright.width);
  EXPECT_EQ(decode_bytes(with(chunk("tEXt", std::string("Comment\0", 8) + raw_profile(6))), {.exif = true}).rgb, upright.rgb);
}

TEST(Exif, WhatIsNoOrientationIsNone) {
  EXPECT_EQ(orientation_of_raw_profile(raw_profile(8)), 8);
  EXPECT_EQ(orientation_of_raw_profile(raw_profile(9)), 0);
  EXPECT_EQ(orientation_of_raw_profile(raw_profile(0)), 0);
  EXPECT_EQ(orientation_of_raw_profile(""), 0);
  EXPECT_EQ(orientation_of_raw_profile("\nexif\n 4\n"), 0);
  // Cut off anywhere.
  const std::string whole = raw_profile(5);
  for (std::size_t size = 0; size + 18 < whole.size(); ++size) EXPECT_EQ(orientation_of_raw_profile(whole.substr(0, size)), 0);
  // A directory beyond the end, and one that claims more entries than there are.
  EXPECT_EQ(orientation_of_raw_profile("\nexif\n 8\n49492a00ffffffff"), 0);
  EXPECT_EQ(orientation_of_raw_profile("\nexif\n 8\n49492a0008000000ffff"), 0);
  // Big-endian.
  EXPECT_EQ(orientation_of_raw_profile("\nexif\n 26\n4d4d002a0000000800010112000300000001000700000000"), 7);
}

TEST(Decode, WhatIsLargeAndNoImageIsRefusedBeforeItIsRead) {
  const test::TemporaryFolder folder;
  const fs::path file = folder.write("photo.jpg", "");
  fs::resize_file(file, std::uintmax_t{2} << 30);  // a hole, which takes no room on the disk
  const auto start = std::chrono::steady_clock::now();
  EXPECT_THAT(complaint_about(file), StartsWith(file.string() + ": is not an image that can be read"));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(500));
}

TEST(Decode, EndlessInputIsRefused) { EXPECT_EQ(complaint_about("/dev/zero"), "/dev/zero: is a device, expected an image"); }

TEST(Decode, ThreadsDoNotSeeEachOthersErrors) {
  const std::string good = bytes_of("420.jpg"), cut = good.substr(0, 900), stranger = "hello";
  const std::vector<std::uint8_t> expected = decode_bytes(good).rgb;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 40; ++i) {
        switch ((i + t) % 3) {
          case 0: wrong += decode_bytes(good).rgb != expected; break;
          case 1: wrong += complaint(cut) != "photo: is truncated (Premature end of input file)"; break;
          case 2:
            wrong += complaint(stranger) !=
                     "photo: is not an image that can be read, expected JPEG, PNG, WebP, GIF, TIFF, HEIF, AVIF, BMP or PNM";
            break;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace resnet::image
