#include "formats/npy/npy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "lib/base/error.h"
#include "lib/base/files.h"
#include "tests/support/assets.h"
#include "tests/support/temporary_folder.h"

namespace resnet::npy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

// A file of version `major` with this header and data, put together by hand.
std::string file_of(const std::string& header, const std::string& data, int major = 1) {
  std::string result = "\x93NUMPY";
  result += static_cast<char>(major);
  result += '\0';
  for (int i = 0; i < (major == 1 ? 2 : 4); ++i) result += static_cast<char>((header.size() >> (8 * i)) & 0xff);
  return result + header + data;
}

std::string bytes_of(std::initializer_list<int> values) {
  std::string result;
  for (const int value : values) result += static_cast<char>(value);
  return result;
}

Tensor parse_text(const std::string& bytes) { return parse(std::as_bytes(std::span(bytes)), "x.npy"); }

std::string complaint(const std::string& bytes) {
  try {
    parse_text(bytes);
  } catch (const Error& error) {
    EXPECT_EQ(error.role(), Role::input);
    return error.what();
  }
  return "";
}

const std::string header_2x2 = "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 2), }\n";

TEST(Npy, ReadsVersionsOneToThree) {
  for (const int major : {1, 2, 3}) {
    const Tensor tensor = parse_text(file_of(header_2x2, "\1\2\3\4", major));
    EXPECT_EQ(tensor.dtype(), DType::uint8);
    EXPECT_EQ(tensor.shape(), (Shape{2, 2}));
    EXPECT_THAT(tensor.data<std::uint8_t>(), ElementsAre(1, 2, 3, 4));
  }
}

TEST(Npy, ReadsLittleAndBigEndian) {
  const auto header = [](const std::string& descr) {
    return "{'descr': '" + descr + "', 'fortran_order': False, 'shape': (2,), }";
  };
  EXPECT_THAT(parse_text(file_of(header("<i2"), bytes_of({1, 0, 0xfe, 0xff}))).data<std::int16_t>(), ElementsAre(1, -2));
  EXPECT_THAT(parse_text(file_of(header(">i2"), bytes_of({0, 1, 0xff, 0xfe}))).data<std::int16_t>(), ElementsAre(1, -2));
  EXPECT_THAT(parse_text(file_of(header(">f4"), bytes_of({0x3f, 0x80, 0, 0, 0xc0, 0, 0, 0}))).data<float>(),
              ElementsAre(1.0f, -2.0f));
}

TEST(Npy, ReadsFortranOrderIntoRowMajor) {
  // The matrix 0 1 2 / 3 4 5, column by column.
  const std::string header = "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }";
  EXPECT_THAT(parse_text(file_of(header, bytes_of({0, 3, 1, 4, 2, 5}))).data<std::uint8_t>(), ElementsAre(0, 1, 2, 3, 4, 5));
  // a[i][j][k] = 4 i + 2 j + k, the first index fastest.
  const std::string cube = "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 2, 2), }";
  EXPECT_THAT(parse_text(file_of(cube, bytes_of({0, 4, 2, 6, 1, 5, 3, 7}))).data<std::uint8_t>(),
              ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
}

TEST(Npy, ReadsHeadersThatOtherWritersMake) {
  // Other order, no trailing commas, double quotes, no blanks; a long of Python 2.
  const Tensor tensor =
      parse_text(file_of("{\"shape\":(2L,1),\"fortran_order\":False,\"descr\":\"<u2\"}", bytes_of({7, 0, 0, 1})));
  EXPECT_EQ(tensor.shape(), (Shape{2, 1}));
  EXPECT_THAT(tensor.data<std::uint16_t>(), ElementsAre(7, 256));
}

TEST(Npy, ReadsScalarsAndEmptyArrays) {
  EXPECT_EQ(parse_text(file_of("{'descr': '|i1', 'fortran_order': False, 'shape': (), }", "\x7f")).shape(), Shape{});
  const Tensor empty = parse_text(file_of("{'descr': '<f4', 'fortran_order': True, 'shape': (3, 0, 5), }", ""));
  EXPECT_EQ(empty.shape(), (Shape{3, 0, 5}));
  EXPECT_EQ(empty.elements(), 0);
}

TEST(Npy, AnyByteButZeroIsTrue) {
  const Tensor tensor = parse_text(file_of("{'descr': '|b1', 'fortran_order': False, 'shape': (3,), }", bytes_of({0, 1, 0x80})));
  EXPECT_THAT(tensor.data<bool>(), ElementsAre(false, true, true));
  EXPECT_EQ(tensor.bytes()[2], std::byte{1});
}

template <typename T>
void expect_round_trip(std::initializer_list<T> values, const std::string& descr) {
  const Tensor tensor = Tensor::from<T>(Shape{static_cast<std::int64_t>(values.size()), 1}, values);
  const std::string bytes = to_bytes(tensor);
  EXPECT_THAT(bytes, HasSubstr("'descr': '" + descr + "'"));
  EXPECT_EQ(parse_text(bytes), tensor) << descr;
}

TEST(Npy, EveryTypeSurvives) {
  expect_round_trip<float>({1.5f, -0.0f, std::numeric_limits<float>::infinity()}, "<f4");
  expect_round_trip<double>({1.5, 1e300}, "<f8");
  expect_round_trip<Float16>({Float16(1.5f), Float16(-65504.0f)}, "<f2");
  expect_round_trip<std::int8_t>({-128, 127}, "|i1");
  expect_round_trip<std::int16_t>({-32768, 32767}, "<i2");
  expect_round_trip<std::int32_t>({std::numeric_limits<std::int32_t>::min(), 5}, "<i4");
  expect_round_trip<std::int64_t>({std::numeric_limits<std::int64_t>::min(), 5}, "<i8");
  expect_round_trip<std::uint8_t>({0, 255}, "|u1");
  expect_round_trip<std::uint16_t>({0, 65535}, "<u2");
  expect_round_trip<std::uint32_t>({0, 4294967295u}, "<u4");
  expect_round_trip<std::uint64_t>({0, std::numeric_limits<std::uint64_t>::max()}, "<u8");
  expect_round_trip<bool>({true, false}, "|b1");
}

TEST(Npy, BFloat16IsWrittenAsFloat) {
  const Tensor read_back = parse_text(to_bytes(Tensor::from<BFloat16>(Shape{2}, {BFloat16(1.5f), BFloat16(-3.0f)})));
  EXPECT_EQ(read_back.dtype(), DType::float32);
  EXPECT_THAT(read_back.data<float>(), ElementsAre(1.5f, -3.0f));
}

TEST(Npy, WritesTheHeaderAsNumPyDoes) {
  // numpy.save of numpy.array([[1, 2]], 'f4'), numpy 1.24: the data starts at byte 128.
  const std::string bytes = to_bytes(Tensor::from<float>(Shape{1, 2}, {1, 2}));
  const std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }";
  EXPECT_EQ(bytes.substr(0, 10), std::string("\x93NUMPY\x01\x00\x76\x00", 10));
  EXPECT_EQ(bytes.substr(10, header.size()), header);
  EXPECT_EQ(bytes.substr(10 + header.size(), 118 - header.size()), std::string(117 - header.size(), ' ') + "\n");
  EXPECT_EQ(bytes.size(), 128u + 8u);
  EXPECT_THAT(to_bytes(Tensor::from<float>(Shape{2}, {1, 2})), HasSubstr("'shape': (2,), }"));
  EXPECT_THAT(to_bytes(Tensor::scalar(1.0f)), HasSubstr("'shape': (), }"));
}

TEST(Npy, FilesSurvive) {
  const test::TemporaryFolder folder;
  const Tensor tensor = Tensor::from<float>(Shape{2, 3}, {1, 2, 3, 4, 5, 6});
  write(folder.path() / "x.npy", tensor);
  EXPECT_EQ(read(folder.path() / "x.npy"), tensor);
}

TEST(Npy, WhereItCannotBeWrittenNothingIsLeft) {
  try {
    write("/nowhere/x.npy", Tensor::scalar(1.0f));
    FAIL() << "was written";
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::unwritable);
    EXPECT_THAT(error.what(), StartsWith("/nowhere/x.npy: cannot be written"));
  }
}

TEST(Npy, FileThatIsNotThere) {
  try {
    read("/nowhere/x.npy");
    FAIL() << "was read";
  } catch (const Error& error) {
    EXPECT_EQ(error.role(), Role::input);
    EXPECT_STREQ(error.what(), "/nowhere/x.npy: cannot be opened: No such file or directory");
  }
}

TEST(Npy, WhatIsNoNpyFile) {
  EXPECT_EQ(complaint(""), "x.npy: is empty");
  EXPECT_EQ(complaint("hello"), "x.npy: is not a .npy file");
  EXPECT_EQ(complaint("PK\3\4"), "x.npy: is a .npz archive or another ZIP file, expected .npy");
  EXPECT_EQ(complaint(file_of(header_2x2, "\1\2\3\4", 9)), "x.npy: has version 9 of the .npy format, expected 1, 2 or 3");
}

TEST(Npy, EveryTruncationIsToldOf) {
  const std::string whole = file_of(header_2x2, "\1\2\3\4");
  for (std::size_t size = 6; size < whole.size(); ++size)
    EXPECT_THAT(complaint(whole.substr(0, size)), StartsWith("x.npy: is truncated: "));
  EXPECT_EQ(complaint(whole.substr(0, whole.size() - 1)),
            "x.npy: is truncated: its shape (2, 2) needs 4 bytes, but only 3 are there");
}

TEST(Npy, HeaderThatIsLongerThanTheFile) {
  EXPECT_EQ(complaint(std::string("\x93NUMPY\x02\x00\xff\xff\xff\xff{}", 14)),
            "x.npy: is truncated: its header has 4294967295 bytes, but only 2 are there");
}

TEST(Npy, ShapesThatTheFileCannotHold) {
  const auto header = [](const std::string& shape) {
    return "{'descr': '<f8', 'fortran_order': False, 'shape': " + shape + ", }";
  };
  EXPECT_EQ(complaint(file_of(header("(1000000, 1000000)"), "12345678")),
            "x.npy: is truncated: its shape (1000000, 1000000) needs 8000000000000 bytes, but only 8 are there");
  EXPECT_EQ(complaint(file_of(header("(4294967296, 4294967296)"), "12345678")),
            "x.npy: is truncated: its shape (4294967296, 4294967296) needs more than 2^63 bytes, but only 8 are there");
  EXPECT_EQ(complaint(file_of(header("(0, 9223372036854775807, 9)"), "")),
            "x.npy: shape 0x9223372036854775807x9 has more elements than fit into 64 bits");
  EXPECT_EQ(complaint(file_of(header("(-1,)"), "")),
            "x.npy: is a damaged .npy file: its header has a shape that is not a tuple of sizes");
  EXPECT_EQ(complaint(file_of(header("(99999999999999999999,)"), "")),
            "x.npy: is a damaged .npy file: its header has a shape that is not a tuple of sizes");
  std::string many = "(";
  for (int i = 0; i < 70; ++i) many += "1,";
  EXPECT_EQ(complaint(file_of(header(many + ")"), "12345678")),
            "x.npy: is a damaged .npy file: its header has more than 64 dims");
}

TEST(Npy, BytesBehindTheArray) {
  EXPECT_EQ(complaint(file_of(header_2x2, "\1\2\3\4\5")), "x.npy: has 1 bytes after its array of shape (2, 2), expected none");
}

TEST(Npy, TypesThatAreNoNumbers) {
  const auto header = [](const std::string& descr) {
    return "{'descr': " + descr + ", 'fortran_order': False, 'shape': (1,), }";
  };
  EXPECT_EQ(complaint(file_of(header("'|O'"), "x")), "x.npy: has elements of dtype '|O', expected numbers or booleans");
  EXPECT_EQ(complaint(file_of(header("'<c8'"), "12345678")), "x.npy: has elements of dtype '<c8', expected numbers or booleans");
  EXPECT_EQ(complaint(file_of(header("'<U5'"), "x")), "x.npy: has elements of dtype '<U5', expected numbers or booleans");
  EXPECT_EQ(complaint(file_of(header("''"), "x")), "x.npy: has elements of dtype '', expected numbers or booleans");
  EXPECT_EQ(complaint(file_of(header("[('a', '<f4')]"), "1234")), "x.npy: holds records (a structured dtype), expected numbers");
}

TEST(Npy, HeadersThatAreNone) {
  const auto said = [](const std::string& header) { return complaint(file_of(header, "\1\2\3\4")); };
  EXPECT_EQ(said(""), "x.npy: is a damaged .npy file: its header has no '{' at its byte 0");
  EXPECT_EQ(said("{"), "x.npy: is a damaged .npy file: its header has no string at its byte 1");
  EXPECT_EQ(said("{}"), "x.npy: is a damaged .npy file: its header has no 'descr'");
  EXPECT_EQ(said("{'descr': '<f4', 'shape': (1,)}"), "x.npy: is a damaged .npy file: its header has no 'fortran_order'");
  EXPECT_EQ(said("{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}"),
            "x.npy: is a damaged .npy file: its header has a fortran_order that is neither True nor False");
  EXPECT_EQ(said("{'descr: 1}"), "x.npy: is a damaged .npy file: its header has a string without an end");
  EXPECT_EQ(said("{'de\nscr': 1}"), "x.npy: is a damaged .npy file: its header has a string that is not ASCII");
  EXPECT_EQ(said("{'other': 1}"), "x.npy: is a damaged .npy file: its header has the unknown key 'other'");
  EXPECT_EQ(said("{'descr' '<f4'}"), "x.npy: is a damaged .npy file: its header has no ':' at its byte 9");
  EXPECT_EQ(said(header_2x2 + "x"), "x.npy: is a damaged .npy file: its header continues after its closing brace");
}

TEST(Npy, ReadsWhatNumPyWrote) {
  RESNET_REQUIRE_ASSETS();
  const Tensor logits = read(*test::assets() / "expected" / "imagenet-resnet18.npy");
  EXPECT_EQ(logits.dtype(), DType::float32);
  EXPECT_EQ(logits.shape(), (Shape{100, 1000}));
  for (const float value : logits.data<float>()) ASSERT_TRUE(std::isfinite(value));
  EXPECT_EQ(to_bytes(logits), read_file(*test::assets() / "expected" / "imagenet-resnet18.npy", Role::input));
}

}  // namespace
}  // namespace resnet::npy
