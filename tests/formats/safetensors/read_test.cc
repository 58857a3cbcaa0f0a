#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "formats/safetensors/safetensors.h"
#include "lib/base/error.h"
#include "tests/formats/safetensors/files.h"
#include "tests/support/temporary_folder.h"

namespace resnet::safetensors {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

const std::string row = std::string("\0\0\x80\x3f\0\0\0\xc0\0\0\0\0\0\0\0\0", 16);  // 1, -2, 0, 0 in float32

// {"a": {...}} with 16 bytes of data unless `data` is given.
std::string one(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return fmt::format(R"({{"a":{{"dtype":{},"shape":{},"data_offsets":{}}}}})", dtype, shape, offsets);
}
std::string file_of_one(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return file_of(one(dtype, shape, offsets), row);
}
const std::string whole = file_of_one("\"F32\"", "[4]", "[0,16]");

// 'a' and 'b', two float32 each; these are their offsets.
std::string two(const std::string& a, const std::string& b, std::size_t bytes) {
  return file_of(fmt::format(R"({{"a":{{"dtype":"F32","shape":[2],"data_offsets":{}}},)"
                             R"("b":{{"dtype":"F32","shape":[2],"data_offsets":{}}}}})",
                             a, b),
                 std::string(bytes, '\0'));
}

TEST(ReadSafetensors, OneTensor) {
  const Weights weights = parse_text(whole);
  ASSERT_EQ(weights.tensors.size(), 1u);
  EXPECT_EQ(weights.tensors[0].name, "a");
  EXPECT_EQ(weights.tensors[0].tensor.shape(), Shape{4});
  EXPECT_THAT(weights.tensors[0].tensor.load().data<float>(), ElementsAre(1.0f, -2.0f, 0.0f, 0.0f));
  EXPECT_EQ(weights.format, "safetensors");
  EXPECT_TRUE(weights.metadata.empty());
  EXPECT_TRUE(weights.notes.empty());
}

TEST(ReadSafetensors, AlignedFloatsStayInTheFileAndKeepIt) {
  const std::string header = R"({"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}} )";
  ASSERT_EQ(header.size() % 8, 0u);
  std::shared_ptr<const Buffer> file = buffer_of(file_of(header, row));
  const std::byte* const data = file->bytes().data() + 8 + header.size();
  const std::weak_ptr<const Buffer> alive = file;
  const Weights weights = parse(std::move(file), "x.safetensors");
  EXPECT_EQ(weights.tensors[0].tensor.load().bytes().data(), data);
  EXPECT_FALSE(alive.expired());
  EXPECT_THAT(weights.tensors[0].tensor.load().data<float>(), ElementsAre(1.0f, -2.0f, 0.0f, 0.0f));
}

TEST(ReadSafetensors, WhatIsNotAlignedIsCopied) {
  for (std::size_t misaligned = 0; misaligned < 8; ++misaligned) {
    const auto file = buffer_of(file_of(R"({"a":{"dtype":"I64","shape":[],"data_offsets":[0,8]},)"
                                        R"("b":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}})",
                                        std::string("\5\0\0\0\0\0\0\0", 8) + row.substr(0, 8)),
                                misaligned);
    const Weights weights = parse(file, "x.safetensors");
    EXPECT_THAT(weights.tensors[0].tensor.load().data<std::int64_t>(), ElementsAre(5)) << misaligned;
    EXPECT_THAT(weights.tensors[1].tensor.load().data<float>(), ElementsAre(1.0f, -2.0f)) << misaligned;
    for (const NamedTensor& named : weights.tensors) {
      const Tensor tensor = named.tensor.load();
      const auto address = reinterpret_cast<std::uintptr_t>(tensor.bytes().data());
      EXPECT_EQ(address % size_of(named.tensor.dtype()), 0u) << misaligned;
    }
  }
}

TEST(ReadSafetensors, OtherFloatsBecomeFloat32) {
  const auto values = [](const std::string& dtype, const std::string& data, int elements) {
    const Weights weights =
        parse_text(file_of(one("\"" + dtype + "\"", fmt::format("[{}]", elements), fmt::format("[0,{}]", data.size())), data));
    const Tensor tensor = weights.tensors[0].tensor.load();
    const auto floats = tensor.data<float>();
    return std::vector<float>(floats.begin(), floats.end());
  };
  const float infinity = std::numeric_limits<float>::infinity();
  // 1.5, the largest, the smallest subnormal, -infinity
  EXPECT_THAT(values("F16", std::string("\x00\x3e\xff\x7b\x01\x00\x00\xfc", 8), 4),
              ElementsAre(1.5f, 65504.0f, 0x1p-24f, -infinity));
  EXPECT_THAT(values("BF16", std::string("\xc0\x3f\x80\xff\x01\x00", 6), 3), ElementsAre(1.5f, -infinity, 0x1p-133f));
  EXPECT_TRUE(std::isnan(values("F16", "\x01\x7e", 1)[0]));
  const double doubles[] = {0.1, -1e300};
  EXPECT_THAT(values("F64", std::string(reinterpret_cast<const char*>(doubles), sizeof doubles), 2),
              ElementsAre(0.1f, -infinity));
}

TEST(ReadSafetensors, IntegersAndBooleansStayWhatTheyAre) {
  const struct {
    const char* name;
    DType dtype;
  } types[] = {{"U8", DType::uint8},   {"I8", DType::int8},    {"U16", DType::uint16},
               {"I16", DType::int16},  {"U32", DType::uint32}, {"I32", DType::int32},
               {"U64", DType::uint64}, {"I64", DType::int64},  {"F32", DType::float32}};
  for (const auto& [name, dtype] : types) {
    const std::size_t elements = 16 / size_of(dtype);
    const Weights weights = parse_text(file_of_one(fmt::format("\"{}\"", name), fmt::format("[{}]", elements), "[0,16]"));
    EXPECT_EQ(weights.tensors[0].tensor.dtype(), dtype) << name;
    const Tensor tensor = weights.tensors[0].tensor.load();
    const auto bytes = tensor.bytes();
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()), row) << name;
  }
  const Weights weights = parse_text(file_of_one("\"BOOL\"", "[16]", "[0,16]"));
  EXPECT_EQ(weights.tensors[0].tensor.load().data<bool>()[2], true);
  EXPECT_EQ(weights.tensors[0].tensor.load().bytes()[2], std::byte{1});
}

TEST(ReadSafetensors, TensorsAreInTheOrderOfTheirData) {
  const Weights weights = parse_text(two("[8,16]", "[0,8]", 16));
  EXPECT_EQ(weights.tensors[0].name, "b");
  EXPECT_EQ(weights.tensors[1].name, "a");
}

TEST(ReadSafetensors, ScalarsAndEmptyTensors) {
  const Weights weights = parse_text(file_of(R"({"scalar":{"dtype":"F32","shape":[],"data_offsets":[0,4]},)"
                                             R"("empty":{"dtype":"F32","shape":[3,0,2],"data_offsets":[4,4]},)"
                                             R"("none":{"dtype":"F16","shape":[0],"data_offsets":[0,0]}})",
                                             row.substr(0, 4)));
  ASSERT_EQ(weights.tensors.size(), 3u);
  EXPECT_EQ(weights.tensors[0].name, "none");
  EXPECT_EQ(weights.tensors[1].tensor.shape(), Shape{});
  EXPECT_EQ(weights.tensors[2].tensor.shape(), (Shape{3, 0, 2}));
}

TEST(ReadSafetensors, WithoutTensorsIsValid) {
  EXPECT_TRUE(parse_text(file_of("{}")).tensors.empty());
  EXPECT_EQ(parse_text(file_of(R"({"__metadata__":{"format":"pt","":"\n"}})")).metadata,
            (std::map<std::string, std::string>{{"format", "pt"}, {"", "\n"}}));
}

TEST(ReadSafetensors, SpacesAndUnknownKeysDoNotMatter) {
  const std::string header =
      "{ \"a\" :\t{\"strides\":[{\"x\":[[],{}]},null,true,-1.5e-3,\"]\"],\r\n\"data_offsets\":[0,16],\"shape\":[ 2 , 2 "
      "],\"dtype\":"
      "\"F32\"}}  ";
  EXPECT_EQ(parse_text(file_of(header, row)).tensors[0].tensor.shape(), (Shape{2, 2}));
}

TEST(ReadSafetensors, NamesAreOnlyNames) {
  const auto name = [](const std::string& json) {
    return parse_text(file_of("{\"" + json + R"(":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}})", row)).tensors[0].name;
  };
  EXPECT_EQ(name(""), "");
  EXPECT_EQ(name("../../etc/passwd"), "../../etc/passwd");
  EXPECT_EQ(name(R"(a\u0000b\u001b\"\\\/\b\f\n\r\t)"), std::string("a\0b\x1b\"\\/\b\f\n\r\t", 12));
  EXPECT_EQ(name(R"(\u00e9\u20ac\ud83d\ude00é)"), "é€😀é");
  EXPECT_EQ(name(std::string(100'000, 'x')).size(), 100'000u);
}

TEST(ReadSafetensors, TheLengthOfTheHeader) {
  EXPECT_EQ(complaint(""), "is empty, expected a safetensors file");
  EXPECT_EQ(complaint("1234567"), "is not a safetensors file: 7 bytes, expected 8 or more");
  EXPECT_EQ(complaint(std::string(8, '\0')), "the header is empty, expected '{'");
  EXPECT_THAT(complaint("<!doctype html>"),
              StartsWith("is not a safetensors file: it begins with '<!doctype', expected the length"));
  EXPECT_THAT(
      complaint(std::string("\x01\xe1\xf5\x05\0\0\0\0{}", 10)),  // 100,000,001
      StartsWith(R"(is not a safetensors file: it begins with '\x01\xe1\xf5\x05\x00\x00\x00\x00{', expected the length)"));
  EXPECT_THAT(complaint(std::string(8, '\xff') + "{}"), StartsWith("is not a safetensors file"));
  EXPECT_EQ(complaint(std::string("\x00\xe1\xf5\x05\0\0\0\0{}", 10)),
            "is cut short: 2 bytes after the header's length, expected 100000000");
  EXPECT_THAT(complaint(file_of(" {}")), StartsWith("is not a safetensors file"));
  EXPECT_THAT(complaint(file_of("\xef\xbb\xbf{}")), StartsWith("is not a safetensors file"));
  EXPECT_THAT(complaint(file_of("[1]")), StartsWith("is not a safetensors file"));
}

TEST(ReadSafetensors, EveryTruncationIsAnError) {
  for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_NE(complaint(whole.substr(0, size)), "") << size;
  EXPECT_EQ(complaint(whole.substr(0, whole.size() - 1)), "is cut short: 15 bytes of data, expected 16");
  EXPECT_EQ(complaint(whole + "polyglot"), "has 8 bytes after the data of its tensors, expected none");
}

TEST(ReadSafetensors, HeadersThatAreNotJson) {
  const auto said = [](const std::string& header) { return complaint(file_of(header, row)); };
  EXPECT_EQ(said("{"), "the header is broken at byte 9: it ends, expected a text in quotes");
  EXPECT_EQ(said("{'a'"), "the header is broken at byte 9: found ''', expected a text in quotes");
  EXPECT_EQ(said("{}x"), "the header is broken at byte 10: found 'x', expected nothing after the last brace");
  EXPECT_EQ(said(std::string("{}\0\0", 4)),
            R"(the header is broken at byte 10: found '\x00', expected nothing after the last brace)");
  EXPECT_EQ(said(std::string("{\0}", 3)), R"(the header is broken at byte 9: found '\x00', expected a text in quotes)");
  EXPECT_EQ(said("{\"\xff\":1}"), "the header is not UTF-8 text");
  EXPECT_EQ(said("{\"a\n\":1}"), R"(the header is broken at byte 11: found '\n', expected an escape for a control character)");
  EXPECT_EQ(said(R"({"\ud800":1})"), "the header has half of a surrogate pair at byte 10, which is not a character");
  EXPECT_EQ(said(R"({"\q":1})"), R"(the header is broken at byte 11: found 'q', expected one of "\/bfnrtu after a backslash)");
  EXPECT_EQ(said(R"({"a":1})"), "tensor 'a': the header is broken at byte 13: found '1', expected '{'");
  EXPECT_EQ(said(R"({"a":{},})"), "tensor 'a': has no 'dtype'");
  EXPECT_EQ(said(one("\"F32\"", "[4]", "[0,16]") + one("\"F32\"", "[4]", "[0,16]")),
            "the header is broken at byte 63: found '{', expected nothing after the last brace");
  EXPECT_THAT(said(R"({"a":{"x":)" + std::string(100'000, '[')),
              HasSubstr("tensor 'a': the header is nested more than 128 levels"));
}

TEST(ReadSafetensors, Entries) {
  const auto said = [](const std::string& dtype, const std::string& shape, const std::string& offsets) {
    return complaint(file_of_one(dtype, shape, offsets));
  };
  EXPECT_EQ(said("\"F33\"", "[4]", "[0,16]"),
            "tensor 'a': dtype is 'F33', expected one of U64, I64, F64, F32, U32, I32, BF16, F16, U16, I16, I8, U8, BOOL");
  EXPECT_THAT(said("\"f32\"", "[4]", "[0,16]"), StartsWith("tensor 'a': dtype is 'f32'"));
  EXPECT_THAT(said("1", "[4]", "[0,16]"), HasSubstr("found '1', expected a text in quotes"));
  EXPECT_THAT(said("\"F32\"", "4", "[0,16]"), HasSubstr("found '4', expected '['"));
  for (const char* dim : {"-4", "4.0", "4e0", "1e300", "NaN", "04", "18446744073709551616", "0x4", "true"}) {
    EXPECT_THAT(
        said("\"F32\"", fmt::format("[{}]", dim), "[0,16]"),
        HasSubstr(fmt::format("the header has '{}' at byte 37, expected a whole number from 0 to 18446744073709551615", dim)));
  }
  EXPECT_THAT(said("\"F32\"", "[\"4\"]", "[0,16]"), HasSubstr("found '\"', expected a number"));
  EXPECT_EQ(said("\"F32\"", "[4]", "[0,16,32]"), "tensor 'a': data_offsets has more than two numbers");
  EXPECT_EQ(said("\"F32\"", "[4]", "[0]"), "tensor 'a': data_offsets has 1 numbers, expected two");
  EXPECT_EQ(said("\"F32\"", "[4]", "[16,0]"), "tensor 'a': data_offsets [16, 0] end before they begin");
}

TEST(ReadSafetensors, ShapesThatDoNotFit) {
  const auto said = [](const std::string& shape) { return complaint(file_of_one("\"F32\"", shape, "[0,16]")); };
  EXPECT_EQ(said("[5]"), "tensor 'a': its data has 16 bytes, expected 20 for F32 of 5");
  EXPECT_EQ(said("[0]"), "tensor 'a': its data has 16 bytes, expected 0 for F32 of 0");
  EXPECT_EQ(said("[4611686018427387905,4]"), "tensor 'a': shape 4611686018427387905x4 has more elements than fit into 64 bits");
  EXPECT_EQ(said("[4611686018427387905]"), "tensor 'a': F32 of 4611686018427387905 has more bytes than fit into 64 bits");
  EXPECT_EQ(said("[0,9223372036854775808]"), "tensor 'a': dimension 9223372036854775808 does not fit into 63 bits");
  std::string ones = "[1";
  for (int i = 1; i < 20'000; ++i) ones += ",1";
  EXPECT_EQ(said(ones + "]"), "tensor 'a': has more than 64 dimensions");
}

TEST(ReadSafetensors, EveryByteIsOfOneTensor) {
  EXPECT_EQ(complaint(two("[0,8]", "[8,16]", 16)), "");
  EXPECT_EQ(complaint(two("[0,8]", "[12,20]", 20)),
            "tensor 'b': its data begins at byte 12, expected 8: the bytes before it belong to no tensor");
  EXPECT_EQ(complaint(two("[0,8]", "[4,12]", 12)),
            "tensor 'b': its data begins at byte 4, expected 8: it overlaps the data before it");
  EXPECT_EQ(complaint(two("[0,8]", "[0,8]", 8)),
            "tensor 'b': its data begins at byte 0, expected 8: it overlaps the data before it");
  EXPECT_EQ(complaint(two("[4,12]", "[12,20]", 20)),
            "tensor 'a': its data begins at byte 4, expected 0: the bytes before it belong to no tensor");
  EXPECT_EQ(complaint(two("[0,8]", "[8,16]", 12)), "is cut short: 12 bytes of data, expected 16");
  EXPECT_EQ(complaint(file_of(one("\"U8\"", "[9223372036854775807]", "[0,9223372036854775807]"))),
            "is cut short: 0 bytes of data, expected 9223372036854775807");
}

TEST(ReadSafetensors, NothingIsThereTwice) {
  const std::string entry = R"("a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)";
  EXPECT_EQ(complaint(file_of("{" + entry + R"("a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}})", row)),
            "has the tensor 'a' twice");
  EXPECT_EQ(complaint(file_of("{" + entry + R"("\u0061":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}})", row)),
            "has the tensor 'a' twice");
  EXPECT_EQ(complaint(file_of(R"({"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}})", row)),
            "tensor 'a': has 'dtype' twice");
  EXPECT_EQ(complaint(file_of(R"({"a":{"dtype":"F32","shape":[2],"shape":[2],"data_offsets":[0,8]}})", row)),
            "tensor 'a': has 'shape' twice");
  EXPECT_EQ(complaint(file_of(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"data_offsets":[0,8]}})", row)),
            "tensor 'a': has 'data_offsets' twice");
  EXPECT_EQ(complaint(file_of(R"({"a":{"dtype":"F32","shape":[2]}})", row)), "tensor 'a': has no 'data_offsets'");
  EXPECT_EQ(complaint(file_of(R"({"__metadata__":{},"__metadata__":{}})")), "has '__metadata__' twice");
  EXPECT_EQ(complaint(file_of(R"({"__metadata__":{"x":"1","x":"2"}})")), "its __metadata__ has 'x' twice");
}

TEST(ReadSafetensors, MetadataIsText) {
  EXPECT_EQ(complaint(file_of(R"({"__metadata__":{"epoch":3}})")), "its __metadata__ has something other than text for 'epoch'");
  EXPECT_EQ(complaint(file_of(R"({"__metadata__":{"a":{}}})")), "its __metadata__ has something other than text for 'a'");
  EXPECT_EQ(complaint(file_of(R"({"__metadata__":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}})", row)),
            "its __metadata__ has something other than text for 'shape'");
  EXPECT_EQ(complaint(file_of(R"({"__metadata__":"x"})")), "the header is broken at byte 24: found '\"', expected '{'");
}

TEST(ReadSafetensors, TypesThatAreNotOurs) {
  for (const char* dtype : {"F4", "F6_E2M3", "F6_E3M2", "F8_E5M2", "F8_E4M3", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ", "C64"}) {
    EXPECT_THAT(
        complaint(file_of_one(fmt::format("\"{}\"", dtype), "[16]", "[0,16]")),
        StartsWith(fmt::format("tensor 'a': has elements of type {}, which is not supported; expected one of U64, ", dtype)));
  }
}

TEST(ReadSafetensors, MessagesAreShortAndWithoutControlCharacters) {
  const auto said = [](const std::string& name) {
    return complaint(file_of("{\"" + name + R"(":{"dtype":"F32","shape":[5],"data_offsets":[0,16]}})", row));
  };
  EXPECT_THAT(said(R"(\u001b[31m\u0007\r\nx\u0000)"), StartsWith(R"(tensor '\x1b[31m\x07\r\nx\x00': its data)"));
  for (const std::string name : {"x", "é", "\\u0000", "\\u202e"}) {
    std::string repeated;
    for (int i = 0; i < 30'000; ++i) repeated += name;
    EXPECT_LT(said(repeated).size(), 200u);
    EXPECT_THAT(said(repeated), HasSubstr(" ... "));
  }
}

TEST(ReadSafetensors, WhatWouldEatMemoryIsRefused) {
  EXPECT_THAT(complaint(file_of("{\"" + std::string(most_name_bytes + 1, 'x') + "\":{}}")),
              StartsWith("the header has a text of more than 1048576 bytes at byte 9"));
  std::string header = "{";
  for (std::size_t i = 0; i < 200'000; ++i)
    header += fmt::format(R"({}"t{}":{{"dtype":"F32","shape":[0],"data_offsets":[0,0]}})", i == 0 ? "" : ",", i);
  EXPECT_EQ(complaint(file_of(header + "}")), "has more than 16384 tensors");
}

TEST(ReadSafetensors, FilesAreMapped) {
  const test::TemporaryFolder folder;
  const Weights weights = read(folder.write("w.safetensors", whole));
  EXPECT_THAT(weights.tensors[0].tensor.load().data<float>(), ElementsAre(1.0f, -2.0f, 0.0f, 0.0f));
  try {
    read(folder.path() / "absent.safetensors");
    FAIL() << "was read";
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::unreadable);
    EXPECT_THAT(error.what(), testing::EndsWith("absent.safetensors: cannot be opened: No such file or directory"));
  }
}

}  // namespace
}  // namespace resnet::safetensors
